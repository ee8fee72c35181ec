"""Net spend of a purchase day: the customer's own mean, shrunk to the population's.

With m the population's mean amount of a purchase day, n a customer's purchase days and k the prior's weight in days,

    s = (spent + k m) / (n + k) · (population's net share).

That is the posterior mean of the Gamma-Gamma model (Fader, Hardie and Lee 2005, "RFM and CLV: using iso-value curves
for customer base analysis", Journal of Marketing Research 42) with k = (q - 1) / p; but k comes from two variances of
the logs of amounts, within customers and between them, whose sums run along with the log: no fit, no gamma function.
Returns enter by the population's share: a customer's own are few and large, and are worse as a forecast. They are a
feature of the correction (`models.value.correction`).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features.basis import AMOUNT_COLUMN, COLUMNS, DAYS_COLUMN, RECENCY_COLUMN
from models.numerics.compiled import LANES, compiled, inlined
from models.numerics.lanes import exp, ln
from models.value.columns import RETURNED_COLUMN, SPENT_COLUMN

LEAST_SHRINK, FIRST_SHRINK, MOST_SHRINK = 0.5, 1.5, 8.0
"""k: bounds, and what it is before amounts have been compared."""
PRIOR_DAYS: Final = 100.0
"""Purchase days that the first k is worth."""
LEAST_NET: Final = 0.1
_LEAST_AMOUNT = 1e-9
_MEAN_COLUMN = COLUMNS.index("amount_mean")
_EWMA_COLUMN = COLUMNS.index("amount_ewma")

SUMS: Final = 8
"""Running sums: customers, ln amount, its square, amount, gross spend and returns (of all their days), customers with
two days and more, and their variance within."""


class Population(NamedTuple):
    """What the population spends. log_amount: mean log1p amount of a purchase day. amount: m. net: share of gross spend
    that is not sent back. shrink: k."""

    log_amount: float
    amount: float
    net: float
    shrink: float


NO_POPULATION: Final = Population(0.0, _LEAST_AMOUNT, 1.0, FIRST_SHRINK)
"""Before anybody has bought anything."""


@inlined
def amount_of(logged: float) -> float:
    """The inverse of log1p."""
    return exp(logged) - 1.0


@compiled
def _add(bases: Any, money: Any, within_days: float, sums: Any) -> None:
    for row in range(bases.shape[0]):
        if bases[row, RECENCY_COLUMN] > within_days:
            continue
        days = np.float64(bases[row, DAYS_COLUMN])
        amount = np.float64(bases[row, AMOUNT_COLUMN])
        off = amount - np.float64(bases[row, _MEAN_COLUMN])
        sums[0] += 1.0
        sums[1] += amount
        sums[2] += amount * amount
        sums[3] += amount_of(amount)
        sums[4] += amount_of(np.float64(money[row, SPENT_COLUMN])) * days
        sums[5] += amount_of(np.float64(money[row, RETURNED_COLUMN])) * days
        if days > 1.0:
            sums[6] += 1.0
            # The last day is in the mean of all: E (last - mean)² is (1 - 1/n) of the variance within.
            sums[7] += days / (days - 1.0) * off * off


def add_buyers(bases: NDArray[np.float32], money: NDArray[np.float32], days: float, sums: NDArray[np.float64]) -> None:
    """Those who bought in the last `days` enter the running sums, row by row: each with the newest purchase day.

    Args:
        bases, money: of the customers looked at, shapes (rows, BASIS) and (rows, MONEY).
        days: distance of two looks at a customer.
        sums: shape (SUMS,), changed.
    """
    _add(np.ascontiguousarray(bases), np.ascontiguousarray(money), days, sums)


def population_of(sums: NDArray[np.float64]) -> Population:
    """What the running sums say of the population."""
    count, logs, squares, amounts, gross, returned, again, within = sums.tolist()
    if count <= 0.0:
        return NO_POPULATION
    log_amount = logs / count
    total = max(squares / count - log_amount * log_amount, 0.0)
    prior = PRIOR_DAYS * total * FIRST_SHRINK / (1.0 + FIRST_SHRINK)
    inner = (within + prior) / (again + PRIOR_DAYS)
    shrink = min(max(inner / max(total - inner, 1e-9), LEAST_SHRINK), MOST_SHRINK)
    net = max(1.0 - returned / gross, LEAST_NET) if gross > 0.0 else 1.0
    return Population(log_amount, max(amounts / count, _LEAST_AMOUNT), net, shrink)


@inlined
def log_spend(spent: float, days: float, shrink: float) -> float:
    """ln of the shrunken gross spend a purchase day. spent: in all, in units of the population's mean amount."""
    return ln((spent + shrink) / (days + shrink))


OTHER_SHRINKS: Final = (4.0, 16.0)
"""Of the correction's features: customers differ by more or by less than the amounts' variances say."""
RETURN_SHRINK: Final = 8.0
"""Purchase days of the population's returns in a customer's own share of them."""
_LEAST_KEPT = 0.1
_FEW, _MOST_RECENT = 2.0, 5.0

MONEY_FEATURES: Final = ("spend", "spend_shrunk_4", "spend_shrunk_16", "spend_mean", "spend_lately", "kept")
"""Of the correction, beyond the churn model's: ln of the shrunken spend a day; with more shrinkage less that; mean and
moving average of ln amounts against the population's, shrunk by two days; ln of the share kept against it."""


@compiled
def spend_features(b: Any, m: Any, population: Any, x: Any) -> None:
    """The features of money.

    Args:
        b: bases, shape (BASIS, LANES).
        m: money, shape (MONEY, LANES).
        population: of `Population`, shape (4,).
        x: takes the features, shape (MONEY_FEATURES, LANES). The first is ln of the spend a day in units of m.
    """
    log_amount, unit, net, shrink = population[0], population[1], population[2], population[3]
    for lane in range(LANES):
        days = max(b[DAYS_COLUMN, lane], 1.0)
        spent = amount_of(m[SPENT_COLUMN, lane]) * days / unit
        back = amount_of(m[RETURNED_COLUMN, lane]) * days / unit
        x[0, lane] = log_spend(spent, days, shrink)
        x[1, lane] = log_spend(spent, days, OTHER_SHRINKS[0]) - x[0, lane]
        x[2, lane] = log_spend(spent, days, OTHER_SHRINKS[1]) - x[0, lane]
        x[3, lane] = (b[_MEAN_COLUMN, lane] - log_amount) * days / (days + _FEW)
        recent = min(days, _MOST_RECENT)
        x[4, lane] = (b[_EWMA_COLUMN, lane] - log_amount) * recent / (recent + _FEW)
        kept = 1.0 - (back + (1.0 - net) * RETURN_SHRINK) / (spent + RETURN_SHRINK)
        x[5, lane] = ln(max(kept, _LEAST_KEPT) / net)
