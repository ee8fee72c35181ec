"""A customer's basis as it usually is, in one theme at a time: what a risk is held against to say where it comes from.

All variants of a basis are written at once, rows of one array, so that they are scored side by side.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.customer.layout import BASIS, HALF_LIVES_PURCHASE, HALF_LIVES_TOUCH, OPENS, PRESENCE, VISITS
from models.features.basis import COLUMNS, DAYS_COLUMN, RECENCY_COLUMN, TENURE_COLUMN
from models.features.silence import roll
from models.numerics.compiled import LANES, compiled, linked
from models.numerics.maths import exp2, ln

_SET_TO_NOTHING: Final = ("complaints", "sentiment", "payment_failures", "unsubscribes", "returns", "campaigns")
THEMES: Final = ("silence", "interest", "pace", "spending", "open_cases", *_SET_TO_NOTHING)
"""Of the rows of `usual_states`, from the second on."""
AT_FIRST, COMING_OFTEN = len(THEMES) + 1, len(THEMES) + 2
"""The rows behind the themes': on the day of the last sign, and of somebody who comes every 28 days."""
STATES: Final = len(THEMES) + 3

PRIOR_GAP_DAYS = 28.0

_SILENCE, _INTEREST, _PACE, _SPENDING, _OPEN_CASES, _NOTHING = range(1, 7)
_GAP_MAX, _GAP_SUM, _GAP_SQUARES, _GAP_EWMA, _LAST, _EWMA, _MEAN, _DECAYED, _CASES = map(
    COLUMNS.index,
    (
        *("gap_max", "gap_log_sum", "gap_log_squares", "gap_ewma", "amount_last", "amount_ewma", "amount_mean"),
        *("purchases_14", "open_cases"),
    ),
)
_HALF_LIVES = np.array(HALF_LIVES_PURCHASE)
_SET_COLUMNS = np.array([COLUMNS.index(name) for name in _SET_TO_NOTHING])
_INTEREST_COLUMNS = np.array([COLUMNS.index(name) for name in ("visits", "opens", "presence")])
_EVERY_DAY = np.array(
    [1.0 / (1.0 - 2.0 ** (-1.0 / HALF_LIVES_TOUCH[kind])) for kind in (VISITS, OPENS, PRESENCE)], dtype=np.float32
)
"""What the decayed count of each is of somebody with one a day."""


@compiled
def usual_gap(basis: Any) -> float:
    """Days between two purchases, as the customer's own gaps say, with one of 28 days among them."""
    gaps = np.float64(basis[DAYS_COLUMN]) - 1.0
    own = max(np.float64(basis[TENURE_COLUMN]) - np.float64(basis[RECENCY_COLUMN]), 0.0)
    return (own + PRIOR_GAP_DAYS) / (max(gaps, 0.0) + 1.0)


@linked
def write_states(basis: Any, rows: Any) -> None:
    """`usual_states`, into rows of shape (STATES, BASIS)."""
    for row in range(STATES):
        for i in range(BASIS):
            rows[row, i] = basis[i]
    gap, recency = usual_gap(basis), np.float64(basis[RECENCY_COLUMN])
    # Two moments before: when the silence became longer than it is on average, which is half a gap, and the last sign.
    b, days, earlier = np.zeros((BASIS, LANES)), np.zeros(LANES), np.empty((BASIS, LANES))
    days[0], days[1] = -max(recency - gap / 2.0, 0.0), -recency
    for i in range(BASIS):
        b[i, 0] = b[i, 1] = basis[i]
    roll(b, days, earlier)
    for lane in range(2):
        row = AT_FIRST if lane else _SILENCE
        rows[row, RECENCY_COLUMN] = earlier[RECENCY_COLUMN, lane]
        rows[row, TENURE_COLUMN] = earlier[TENURE_COLUMN, lane]
        for i in range(_HALF_LIVES.shape[0]):
            rows[row, _DECAYED + i] = earlier[_DECAYED + i, lane]
    for i in range(_INTEREST_COLUMNS.shape[0]):
        usual = earlier[_INTEREST_COLUMNS[i], 0]
        if usual <= _EVERY_DAY[i]:
            rows[_INTEREST, _INTEREST_COLUMNS[i]] = usual
    gaps = np.float64(basis[DAYS_COLUMN]) - 1.0
    if gaps > 1.0:
        rows[_PACE, _GAP_EWMA] = np.float64(basis[_GAP_SUM]) / gaps
    rows[_SPENDING, _LAST] = rows[_SPENDING, _EWMA] = basis[_MEAN]
    rows[_OPEN_CASES, _CASES] = rows[_OPEN_CASES, _CASES + 1] = 0.0
    for i in range(_SET_COLUMNS.shape[0]):
        rows[_NOTHING + i, _SET_COLUMNS[i]] = 0.0
    _come_often(basis, min(gap, PRIOR_GAP_DAYS), rows[COMING_OFTEN])


@compiled
def _come_often(basis: Any, gap: float, often: Any) -> None:
    days, recency, log = max(np.float64(basis[DAYS_COLUMN]), 2.0), np.float64(basis[RECENCY_COLUMN]), ln(gap)
    often[DAYS_COLUMN], often[TENURE_COLUMN] = days, recency + gap * (days - 1.0)
    often[_GAP_MAX], often[_GAP_EWMA], often[_GAP_SUM] = gap, log, log * (days - 1.0)
    often[_GAP_SQUARES] = log * log * (days - 1.0)
    for i in range(_HALF_LIVES.shape[0]):
        kept, a_gap = exp2(-recency / _HALF_LIVES[i]), exp2(-gap / _HALF_LIVES[i])
        often[_DECAYED + i] = kept * (1.0 - exp2(-gap * days / _HALF_LIVES[i])) / (1.0 - a_gap)


def usual_states(basis: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bases, shape (STATES, BASIS): this one, of shape (BASIS,), then for each of THEMES as it usually is for this
    customer in that theme alone, then as it was at first and as if they came often.

    silence: with the purchases as they counted when the silence became longer than it is on average.
    interest: visits, opened messages and presence as they were then. A count that would have been that of somebody who
    came every day and more was not before the silence, but within it: nothing says that they look at us less.
    pace: the gaps lately as long as the average one. spending: the average amount, last and lately. The others: none.
    At first: with the purchases as they counted on the day of the last sign. Coming often: as of somebody with as many
    signs, but two at least, at even gaps of the usual length, but of no more than 28 days.
    """
    rows = np.empty((STATES, BASIS), dtype=np.float32)
    write_states(basis, rows)
    return rows
