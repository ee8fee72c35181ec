"""A basis as it usually is, theme by theme, plainly."""

from __future__ import annotations

from array import array

from models.features import COLUMNS
from models.numerics.maths import exp2, ln
from tests.reference.crossing import rolled
from tests.reference.features import HALF_LIVES

PURCHASES = ("recency_days", "tenure_days", *(name for name in COLUMNS if name.startswith("purchases_")))


def usual_gap(basis: array[float]) -> float:
    of = dict(zip(COLUMNS, basis, strict=True))
    own = max(of["tenure_days"] - of["recency_days"], 0.0)
    return (own + 28.0) / (max(of["purchase_days"] - 1.0, 0.0) + 1.0)


def usual_states(basis: array[float]) -> dict[str, array[float]]:
    """By theme; `at_first` and `coming_often` last."""
    of = dict(zip(COLUMNS, basis, strict=True))
    before = earlier(basis, max(of["recency_days"] - usual_gap(basis) / 2.0, 0.0))
    gaps = of["purchase_days"] - 1.0
    changes = {
        "silence": {name: before[name] for name in PURCHASES},
        "interest": interest(before),
        "pace": {"gap_ewma": of["gap_log_sum"] / gaps} if gaps > 1.0 else {},
        "spending": dict.fromkeys(("amount_last", "amount_ewma"), of["amount_mean"]),
        "open_cases": dict.fromkeys(("open_cases", "oldest_case_days"), 0.0),
        **{name: {name: 0.0} for name in ("complaints", "sentiment")},
        **{name: {name: 0.0} for name in ("payment_failures", "unsubscribes", "returns", "campaigns")},
        "at_first": {name: earlier(basis, of["recency_days"])[name] for name in PURCHASES},
        "coming_often": coming_often(of, min(usual_gap(basis), 28.0)),
    }
    return {theme: array("f", {**of, **changed}.values()) for theme, changed in changes.items()}


def earlier(basis: array[float], days: float) -> dict[str, float]:
    return dict(zip(COLUMNS, rolled(basis, -days), strict=True))


def interest(before: dict[str, float]) -> dict[str, float]:
    return {name: before[name] for name in ("visits", "opens", "presence") if before[name] <= every_day(name)}


def every_day(name: str) -> float:
    """What the decayed count is of somebody with one a day."""
    return array("f", [1.0 / (1.0 - 2.0 ** (-1.0 / HALF_LIVES[name]))])[0]


def coming_often(of: dict[str, float], gap: float) -> dict[str, float]:
    """Of somebody with as many signs, two at least, at even gaps."""
    days = max(of["purchase_days"], 2.0)
    changed = {
        "purchase_days": days,
        "tenure_days": of["recency_days"] + gap * (days - 1.0),
        "gap_log_sum": ln(gap) * (days - 1.0),
        "gap_log_squares": ln(gap) * ln(gap) * (days - 1.0),
        "gap_max": gap,
        "gap_ewma": ln(gap),
    }
    for name in PURCHASES[2:]:
        kept, a_gap = exp2(-of["recency_days"] / HALF_LIVES[name]), exp2(-gap / HALF_LIVES[name])
        changed[name] = kept * (1.0 - exp2(-gap * days / HALF_LIVES[name])) / (1.0 - a_gap)
    return changed
