"""The basis, plainly: what `models.features.basis` compiles, of one open record."""

from __future__ import annotations

from array import array

from models.customer import (
    AMOUNT_EWMA,
    AMOUNT_SUM,
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
    Record,
)
from models.maths import exp2, ln
from models.settings import DAY
from models.touchpoints import Family
from tests.reference.behaviour import LEAST_WEIGHT


def basis_of(record: Record, now: int) -> array[float]:
    """The basis of a customer with at least one purchase, as of `now` (ms). Changes nothing in the record: a tick must
    not re-base decayed counts, since 2^-a * 2^-b is not 2^-(a+b) in bits."""
    times, n = record.times, record.numbers
    days = n[PURCHASE_DAYS]
    silent = max(now - times[NEWEST], 0.0) / DAY
    fade = exp2(-silent / HALF_LIFE_FAMILY)
    weight = max(LEAST_WEIGHT, 1.0 / days)
    amount = ln(1.0 + n[DAY_AMOUNT])
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
            n[QUANTITY_EWMA] + weight * (ln(1.0 + n[DAY_QUANTITY]) - n[QUANTITY_EWMA]),
            n[BASKETS_EWMA] + weight * (n[DAY_BASKETS] - n[BASKETS_EWMA]),
            *(n[PURCHASE_DECAYS + i] * exp2(-silent / half) for i, half in enumerate(HALF_LIVES_PURCHASE)),
            n[FAMILY_DECAYS + Family.ENGAGEMENT] * fade,
            n[FAMILY_DECAYS + Family.CONVERSATION] * fade,
            n[FAMILY_DECAYS + Family.SERVICE] * fade,
            len(record.tail.cases),
            n[SENTIMENT_EWMA],
            n[RATING_EWMA],
        ),
    )
