"""Reasons for a score: the change in risk when one aspect of a customer is set back to their usual.

For each theme the basis is changed back to the customer's own usual state in that theme alone, and scored anew; the
driver's contribution is the difference of the two logits. So the reasons are the model's own, whatever model it is, and
they are about what has changed: not "bought seldom", but "silent 24 days, usually buys every 9".
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.probability import logit
from models.churn.port import Scorer
from models.customer.layout import HALF_LIVES_PURCHASE, HALF_LIVES_TOUCH, OPENS, PRESENCE, VISITS
from models.features.basis import COLUMNS
from models.features.silence import rolled
from models.settings import Alive

Basis = NDArray[np.float32]
AT: Final = {name: index for index, name in enumerate(COLUMNS)}
_PURCHASES = [AT[name] for name in ("recency_days", "tenure_days", *(c for c in COLUMNS if c.startswith("purchases_")))]
_COUNTED = ("payment_failures", "unsubscribes", "returns", "campaigns")
_INTEREST = [AT[name] for name in ("visits", "opens", "presence")]
_EVERY_DAY = [1.0 / (1.0 - 2.0 ** (-1.0 / HALF_LIVES_TOUCH[kind])) for kind in (VISITS, OPENS, PRESENCE)]
"""What the decayed count of each is of somebody with one a day."""

PRIOR_GAP_DAYS = 28.0
LEAST_CONTRIBUTION = 0.01
"""Logits: what adds less is no reason."""
NEARLY_NOTHING = 0.1
"""Logits: when all that has changed adds less, it is not why somebody is at risk."""


class Driver(NamedTuple):
    """One reason for a score: its theme, what it adds to the logit against the customer's own usual state, in words."""

    feature: str
    contribution: float
    text: str


def usual_gap(basis: Basis) -> float:
    """Days between two purchases, as the customer's own gaps say, with one of 28 days among them."""
    gaps = float(basis[AT["purchase_days"]]) - 1.0
    own = max(float(basis[AT["tenure_days"]]) - float(basis[AT["recency_days"]]), 0.0)
    return (own + PRIOR_GAP_DAYS) / (max(gaps, 0.0) + 1.0)


def _overdue(basis: Basis) -> float:
    """Days by which the silence is longer than it is on average, which is half a gap."""
    return max(float(basis[AT["recency_days"]]) - usual_gap(basis) / 2.0, 0.0)


def _earlier(basis: Basis, columns: list[int], days: float) -> Basis:
    """These columns as they were so many days ago, in the same silence."""
    earlier = rolled(basis[None], np.array([-days]))[0]
    changed = basis.copy()
    changed[columns] = earlier[columns]
    return changed


def _usual_interest(basis: Basis) -> Basis:
    """Visits, opened messages and presence as they were when the silence became longer than it is on average. A count
    that would then have been that of somebody who came every day and more was not before the silence, but within it:
    nothing says that they look at us less."""
    changed, usual = basis.copy(), _earlier(basis, _INTEREST, _overdue(basis))
    for column, every_day in zip(_INTEREST, _EVERY_DAY, strict=True):
        if usual[column] <= every_day:
            changed[column] = usual[column]
    return changed


def _at_first(basis: Basis) -> Basis:
    """On the day of the last sign."""
    return _earlier(basis, _PURCHASES, float(basis[AT["recency_days"]]))


def coming_often(basis: Basis) -> Basis:
    """Of somebody who comes every 28 days: with as many signs, but two at least, at even gaps of no more than that."""
    days, recency = max(float(basis[AT["purchase_days"]]), 2.0), float(basis[AT["recency_days"]])
    gap = min(usual_gap(basis), PRIOR_GAP_DAYS)
    changed = _with(
        basis,
        purchase_days=days,
        tenure_days=recency + gap * (days - 1.0),
        gap_log_sum=log(gap) * (days - 1.0),
        gap_log_squares=log(gap) ** 2 * (days - 1.0),
        gap_max=gap,
        gap_ewma=log(gap),
    )
    for half_life in HALF_LIVES_PURCHASE:
        kept, a_gap = 2.0 ** (-recency / half_life), 2.0 ** (-gap / half_life)
        changed[AT[f"purchases_{half_life:g}"]] = kept * (1.0 - a_gap**days) / (1.0 - a_gap)
    return changed


def _with(basis: Basis, **values: float) -> Basis:
    changed = basis.copy()
    for name, value in values.items():
        changed[AT[name]] = value
    return changed


def _without(name: str) -> Callable[[Basis], Basis]:
    return lambda basis: _with(basis, **{name: 0.0})


def _usual_pace(basis: Basis) -> Basis:
    gaps = float(basis[AT["purchase_days"]]) - 1.0
    return _with(basis, gap_ewma=float(basis[AT["gap_log_sum"]]) / gaps) if gaps > 1.0 else basis


def _usual_spending(basis: Basis) -> Basis:
    mean = float(basis[AT["amount_mean"]])
    return _with(basis, amount_last=mean, amount_ewma=mean)


USUAL: Final[dict[str, Callable[[Basis], Basis]]] = {
    "silence": lambda basis: _earlier(basis, _PURCHASES, _overdue(basis)),
    "interest": _usual_interest,
    "pace": _usual_pace,
    "spending": _usual_spending,
    "open_cases": lambda basis: _with(basis, open_cases=0.0, oldest_case_days=0.0),
    **{name: _without(name) for name in ("complaints", "sentiment", *_COUNTED)},
}
"""By theme: a basis as it usually is for this customer."""


def drivers(scorer: Scorer, basis: Basis, alive: Alive) -> list[Driver]:
    """What adds to this customer's risk, largest contribution first.

    Somebody with whom nearly all is as usual can be at risk for who they are. Then the silence as a whole is a reason,
    against the day of their last sign, or the habit, against that of somebody who comes every 28 days: the larger one.
    """
    themes = list(USUAL)
    now, *usual = _logits(scorer, [basis, *(USUAL[theme](basis) for theme in themes)])
    parts = sorted((then - now, theme) for then, theme in zip(usual, themes, strict=True))
    if -parts[0][0] < NEARLY_NOTHING:
        at_first, often = _logits(scorer, [_at_first(basis), coming_often(basis)])
        whole = min((at_first - now, "silence"), (often - now, "habit"))
        parts = sorted([whole, *(part for part in parts if part[1] != whole[1])])
    return [Driver(theme, -part, _text(theme, basis, alive)) for part, theme in parts if -part >= LEAST_CONTRIBUTION]


def _logits(scorer: Scorer, rows: list[Basis]) -> list[float]:
    return [logit(p) for p in scorer.score(np.stack(rows)).tolist()]


_DOES: Final[dict[Alive, tuple[str, str]]] = {
    "purchase": ("buys", "bought"),
    "engagement": ("comes", "came"),
    "contract": ("renews", "renewed"),
}


def _text(theme: str, basis: Basis, alive: Alive) -> str:
    """What a theme means for this customer, as a marketer reads it."""
    does, did = _DOES[alive]
    match theme:
        case "habit":
            return _gap(basis, does, did)
        case "silence":
            return f"silent {_days(basis[AT['recency_days']])}, {_gap(basis, does, did)}"
        case "interest":
            return "looks at us less than before"
        case "pace":
            return f"{does} less often than before" if _slower(basis) else f"{does} more often than before"
        case "spending":
            less = basis[AT["amount_last"]] < basis[AT["amount_mean"]]
            return "spends less than usual" if less else "spends more than usual"
        case "open_cases":
            cases = round(float(basis[AT["open_cases"]]))
            oldest = _days(basis[AT["oldest_case_days"]])
            return f"{cases} open service case{'' if cases == 1 else 's'}, the oldest for {oldest}"
        case "sentiment":
            return "sounds unhappy" if basis[AT["sentiment"]] < 0 else "sounds content"
    return _LATELY[theme]


_LATELY: Final = {
    "complaints": "complained lately",
    "payment_failures": "a payment failed lately",
    "unsubscribes": "unsubscribed from messages lately",
    "returns": "returned goods lately",
    "campaigns": "received many campaigns lately",
}


def _days(value: float) -> str:
    return f"{value:.0f} day" if round(float(value)) == 1 else f"{value:.0f} days"


def _gap(basis: Basis, does: str, did: str) -> str:
    days = float(basis[AT["purchase_days"]])
    own = float(basis[AT["tenure_days"]]) - float(basis[AT["recency_days"]])
    if days <= 1:
        return f"{did} once so far"
    return f"usually {does} every {_days(own / (days - 1))}" if own >= 1 else f"{did} on {_days(days)} so far"


def _slower(basis: Basis) -> bool:
    gaps = float(basis[AT["purchase_days"]]) - 1.0
    return gaps > 0 and float(basis[AT["gap_ewma"]]) > float(basis[AT["gap_log_sum"]]) / gaps
