"""Model features, computed from raw features for customers side by side: the bits of one do not depend on the others.

Every feature is a bounded logarithm, a hinge of one, or a difference: nothing has to be scaled, and no currency is in
the model. Recency, frequency and gaps are the sufficient statistics of the classic customer-base models (Schmittlein,
Morrison and Colombo 1987, "Counting your customers", Management Science 33); hinges let the weights bend their lines
(Friedman 1991, "Multivariate adaptive regression splines", Annals of Statistics 19), and the renewal features are those
of a customer whose gaps are lognormal with their own, shrunk, mean and spread.

Under silence only recency, tenure and the decays move, so that the features of a later moment follow from a basis:
`moving` writes those that move, `steady` the others. Arrays that are calculated in have a row for each number, by name,
and a lane for each customer; loops over the lanes have no branch.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.customer.layout import HALF_LIVES_PURCHASE, HALF_LIVES_TOUCH
from models.features.basis import COLUMNS, COUNTED, TOUCH_COLUMNS
from models.numerics.compiled import LANES, compiled, linked
from models.numerics.lanes import exp, exp2, ln
from models.numerics.normal import ln_upper_tail, upper_tail

RECENCY_HINGES = (7.0, 14.0, 28.0, 56.0)  # days
FREQUENCY_HINGES = (2.0, 4.0, 8.0)  # purchase days
OVERDUE_HINGES = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
_HALF_LIFE = {name: HALF_LIVES_TOUCH[sort] for sort, name in COUNTED.items()}
TOUCH_HALF_LIVES = tuple(_HALF_LIFE.get(name, 0.0) for name in TOUCH_COLUMNS)
"""Days, by TOUCH_COLUMNS; 0: not a decayed count."""

FEATURES = (
    "recency",
    "frequency",
    *(f"recency_over_{days:g}" for days in RECENCY_HINGES),
    *(f"frequency_over_{days:g}" for days in FREQUENCY_HINGES),
    *(f"purchases_{half_life:g}" for half_life in HALF_LIVES_PURCHASE),
    "overdue",
    *(f"overdue_over_{hinge:g}" for hinge in OVERDUE_HINGES),
    "longest_gap",
    "renewal",
    "renewal_delay",
    "renewal_delay_over_0",
    "amount_trend",
    "amount_lately",
    "amount_mean",
    "quantity",
    "baskets",
    "first_amount",
    *TOUCH_COLUMNS,
)
"""Names of the features, in the order of the columns; the learners add a constant before them.

`overdue` is log recency against the log of the customer's own mean gap, shrunk by one gap of 28 days; `longest_gap` log
recency against the longest gap so far; `renewal` the logit of the probability that a lognormal gap that has lasted so
far ends within seven days, `renewal_delay` how many of its standard deviations it has lasted beyond its median.
Amounts, quantity and baskets are against the running means of all customers.
"""

MEANS = 3
"""Running means that the features are centred on: log amount, log quantity, log baskets."""

WIDTH = len(FEATURES) + 1
"""The features and the constant before them."""
ROOM = WIDTH + 5 + len(HALF_LIVES_PURCHASE)
"""Rows of the array that features are written into: behind them is what the moving ones need of the steady ones."""

_RECENCY, _TENURE, _DAYS, _GAP_MAX, _GAP_SUM, _GAP_SQUARES, _GAP_EWMA = range(7)
_LAST, _EWMA, _MEAN, _QUANTITY, _BASKETS = range(7, 12)
_DECAYED = COLUMNS.index("purchases_14")
_TOUCHED = COLUMNS.index("open_cases")
_CASE_AGE, _SENTIMENT = TOUCH_COLUMNS.index("oldest_case_days"), TOUCH_COLUMNS.index("sentiment")

_L = 1
_FREQUENCY = 2
_L_HINGES = 3
_FREQUENCY_HINGES = _L_HINGES + len(RECENCY_HINGES)
_COUNTS = _FREQUENCY_HINGES + len(FREQUENCY_HINGES)
_OVERDUE = _COUNTS + len(HALF_LIVES_PURCHASE)
_LONGEST = _OVERDUE + 1 + len(OVERDUE_HINGES)
RENEWAL = _LONGEST + 1
"""Index of the one feature that is not monotone in silence: it has one peak."""
_MONEY = _LONGEST + 4
_TOUCH = _MONEY + 6

_L_KNOTS = np.array([ln(days / 7.0 + 0.5) for days in RECENCY_HINGES])
_FREQUENCY_KNOTS = np.array([ln(days) for days in FREQUENCY_HINGES])
_OVERDUE_KNOTS = np.array(OVERDUE_HINGES)
_HALF_LIVES = np.array(HALF_LIVES_PURCHASE)
_LONGEST_HALF_LIFE = HALF_LIVES_PURCHASE[-1]
SPREAD, LOG_RECENCY = WIDTH + 3, WIDTH + 4
"""The rows of a gap's spread, and of the log of recency in days."""
_LEFT = WIDTH + 5
"""From here on, by half-life, the rows of what is left of a count."""
_TOUCH_LEFT = np.array([HALF_LIVES_PURCHASE.index(days) if days else -1 for days in TOUCH_HALF_LIVES])
_FAR = 5.0
"""Standard deviations beyond which the tail's logarithm is exacter than the tail."""
if any(2.0 * one != other for one, other in pairwise(HALF_LIVES_PURCHASE)):
    raise ImportError(f"half-lives {HALF_LIVES_PURCHASE}: each must be half of the next")

_PRIOR_GAP = 28.0
_LN_PRIOR_GAP = ln(_PRIOR_GAP)
_PRIOR_SPREAD = 0.8
"""Of the log of a gap: its variance before any gap is known."""
_LEAST_SPREAD = 0.05
_MOST_GAPS = 5.0
"""A customer's own usual gap counts as so many at most, against one prior gap: the EWMA remembers no more."""
_WEEK = 7.0
_LEAST_RECENCY = 0.5
_LEAST_COUNT = 0.05

if _TOUCH + len(TOUCH_COLUMNS) != WIDTH:
    raise ImportError(f"{WIDTH} features are named, {_TOUCH + len(TOUCH_COLUMNS)} are computed")


@compiled
def load_lanes(bases: Any, first: int, b: Any) -> int:
    """Bases, shape (rows, BASIS), from row `first` on into the lanes of `b`, shape (BASIS, LANES) of float64.

    Returns how many lanes are in use. The others have the last of these bases: they cost nothing, and raise nothing.
    """
    used: int = min(bases.shape[0] - first, LANES)
    for lane in range(LANES):
        row = first + min(lane, used - 1)
        for i in range(b.shape[0]):
            b[i, lane] = bases[row, i]
    return used


@linked
def steady(b: Any, means: Any, x: Any) -> None:
    """The constant and the features that silence does not move.

    Args:
        b: bases, shape (BASIS, LANES).
        means: those that the features are centred on, shape (MEANS, LANES).
        x: takes the features, shape (ROOM, LANES) of float64.
    """
    for lane in range(LANES):
        x[0, lane] = 1.0
        x[_FREQUENCY, lane] = ln(max(b[_DAYS, lane], 1.0))
    for i in range(_FREQUENCY_KNOTS.shape[0]):
        for lane in range(LANES):
            x[_FREQUENCY_HINGES + i, lane] = max(x[_FREQUENCY, lane] - _FREQUENCY_KNOTS[i], 0.0)
    for lane in range(LANES):
        x[_MONEY, lane] = b[_LAST, lane] - b[_EWMA, lane]
        x[_MONEY + 1, lane] = b[_EWMA, lane] - means[0, lane]
        x[_MONEY + 2, lane] = b[_MEAN, lane] - means[0, lane]
        x[_MONEY + 3, lane] = b[_QUANTITY, lane] - means[1, lane]
        x[_MONEY + 4, lane] = b[_BASKETS, lane] - means[2, lane]
        amount = b[_LAST, lane] - means[0, lane]
        x[_MONEY + 5, lane] = amount if b[_DAYS, lane] <= 1.0 else 0.0
        x[_TOUCH + _SENTIMENT, lane] = b[_TOUCHED + _SENTIMENT, lane]
    # What the moving features need: the logs of the mean gap in weeks and of the longest; median and spread of a gap.
    for lane in range(LANES):
        owned = max(b[_TENURE, lane] - b[_RECENCY, lane], 0.0)
        x[WIDTH, lane] = ln((owned + _PRIOR_GAP) / (_WEEK * max(b[_DAYS, lane], 1.0)))
        x[WIDTH + 1, lane] = ln(max(b[_GAP_MAX, lane], 1.0))
    for lane in range(LANES):
        gaps = max(b[_DAYS, lane], 1.0) - 1.0
        counted = min(gaps, _MOST_GAPS)
        x[WIDTH + 2, lane] = (b[_GAP_EWMA, lane] * counted + _LN_PRIOR_GAP) / (counted + 1.0)
        mean = (b[_GAP_SUM, lane] + 2.0 * _LN_PRIOR_GAP) / (gaps + 2.0)
        squares = b[_GAP_SQUARES, lane] + 2.0 * (_LN_PRIOR_GAP * _LN_PRIOR_GAP + _PRIOR_SPREAD)
        x[SPREAD, lane] = np.sqrt(max(squares / (gaps + 2.0) - mean * mean, _LEAST_SPREAD))


@linked
def moving(b: Any, silence: float, x: Any) -> None:
    """The features that move, after so many more days of `silence`. `x` as `steady` has left it."""
    for lane in range(LANES):
        recency = max(b[_RECENCY, lane] + silence, _LEAST_RECENCY)
        x[_L, lane] = ln(recency / _WEEK + 0.5)
        x[LOG_RECENCY, lane] = ln(recency)
    for i in range(_L_KNOTS.shape[0]):
        for lane in range(LANES):
            x[_L_HINGES + i, lane] = max(x[_L, lane] - _L_KNOTS[i], 0.0)
    for lane in range(LANES):
        x[_OVERDUE, lane] = x[_L, lane] - x[WIDTH, lane]
    for i in range(_OVERDUE_KNOTS.shape[0]):
        for lane in range(LANES):
            x[_OVERDUE + 1 + i, lane] = max(x[_OVERDUE, lane] - _OVERDUE_KNOTS[i], 0.0)
    for lane in range(LANES):
        longest = x[LOG_RECENCY, lane] - x[WIDTH + 1, lane]
        x[_LONGEST, lane] = longest if b[_DAYS, lane] > 1.0 else 0.0
    _renewal(b, silence, x)
    _counts(b, silence, x)


@linked
def _renewal(b: Any, silence: float, x: Any) -> None:
    """Of a lognormal gap: the logit of its end within a week, and how long it has lasted."""
    far = 0
    for lane in range(LANES):
        x[_LONGEST + 2, lane] = (x[LOG_RECENCY, lane] - x[WIDTH + 2, lane]) / x[SPREAD, lane]
        far += 0 if x[_LONGEST + 2, lane] < _FAR else 1
    for lane in range(LANES):
        recency = max(b[_RECENCY, lane] + silence, _LEAST_RECENCY)
        x[_LONGEST + 3, lane] = (ln(recency + _WEEK) - x[WIDTH + 2, lane]) / x[SPREAD, lane]
    for lane in range(LANES):
        x[RENEWAL, lane] = 1.0 - upper_tail(x[_LONGEST + 3, lane]) / upper_tail(x[_LONGEST + 2, lane])
    if far:  # few customers: one by one
        for lane in range(LANES):
            now, next_week = x[_LONGEST + 2, lane], x[_LONGEST + 3, lane]
            if not now < _FAR:
                x[RENEWAL, lane] = 1.0 - exp(ln_upper_tail(next_week) - ln_upper_tail(now))
    for lane in range(LANES):
        ends = min(max(x[RENEWAL, lane], 1e-4), 0.9999)
        x[RENEWAL, lane] = ln(ends / (1.0 - ends))
        x[_LONGEST + 2, lane] = min(max(x[_LONGEST + 2, lane], -4.0), 4.0)
        x[_LONGEST + 3, lane] = max(x[_LONGEST + 2, lane], 0.0)


@linked
def _counts(b: Any, silence: float, x: Any) -> None:
    """What decays. Each half-life is half of the next one: so is what is left of a count the square of what is left by
    the next one."""
    left = exp2(-silence / _LONGEST_HALF_LIFE)
    for back in range(_HALF_LIVES.shape[0]):
        for lane in range(LANES):
            x[_LEFT + _HALF_LIVES.shape[0] - 1 - back, lane] = left
        left *= left
    for i in range(_HALF_LIVES.shape[0]):
        for lane in range(LANES):
            x[_COUNTS + i, lane] = ln(b[_DECAYED + i, lane] * x[_LEFT + i, lane] + _LEAST_COUNT)
    for lane in range(LANES):
        age = ln(1.0 + (b[_TOUCHED + _CASE_AGE, lane] + silence) / _WEEK)
        x[_TOUCH + _CASE_AGE, lane] = age if b[_TOUCHED, lane] > 0.0 else 0.0
        x[_TOUCH, lane] = ln(1.0 + b[_TOUCHED, lane]) if b[_TOUCHED, lane] > 0.0 else 0.0
    for i in range(_TOUCH_LEFT.shape[0]):
        if _TOUCH_LEFT[i] >= 0:
            for lane in range(LANES):
                count = b[_TOUCHED + i, lane]
                decayed = ln(1.0 + count * x[_LEFT + _TOUCH_LEFT[i], lane])
                x[_TOUCH + i, lane] = decayed if count > 0.0 else 0.0


@compiled
def _feature_rows(bases: Any, means: Any, features: Any) -> None:
    b, x, centres = np.empty((bases.shape[1], LANES)), np.empty((ROOM, LANES)), np.empty((MEANS, LANES))
    for i in range(MEANS):
        for lane in range(LANES):
            centres[i, lane] = means[i]
    for first in range(0, bases.shape[0], LANES):
        used = load_lanes(bases, first, b)
        steady(b, centres, x)
        moving(b, 0.0, x)
        for lane in range(used):
            for i in range(features.shape[1]):
                features[first + lane, i] = x[1 + i, lane]


def features_of(bases: NDArray[np.float32], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features of shape (rows, len(FEATURES)) from bases of shape (rows, BASIS) and running means of shape (MEANS,)."""
    features = np.empty((len(bases), len(FEATURES)))
    _feature_rows(np.ascontiguousarray(bases), means, features)
    return features
