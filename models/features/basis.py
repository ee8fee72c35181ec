"""The basis: the handful of numbers, as of one moment, from which every feature of the churn model follows.

A basis is `BASIS` float32 numbers. It is what an open learning snapshot stores, what an example carries to the learner
and what a score is computed from, so that all three see the same bits.
"""

from __future__ import annotations

from array import array
from math import log1p

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
    HALF_LIVES_FAMILY,
    HALF_LIVES_PURCHASE,
    LAST_PURCHASE,
    NEWEST,
    OPEN_CASES,
    PURCHASE_DAYS,
    PURCHASE_DECAYS,
    QUANTITY_EWMA,
    RATING_EWMA,
    SENTIMENT_EWMA,
    Record,
)
from models.features.behaviour import LEAST_WEIGHT
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
(days), those of families with the longest family half-life."""

if len(COLUMNS) != BASIS:
    raise ImportError(f"the basis has {len(COLUMNS)} columns, the slab room for {BASIS}")

_LONG = len(HALF_LIVES_FAMILY) - 1


def _family(family: Family) -> int:
    return FAMILY_DECAYS + family * len(HALF_LIVES_FAMILY) + _LONG


_ENGAGEMENT, _CONVERSATION, _SERVICE = map(_family, (Family.ENGAGEMENT, Family.CONVERSATION, Family.SERVICE))


def basis_of(record: Record, now: int) -> array[float]:
    """The basis of a customer with at least one purchase, as of `now` (ms). Changes nothing in the record: a tick must
    not re-base decayed counts, since 2^-a * 2^-b is not 2^-(a+b) in bits."""
    times, n = record.times, record.numbers
    days = n[PURCHASE_DAYS]
    silent = max(now - times[NEWEST], 0.0) / DAY
    fade = 2.0 ** (-silent / HALF_LIVES_FAMILY[_LONG])
    weight = max(LEAST_WEIGHT, 1.0 / days)
    amount = log1p(n[DAY_AMOUNT])
    return array(
        "f",
        (
            max(now - times[LAST_PURCHASE], 0.0) / DAY,
            max(now - times[FIRST_PURCHASE], 0.0) / DAY,
            days,
            n[GAP_SUM],
            n[GAP_MAX],
            n[GAP_LOG_SUM],
            n[GAP_LOG_SQUARES],
            n[GAP_EWMA],
            amount,
            n[AMOUNT_EWMA] + weight * (amount - n[AMOUNT_EWMA]),
            (n[AMOUNT_SUM] + amount) / days,
            n[QUANTITY_EWMA] + weight * (log1p(n[DAY_QUANTITY]) - n[QUANTITY_EWMA]),
            n[BASKETS_EWMA] + weight * (n[DAY_BASKETS] - n[BASKETS_EWMA]),
            *(n[PURCHASE_DECAYS + i] * 2.0 ** (-silent / half) for i, half in enumerate(HALF_LIVES_PURCHASE)),
            n[_ENGAGEMENT] * fade,
            n[_CONVERSATION] * fade,
            n[_SERVICE] * fade,
            n[OPEN_CASES],
            n[SENTIMENT_EWMA],
            n[RATING_EWMA],
        ),
    )
