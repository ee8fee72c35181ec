"""From scores to weights: Maillard sampling, closed form.

The best arm weighs one, another exp(-gap² / (2 c² s²)), where the gap is what it is worse by and s² the variance
of that difference: an arm is tried as long as it may well be the best one (Bian and Jun 2022, "Maillard sampling:
Boltzmann exploration done optimally", AISTATS; there with the variance of the mean, here with the posterior's). There
is no integral and no random number in it, so that the chances can be written down exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from models.decisions.choosing.numbers import LEAST_VARIANCE, Arm
from models.numerics.fixed_order import Floats, dot, quadratic_of
from models.numerics.maths import exp

MOST_KEPT: Final = 64
"""Covariances that are kept as compiled code reads them: of a few versions, an arm each."""


class Score(NamedTuple):
    """What an arm is expected to bring above leaving alone, in money, after its cost; `sd` of that expectation."""

    mean: float
    sd: float


ALONE = Score(0.0, 0.0)


def score(arm: Arm, features: Sequence[float], worth: float, cost: float) -> Score:
    """worth: the value at stake, money: what the customer is expected to bring in the window if they stay as they were.
    cost: of a contact, and the price of the budgets it takes from.

    >>> score(Arm((0.1,), ((0.04,),)), [1.0], worth=50.0, cost=1.0)
    Score(mean=4.0, sd=10.0)
    """
    return _scored(arm, features, np.array(features, dtype=np.float64), worth, cost)


def scores_of(arms: Sequence[tuple[Arm, float]], features: Sequence[float], worth: float) -> list[Score]:
    """`score` of each arm at its cost."""
    row = np.array(features, dtype=np.float64)
    return [_scored(arm, features, row, worth, cost) for arm, cost in arms]


def _scored(arm: Arm, features: Sequence[float], row: Floats, worth: float, cost: float) -> Score:
    mean = worth * dot(features, arm.effect) - cost  # raises ValueError where the arm is of other features
    return Score(mean, worth * sqrt(max(quadratic_of(row, _columns(arm.covariance)), LEAST_VARIANCE)))


_kept: Final[dict[int, tuple[tuple[tuple[float, ...], ...], Floats]]] = {}
"""By the identity of what it is made of, which is kept with it: it can't be another's meanwhile."""


def _columns(covariance: tuple[tuple[float, ...], ...]) -> Floats:
    found = _kept.get(id(covariance))
    if found is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        found = _kept[id(covariance)] = (covariance, np.array(covariance, dtype=np.float64))
    return found[1]


def best_of(scores: Sequence[Score]) -> int:
    """The place of the greatest mean; of equals the earliest."""
    return max(range(len(scores)), key=lambda place: scores[place].mean)


def shares(scores: Sequence[Score], temper: float) -> list[float]:
    """Weights over their sum. scores: leaving alone first.

    >>> shares([ALONE, Score(1.0, 1.0)], temper=10.0)[1] > shares([ALONE, Score(1.0, 1.0)], temper=1.0)[1]
    False
    """
    best = best_of(scores)
    leader = scores[best]
    weights = []
    for place, one in enumerate(scores):
        if place == best:
            weights.append(1.0)
            continue
        gap = leader.mean - one.mean
        variance = max(one.sd * one.sd + leader.sd * leader.sd, LEAST_VARIANCE)
        weights.append(exp(-(gap * gap) / (2.0 * temper * temper * variance)))
    total = weights[0]
    for weight in weights[1:]:
        total = total + weight
    return [weight / total for weight in weights]
