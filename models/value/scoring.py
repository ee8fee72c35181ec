"""Values of customers side by side: the bits of one do not depend on the others, nor on how many there are.

    value = n · s · exp(share · c) · lift · level

n: expected purchase days (models.value.visits). s: net spend a purchase day (models.value.spend). c: the correction,
linear in the churn model's features of commerce and those of money, whose share grows with the log's age. lift: what
winsorised labels have kept from c. level: one factor for all. A margin is policy, and multiplies all of this.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.probability import Mixture, Workspace, score, workspace_for
from models.features.basis import TOUCH_COLUMNS
from models.features.columns import FEATURES, WIDTH, load_lanes
from models.numerics.compiled import LANES, compiled, inlined
from models.numerics.lanes import exp, ln
from models.value.columns import MONEY, load_money
from models.value.spend import MONEY_FEATURES, spend_features
from models.value.visits import Course, Leaving, expected_by_mbg, expected_visits

COMMERCE: Final = WIDTH - len(TOUCH_COLUMNS)
"""Of the churn model's features with their constant, those of commerce, which come first. What other touchpoints tell
of a customer moves the chance that they stay, and with it the value; as features of the correction they add nothing."""
CORRECTED: Final = (*FEATURES[: COMMERCE - 1], *MONEY_FEATURES)
"""Names of the correction's features, in order; a constant stands before them."""
CORRECTION: Final = len(CORRECTED) + 1
MOST_CORRECTION: Final = 3.0
"""Size of c: a factor of twenty."""
_LEAST_VISITS = 1e-3


class Valuation(NamedTuple):
    """The value model's part of a version, as compiled code reads it.

    mbg: r, alpha, a, b (models.value.counts), shape (4,). weights: of the correction, shape (CORRECTION,), the
    constant's first. population: of `models.value.spend.Population`, shape (4,). factors: share, lift, level, shape
    (3,).
    """

    mbg: NDArray[np.float64]
    weights: NDArray[np.float64]
    population: NDArray[np.float64]
    factors: NDArray[np.float64]


class ValueWorkspace(NamedTuple):
    """Where customers are valued side by side.

    work: the churn model's. money: shape (MONEY, LANES). features: of money, shape (MONEY_FEATURES, LANES). visits:
    expected purchase days; base: ln of visits times spend a day, in units of the population's net spend a day;
    corrections: c; values. Each of shape (LANES,). points, room: to calculate in.
    """

    work: Workspace
    money: NDArray[np.float64]
    features: NDArray[np.float64]
    visits: NDArray[np.float64]
    base: NDArray[np.float64]
    corrections: NDArray[np.float64]
    values: NDArray[np.float64]
    points: Leaving
    room: NDArray[np.float64]


@compiled
def value_workspace_for(mixture: Mixture) -> ValueWorkspace:
    """For values by a churn model."""
    return ValueWorkspace(
        workspace_for(mixture),
        np.zeros((MONEY, LANES)),
        np.zeros((len(MONEY_FEATURES), LANES)),
        np.zeros(LANES),
        np.zeros(LANES),
        np.zeros(LANES),
        np.zeros(LANES),
        Leaving(np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)),
        np.zeros((3, LANES)),
    )


@compiled
def weigh_value(mixture: Mixture, valuation: Valuation, course: Course, room: ValueWorkspace) -> None:
    """All but the product: visits, base and corrections of the workspace's bases and money; the churn model's estimates
    with them."""
    work = room.work
    score(mixture, work)
    expected_visits(mixture, work, course, valuation.mbg, room.points, room.visits, room.room)
    spend_features(work.bases, room.money, valuation.population, room.features)
    for lane in range(LANES):
        room.base[lane] = ln(max(room.visits[lane], _LEAST_VISITS)) + room.features[0, lane]
        room.corrections[lane] = 0.0
    x = work.features[0]
    for i in range(COMMERCE):
        weight = valuation.weights[i]
        for lane in range(LANES):
            room.corrections[lane] += weight * x[i, lane]
    for i in range(room.features.shape[0]):
        weight = valuation.weights[COMMERCE + i]
        for lane in range(LANES):
            room.corrections[lane] += weight * room.features[i, lane]


@inlined
def unlevelled(base: float, correction: float, factors: Any) -> float:
    """A value before the level, in units of the population's net spend a day."""
    c = min(max(correction, -MOST_CORRECTION), MOST_CORRECTION)
    found: float = exp(base + factors[0] * c) * factors[1]
    return found


@compiled
def value(mixture: Mixture, valuation: Valuation, course: Course, room: ValueWorkspace) -> None:
    """Values of the workspace's bases and money, in the currency of the log."""
    weigh_value(mixture, valuation, course, room)
    unit = valuation.population[1] * valuation.population[2] * valuation.factors[2]
    for lane in range(LANES):
        room.values[lane] = unlevelled(room.base[lane], room.corrections[lane], valuation.factors) * unit


class Values(NamedTuple):
    """Of customers, in columns of shape (rows,). values: expected net spend of the horizon. probabilities: of churn.
    visits: expected purchase days, before correction and level."""

    values: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    visits: NDArray[np.float64]

    @property
    def if_kept(self) -> NDArray[np.float64]:
        """What each is worth if they buy again within the horizon: value / (1 - p). What may be spent on keeping
        somebody is bounded by margin · this · (effect on p), not by value · risk: value falls as risk rises."""
        return np.asarray(self.values / np.maximum(1.0 - self.probabilities, _LEAST_STAY))


_LEAST_STAY = 1e-9


@compiled
def _values(bases: Any, money: Any, mixture: Mixture, valuation: Valuation, course: Course, out: Values) -> None:
    room = value_workspace_for(mixture)
    for first in range(0, bases.shape[0], LANES):
        used = load_lanes(bases, first, room.work.bases)
        load_money(money, first, used, room.money)
        value(mixture, valuation, course, room)
        for lane in range(used):
            out.values[first + lane] = room.values[lane]
            out.probabilities[first + lane] = room.work.probabilities[lane]
            out.visits[first + lane] = room.visits[lane]


def values_of(
    bases: NDArray[np.float32], money: NDArray[np.float32], mixture: Mixture, valuation: Valuation, course: Course
) -> Values:
    """Values of customers.

    Args:
        bases, money: shapes (rows, BASIS) and (rows, MONEY).
        mixture: the churn model, of the same horizon as `course`.
        valuation: the value model.
        course: the horizon ahead.
    """
    out = Values(*(np.empty(len(bases)) for _ in Values._fields))
    _values(np.ascontiguousarray(bases), np.ascontiguousarray(money), mixture, valuation, course, out)
    return out


class ValueParts(NamedTuple):
    """What values are made of, in units of the population's net spend a purchase day, each of shape (rows,): base, ln
    of visits times spend; corrections; by_mbg, the same product with MBG/NBD's count."""

    base: NDArray[np.float64]
    corrections: NDArray[np.float64]
    by_mbg: NDArray[np.float64]


@compiled
def _parts(bases: Any, money: Any, mixture: Mixture, valuation: Valuation, course: Course, out: ValueParts) -> None:
    room = value_workspace_for(mixture)
    for first in range(0, bases.shape[0], LANES):
        used = load_lanes(bases, first, room.work.bases)
        load_money(money, first, used, room.money)
        weigh_value(mixture, valuation, course, room)
        expected_by_mbg(room.work.bases, course.horizon[0], valuation.mbg, room.points, room.values)
        for lane in range(used):
            out.base[first + lane] = room.base[lane]
            out.corrections[first + lane] = room.corrections[lane]
            out.by_mbg[first + lane] = room.values[lane] * exp(room.features[0, lane])


def value_parts(
    bases: NDArray[np.float32], money: NDArray[np.float32], mixture: Mixture, valuation: Valuation, course: Course
) -> ValueParts:
    """What values are made of; arguments as of `values_of`."""
    out = ValueParts(*(np.empty(len(bases)) for _ in ValueParts._fields))
    _parts(np.ascontiguousarray(bases), np.ascontiguousarray(money), mixture, valuation, course, out)
    return out
