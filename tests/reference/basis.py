"""The basis, plainly: what `models.features.basis` compiles, of one open record."""

from __future__ import annotations

from array import array

from models.customer.layout import (
    AMOUNT_EWMA,
    AMOUNT_SUM,
    BASKETS_EWMA,
    CAMPAIGNS,
    COMPLAINTS,
    DAY_AMOUNT,
    DAY_BASKETS,
    DAY_QUANTITY,
    FIRST_PURCHASE,
    GAP_EWMA,
    GAP_LOG_SQUARES,
    GAP_LOG_SUM,
    GAP_MAX,
    HALF_LIVES_PURCHASE,
    HALF_LIVES_TOUCH,
    LAST_PURCHASE,
    NEWEST,
    OLDEST_CASE,
    OPENS,
    PAYMENT_FAILURES,
    PRESENCE,
    PURCHASE_DAYS,
    PURCHASE_DECAYS,
    QUANTITY_EWMA,
    RETURNS,
    SENTIMENT_EWMA,
    TOUCH_DECAYS,
    UNSUBSCRIBES,
    VISITS,
)
from models.customer.profile import open_cases
from models.customer.record import Record
from models.numerics.maths import exp2, ln
from models.settings import DAY, SECOND
from tests.reference.behaviour import LEAST_WEIGHT


def basis_of(record: Record, now: int) -> array[float]:
    """The basis of a customer with at least one purchase, as of `now` (ms). Changes nothing in the record: a tick must
    not re-base decayed counts, since 2^-a * 2^-b is not 2^-(a+b) in bits."""
    times, n = record.times, record.numbers
    days = n[PURCHASE_DAYS]
    silent = max(now - times[NEWEST], 0.0) / DAY
    weight = max(LEAST_WEIGHT, 1.0 / days)
    amount = ln(1.0 + n[DAY_AMOUNT])
    cases = open_cases(record.tail)
    oldest = record.seconds[OLDEST_CASE] * SECOND / DAY

    def lately(sort: int) -> float:
        return n[TOUCH_DECAYS + sort] * exp2(-silent / HALF_LIVES_TOUCH[sort])

    return array(
        "f",
        (
            max(now / DAY - times[LAST_PURCHASE] // DAY, 0.0),
            max(now / DAY - record.seconds[FIRST_PURCHASE] * SECOND // DAY, 0.0),
            days,
            n[GAP_MAX],
            n[GAP_LOG_SUM],
            n[GAP_LOG_SQUARES],
            n[GAP_EWMA],
            amount,
            n[AMOUNT_EWMA] + weight * (amount - n[AMOUNT_EWMA]),
            (n[AMOUNT_SUM] + amount) / days,
            n[QUANTITY_EWMA] + weight * (ln(1.0 + n[DAY_QUANTITY]) - n[QUANTITY_EWMA]),
            n[BASKETS_EWMA] + weight * (ln(n[DAY_BASKETS]) - n[BASKETS_EWMA]),
            *(n[PURCHASE_DECAYS + i] * exp2(-silent / half) for i, half in enumerate(HALF_LIVES_PURCHASE)),
            cases,
            max(now / DAY - oldest, 0.0) if cases else 0.0,
            lately(COMPLAINTS),
            n[SENTIMENT_EWMA],
            lately(PAYMENT_FAILURES),
            lately(UNSUBSCRIBES),
            lately(VISITS),
            lately(OPENS),
            lately(PRESENCE),
            lately(RETURNS),
            lately(CAMPAIGNS),
        ),
    )
