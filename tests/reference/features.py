"""Features, plainly, of one basis after some days of silence."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import sqrt

from models.features import COLUMNS, FEATURES
from models.numerics.maths import exp, exp2, ln
from models.numerics.normal import ln_upper_tail, upper_tail

HALF_LIVES = {
    **{f"purchases_{days}": float(days) for days in (14, 28, 56, 112, 224)},
    "complaints": 56.0,
    "payment_failures": 56.0,
    "unsubscribes": 112.0,
    "visits": 14.0,
    "opens": 28.0,
    "presence": 14.0,
    "returns": 56.0,
    "campaigns": 28.0,
}


def features(basis: array[float], silence: float, means: Sequence[float]) -> list[float]:
    """The features in the order of FEATURES, after the constant."""
    of = dict(zip(COLUMNS, basis, strict=True))
    # What is left of a count by one half-life is the square of what is left by twice that.
    left = {224.0: exp2(-silence / 224.0)}
    for half_life in (112.0, 56.0, 28.0, 14.0):
        left[half_life] = left[2.0 * half_life] * left[2.0 * half_life]
    counts = {name: of[name] * left[half_life] for name, half_life in HALF_LIVES.items()}
    recency, days = max(of["recency_days"] + silence, 0.5), max(of["purchase_days"], 1.0)
    weeks = ln(recency / 7.0 + 0.5)
    frequency = ln(days)
    owned = max(of["tenure_days"] - of["recency_days"], 0.0)
    overdue = weeks - ln((owned + 28.0) / (7.0 * days))
    gaps = days - 1.0
    # A lognormal gap: its median from the EWMA, its spread from all gaps, both with prior gaps of 28 days among them.
    counted = min(gaps, 5.0)
    median = (of["gap_ewma"] * counted + ln(28.0)) / (counted + 1.0)
    mean = (of["gap_log_sum"] + 2.0 * ln(28.0)) / (gaps + 2.0)
    squares = of["gap_log_squares"] + 2.0 * (ln(28.0) * ln(28.0) + 0.8)
    spread = sqrt(max(squares / (gaps + 2.0) - mean * mean, 0.05))
    now, next_week = ((ln(moment) - median) / spread for moment in (recency, recency + 7.0))
    if now < 5.0:
        ends = 1.0 - upper_tail(next_week) / upper_tail(now)
    else:
        ends = 1.0 - exp(ln_upper_tail(next_week) - ln_upper_tail(now))
    ends = min(max(ends, 1e-4), 0.9999)
    delay = min(max(now, -4.0), 4.0)
    found = {
        "recency": weeks,
        "frequency": frequency,
        **{f"recency_over_{k}": max(weeks - ln(k / 7.0 + 0.5), 0.0) for k in (7, 14, 28, 56)},
        **{f"frequency_over_{k}": max(frequency - ln(float(k)), 0.0) for k in (2, 4, 8)},
        **{name: ln(counts[name] + 0.05) for name in COLUMNS if name.startswith("purchases_")},
        "overdue": overdue,
        **{f"overdue_over_{k:g}": max(overdue - k, 0.0) for k in (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)},
        "longest_gap": ln(recency) - ln(max(of["gap_max"], 1.0)) if days > 1.0 else 0.0,
        "renewal": ln(ends / (1.0 - ends)),
        "renewal_delay": delay,
        "renewal_delay_over_0": max(delay, 0.0),
        "amount_trend": of["amount_last"] - of["amount_ewma"],
        "amount_lately": of["amount_ewma"] - means[0],
        "amount_mean": of["amount_mean"] - means[0],
        "quantity": of["quantity_ewma"] - means[1],
        "baskets": of["baskets_ewma"] - means[2],
        "first_amount": of["amount_last"] - means[0] if days <= 1.0 else 0.0,
        "open_cases": ln(1.0 + of["open_cases"]),
        "oldest_case_days": ln(1.0 + (of["oldest_case_days"] + silence) / 7.0) if of["open_cases"] else 0.0,
        "sentiment": of["sentiment"],
        **{name: ln(1.0 + count) for name, count in counts.items() if not name.startswith("purchases_")},
    }
    return [1.0, *(found[name] for name in FEATURES)]
