"""Model features, computed from raw features row by row: a row's bits do not depend on other rows.

Every feature is a bounded logarithm, a hinge of one, or a difference: nothing has to be scaled, and no currency is in
the model. Recency, frequency and gaps are the sufficient statistics of the classic customer-base models (Schmittlein,
Morrison and Colombo 1987, "Counting your customers", Management Science 33); hinges let the weights bend their lines
(Friedman 1991, "Multivariate adaptive regression splines", Annals of Statistics 19), and the renewal features are those
of a customer whose gaps are lognormal with their own, shrunk, mean and spread.

Under silence only recency, tenure and the decays move, so that the features of a later moment follow from a basis:
`moving_row` writes those that move, `steady_row` the others.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.customer.layout import HALF_LIVES_PURCHASE, HALF_LIVES_TOUCH
from models.features.basis import COLUMNS, COUNTED, TOUCH_COLUMNS
from models.numerics.compiled import compiled
from models.numerics.maths import exp, exp2, ln
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
"""Length of the array that features are written into: behind them is what the moving ones need of the steady ones."""

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
"""Where a row has a gap's spread, and the log of recency in days."""
_LEFT = WIDTH + 5
"""Where a row has, by half-life, what is left of a count."""
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
def steady_row(basis: Any, means: Any, x: Any) -> None:
    """The constant and the features that silence does not move, into `x`, shape (ROOM,) of float64."""
    days = max(np.float64(basis[_DAYS]), 1.0)
    gaps = days - 1.0
    x[0] = 1.0
    x[_FREQUENCY] = ln(days)
    for i in range(_FREQUENCY_KNOTS.shape[0]):
        x[_FREQUENCY_HINGES + i] = max(x[_FREQUENCY] - _FREQUENCY_KNOTS[i], 0.0)
    amount = np.float64(basis[_LAST]) - means[0]
    x[_MONEY] = np.float64(basis[_LAST]) - np.float64(basis[_EWMA])
    x[_MONEY + 1] = np.float64(basis[_EWMA]) - means[0]
    x[_MONEY + 2] = np.float64(basis[_MEAN]) - means[0]
    x[_MONEY + 3] = np.float64(basis[_QUANTITY]) - means[1]
    x[_MONEY + 4] = np.float64(basis[_BASKETS]) - means[2]
    x[_MONEY + 5] = amount if days <= 1.0 else 0.0
    x[_TOUCH + _SENTIMENT] = basis[_TOUCHED + _SENTIMENT]
    # What the moving features need: the logs of the mean gap in weeks and of the longest; median and spread of a gap.
    owned = max(np.float64(basis[_TENURE]) - np.float64(basis[_RECENCY]), 0.0)
    x[WIDTH] = ln((owned + _PRIOR_GAP) / (_WEEK * days))
    x[WIDTH + 1] = ln(max(np.float64(basis[_GAP_MAX]), 1.0))
    counted = min(gaps, _MOST_GAPS)
    x[WIDTH + 2] = (np.float64(basis[_GAP_EWMA]) * counted + _LN_PRIOR_GAP) / (counted + 1.0)
    mean = (np.float64(basis[_GAP_SUM]) + 2.0 * _LN_PRIOR_GAP) / (gaps + 2.0)
    squares = np.float64(basis[_GAP_SQUARES]) + 2.0 * (_LN_PRIOR_GAP * _LN_PRIOR_GAP + _PRIOR_SPREAD)
    x[SPREAD] = sqrt(max(squares / (gaps + 2.0) - mean * mean, _LEAST_SPREAD))


@compiled
def moving_row(basis: Any, silence: float, x: Any) -> None:
    """The features that move, after so many more days of `silence`. `x` as `steady_row` has left it."""
    recency = max(np.float64(basis[_RECENCY]) + silence, _LEAST_RECENCY)
    weeks = ln(recency / _WEEK + 0.5)
    x[_L] = weeks
    for i in range(_L_KNOTS.shape[0]):
        x[_L_HINGES + i] = max(weeks - _L_KNOTS[i], 0.0)
    # Each half-life is half of the next one: so is what is left of a count the square of what is left by the next one.
    left = exp2(-silence / _LONGEST_HALF_LIFE)
    for back in range(_HALF_LIVES.shape[0]):
        i = _HALF_LIVES.shape[0] - 1 - back
        x[_LEFT + i] = left
        x[_COUNTS + i] = ln(np.float64(basis[_DECAYED + i]) * left + _LEAST_COUNT)
        left *= left
    overdue = weeks - x[WIDTH]
    x[_OVERDUE] = overdue
    for i in range(_OVERDUE_KNOTS.shape[0]):
        x[_OVERDUE + 1 + i] = max(overdue - _OVERDUE_KNOTS[i], 0.0)
    log_recency = ln(recency)
    x[LOG_RECENCY] = log_recency
    x[_LONGEST] = log_recency - x[WIDTH + 1] if basis[_DAYS] > 1.0 else 0.0
    now = (log_recency - x[WIDTH + 2]) / x[SPREAD]
    next_week = (ln(recency + _WEEK) - x[WIDTH + 2]) / x[SPREAD]
    if now < _FAR:
        ends = 1.0 - upper_tail(next_week) / upper_tail(now)
    else:
        ends = 1.0 - exp(ln_upper_tail(next_week) - ln_upper_tail(now))
    ends = min(max(ends, 1e-4), 0.9999)
    delay = min(max(now, -4.0), 4.0)
    x[RENEWAL] = ln(ends / (1.0 - ends))
    x[_LONGEST + 2] = delay
    x[_LONGEST + 3] = max(delay, 0.0)
    cases = basis[_TOUCHED]
    x[_TOUCH + _CASE_AGE] = (
        ln(1.0 + (np.float64(basis[_TOUCHED + _CASE_AGE]) + silence) / _WEEK) if cases > 0.0 else 0.0
    )
    for i in range(_TOUCH_LEFT.shape[0]):
        if i != _CASE_AGE and i != _SENTIMENT:
            count = np.float64(basis[_TOUCHED + i])
            if _TOUCH_LEFT[i] >= 0:
                count *= x[_LEFT + _TOUCH_LEFT[i]]
            x[_TOUCH + i] = ln(1.0 + count) if count > 0.0 else 0.0


@compiled
def feature_row(basis: Any, silence: float, means: Any, x: Any) -> None:
    """All features of one basis, shape (BASIS,), after `silence` days, into `x`, shape (ROOM,)."""
    steady_row(basis, means, x)
    moving_row(basis, silence, x)


@compiled
def _feature_rows(bases: Any, means: Any, features: Any) -> None:
    x = np.empty(ROOM)
    for row in range(bases.shape[0]):
        feature_row(bases[row], 0.0, means, x)
        for i in range(features.shape[1]):
            features[row, i] = x[1 + i]


def features_of(bases: NDArray[np.float32], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features of shape (rows, len(FEATURES)) from bases of shape (rows, BASIS) and running means of shape (MEANS,)."""
    features = np.empty((len(bases), len(FEATURES)))
    _feature_rows(np.ascontiguousarray(bases), means, features)
    return features
