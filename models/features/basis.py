"""The basis: the handful of numbers, as of one moment, from which every feature of the churn model follows.

A basis is `BASIS` float32 numbers. It is what a score is computed from; an open learning snapshot stores it at float16,
and so an example carries it to the learner: a rounding of one part in two thousand, far below what a label can teach.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from models.customer import (
    AMOUNT_EWMA,
    AMOUNT_SUM,
    BASIS,
    BASKETS_EWMA,
    DAY_AMOUNT,
    DAY_BASKETS,
    DAY_QUANTITY,
    FAMILY_DECAYS,
    FIRST_PURCHASE,
    GAP_EWMA,
    GAP_LOG_SQUARES,
    GAP_LOG_SUM,
    GAP_MAX,
    GAP_SUM,
    HALF_LIFE_FAMILY,
    HALF_LIVES_PURCHASE,
    LAST_PURCHASE,
    NEWEST,
    PURCHASE_DAYS,
    PURCHASE_DECAYS,
    QUANTITY_EWMA,
    RATING_EWMA,
    SENTIMENT_EWMA,
)
from models.features.behaviour import LEAST_WEIGHT
from models.maths import exp2, ln
from models.settings import DAY
from models.touchpoints import Family

COLUMNS = (
    "recency_days",
    "tenure_days",
    "purchase_days",
    "gap_sum",
    "gap_max",
    "gap_log_sum",
    "gap_log_squares",
    "gap_ewma",
    "amount_last",
    "amount_ewma",
    "amount_mean",
    "quantity_ewma",
    "baskets_ewma",
    "purchases_14",
    "purchases_28",
    "purchases_56",
    "purchases_112",
    "purchases_224",
    "engagement",
    "conversation",
    "service",
    "open_cases",
    "sentiment",
    "rating",
)
"""Names of the basis' numbers, in order. Amounts are log1p of a purchase day's; counts decay with the named half-life
(days), those of families with theirs."""

if len(COLUMNS) != BASIS:
    raise ImportError(f"the basis has {len(COLUMNS)} columns, the slab room for {BASIS}")

_HALF_LIVES = np.array(HALF_LIVES_PURCHASE)
_DECAYED = COLUMNS.index("purchases_14")
_ENGAGEMENT, _CONVERSATION, _SERVICE = (
    FAMILY_DECAYS + int(family) for family in (Family.ENGAGEMENT, Family.CONVERSATION, Family.SERVICE)
)


@compiled
def basis_of(record: Any, now: int, basis: Any) -> None:
    """Write the basis of a customer with at least one purchase, as of `now` (ms), into `basis` (shape (BASIS,)).

    Changes nothing in the record: a tick must not re-base decayed counts, since 2^-a * 2^-b is not 2^-(a+b) in bits.
    """
    times, n = record.times, record.numbers
    days = np.float64(n[PURCHASE_DAYS])
    silent = max(now - times[NEWEST], 0.0) / DAY
    fade = exp2(-silent / HALF_LIFE_FAMILY)
    weight = max(LEAST_WEIGHT, 1.0 / days)
    amount = ln(1.0 + np.float64(n[DAY_AMOUNT]))
    basis[0] = max(now - times[LAST_PURCHASE], 0.0) / DAY
    basis[1] = max(now - times[FIRST_PURCHASE], 0.0) / DAY
    basis[2] = days
    basis[3] = n[GAP_SUM]
    basis[4] = n[GAP_MAX]
    basis[5] = n[GAP_LOG_SUM]
    basis[6] = n[GAP_LOG_SQUARES]
    basis[7] = n[GAP_EWMA]
    basis[8] = amount
    basis[9] = _moved(n, AMOUNT_EWMA, weight, amount)
    basis[10] = (np.float64(n[AMOUNT_SUM]) + amount) / days
    basis[11] = _moved(n, QUANTITY_EWMA, weight, ln(1.0 + np.float64(n[DAY_QUANTITY])))
    basis[12] = _moved(n, BASKETS_EWMA, weight, np.float64(n[DAY_BASKETS]))
    for i in range(_HALF_LIVES.shape[0]):
        basis[_DECAYED + i] = np.float64(n[PURCHASE_DECAYS + i]) * exp2(-silent / _HALF_LIVES[i])
    basis[18] = np.float64(n[_ENGAGEMENT]) * fade
    basis[19] = np.float64(n[_CONVERSATION]) * fade
    basis[20] = np.float64(n[_SERVICE]) * fade
    basis[21] = record.open_cases
    basis[22] = n[SENTIMENT_EWMA]
    basis[23] = n[RATING_EWMA]


@compiled
def _moved(numbers: Any, at: int, weight: float, value: float) -> float:
    """What an average will be once the purchase day that is still going on is folded in."""
    before = np.float64(numbers[at])
    return before + weight * (value - before)
