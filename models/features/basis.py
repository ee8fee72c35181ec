"""Raw features: the few numbers per customer and moment from which all model features are computed.

A basis is `BASIS` float32 numbers. It is what a score is computed from; a pending example stores it at float16,
and so an example carries it to the learner: a rounding of one part in two thousand, far below what a label can teach.

What counts as a purchase here is what the settings take for a sign of staying (`models.churn.definition.SIGNS`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.customer.layout import (
    AMOUNT_EWMA,
    AMOUNT_SUM,
    BASIS,
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
from models.features.behaviour import LEAST_WEIGHT
from models.numerics.compiled import compiled
from models.numerics.maths import exp2, ln
from models.settings import DAY, SECOND

PURCHASE_COLUMNS = (
    "recency_days",
    "tenure_days",
    "purchase_days",
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
)
TOUCH_COLUMNS = (
    "open_cases",
    "oldest_case_days",
    "complaints",
    "sentiment",
    "payment_failures",
    "unsubscribes",
    "visits",
    "opens",
    "presence",
    "returns",
    "campaigns",
)
COLUMNS = PURCHASE_COLUMNS + TOUCH_COLUMNS
"""Names of the basis' numbers, in order. Recency and tenure are counted from 00:00 UTC of the purchase day, so that the
basis of a later moment of silence follows from an earlier one. Amounts are log1p of a purchase day's, baskets the log
of their number: one customer with thousands a day must not move everybody's mean. Counts decay with the named half-life
(days), those of touchpoints with `models.customer.layout.HALF_LIVES_TOUCH`."""

if len(COLUMNS) != BASIS:
    raise ImportError(f"the basis has {len(COLUMNS)} columns, the slab room for {BASIS}")

COUNTED = {
    COMPLAINTS: "complaints",
    PAYMENT_FAILURES: "payment_failures",
    UNSUBSCRIBES: "unsubscribes",
    VISITS: "visits",
    OPENS: "opens",
    PRESENCE: "presence",
    RETURNS: "returns",
    CAMPAIGNS: "campaigns",
}
"""Of each counted kind of touchpoint, its column."""

RECENCY_COLUMN, TENURE_COLUMN, DAYS_COLUMN, AMOUNT_COLUMN, QUANTITY_COLUMN, BASKETS_COLUMN = map(
    COLUMNS.index, ("recency_days", "tenure_days", "purchase_days", "amount_last", "quantity_ewma", "baskets_ewma")
)

_HALF_LIVES = np.array(HALF_LIVES_PURCHASE)
_TOUCH_HALF_LIVES = np.array(HALF_LIVES_TOUCH)
_DECAYED = COLUMNS.index("purchases_14")
_OPEN_CASES = COLUMNS.index("open_cases")
_SENTIMENT = COLUMNS.index("sentiment")
_COUNTED = np.array([COLUMNS.index(COUNTED[sort]) for sort in range(len(HALF_LIVES_TOUCH))])
_SECONDS_OF_DAY = DAY // SECOND


@compiled
def basis_of(record: Any, now: int, basis: Any) -> None:
    """Write the basis of a customer with at least one purchase, as of `now` (ms), into `basis` (shape (BASIS,)).

    Changes nothing in the record: a tick must not re-base decayed counts, since 2^-a * 2^-b is not 2^-(a+b) in bits.
    """
    times, n = record.times, record.numbers
    days = np.float64(n[PURCHASE_DAYS])
    silent = max(now - times[NEWEST], 0.0) / DAY
    weight = max(LEAST_WEIGHT, 1.0 / days)
    amount = ln(1.0 + np.float64(n[DAY_AMOUNT]))
    today = now / DAY
    basis[0] = max(today - int(times[LAST_PURCHASE]) // DAY, 0.0)
    basis[1] = max(today - int(record.seconds[FIRST_PURCHASE]) // _SECONDS_OF_DAY, 0.0)
    basis[2] = days
    basis[3] = n[GAP_MAX]
    basis[4] = n[GAP_LOG_SUM]
    basis[5] = n[GAP_LOG_SQUARES]
    basis[6] = n[GAP_EWMA]
    basis[7] = amount
    basis[8] = _moved(n, AMOUNT_EWMA, weight, amount)
    basis[9] = (np.float64(n[AMOUNT_SUM]) + amount) / days
    basis[10] = _moved(n, QUANTITY_EWMA, weight, ln(1.0 + np.float64(n[DAY_QUANTITY])))
    basis[11] = _moved(n, BASKETS_EWMA, weight, ln(np.float64(n[DAY_BASKETS])))
    for i in range(_HALF_LIVES.shape[0]):
        basis[_DECAYED + i] = np.float64(n[PURCHASE_DECAYS + i]) * exp2(-silent / _HALF_LIVES[i])
    basis[_OPEN_CASES] = record.open_cases
    opened = int(record.seconds[OLDEST_CASE])
    basis[_OPEN_CASES + 1] = max(today - opened / _SECONDS_OF_DAY, 0.0) if record.open_cases > 0 else 0.0
    for i in range(_TOUCH_HALF_LIVES.shape[0]):
        count = np.float64(n[TOUCH_DECAYS + i])
        basis[_COUNTED[i]] = count * exp2(-silent / _TOUCH_HALF_LIVES[i]) if count > 0.0 else 0.0
    basis[_SENTIMENT] = n[SENTIMENT_EWMA]


@compiled
def _moved(numbers: Any, at: int, weight: float, value: float) -> float:
    """What an average will be once the purchase day that is still going on is folded in."""
    before = np.float64(numbers[at])
    return before + weight * (value - before)


@compiled
def _bases(records: Any, rows: Any, now: int, bases: Any) -> None:
    for i in range(rows.shape[0]):
        basis_of(records[rows[i]], now, bases[i])


def bases_of(records: NDArray[np.void], rows: NDArray[np.int64], now: int) -> NDArray[np.float32]:
    """Bases, shape (rows, BASIS), as of `now` (ms), of some rows of a block's records; each with a purchase day."""
    bases = np.empty((len(rows), BASIS), dtype=np.float32)
    _bases(records, rows, now, bases)
    return bases
