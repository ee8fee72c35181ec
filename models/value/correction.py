"""The correction's learning rule: one extended-Kalman step a matured observation, quasi-likelihood with a log link.

Spend has a mean μ = exp(offset + w·x) and a variance that grows with it, v = 3 μ^1.25 (quasi-likelihood: Wedderburn
1974, Biometrika 61; between a count's and a gamma's: Dunn and Smyth 2005, "Series evaluation of Tweedie exponential
dispersion model densities"). No distribution has to be true for the mean to be right. What came counts as μ + 5 √v at
most: one order of a reseller must not move everybody's weights. What that takes from the total is made good by the
ratio of what came to what was learned (`models.value.learner`).

The step is that of the churn learners, on the covariance's triangular root (models.churn.newton.kernels).
"""

from __future__ import annotations

from math import sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.probability import Mixture
from models.churn.newton.kernels import linear, newton_step
from models.churn.newton.posterior import Posterior
from models.features.columns import load_lanes
from models.numerics.compiled import LANES, compiled
from models.numerics.maths import exp
from models.value.columns import Matured, load_money
from models.value.scoring import COMMERCE, CORRECTED, Valuation, value_workspace_for, weigh_value
from models.value.visits import Course

VARIANCE_POWER: Final = 1.25
DISPERSION: Final = 3.0
MOST_SIGMAS: Final = 5.0
PRECISION: Final = 100.0
"""Of a weight's prior."""
INTERCEPT: Final = 100.0
"""Variance of the constant's prior over the other weights'."""
WALK: Final = 3e-3
"""Of the prior variance: how much each weight's variance grows in a week."""
MOST_ETA: Final = 8.0
"""Size of ln μ, in units of the population's net spend a purchase day."""


def first_correction() -> Posterior:
    """Weights of nothing learned yet: zero, which says that visits times spend is right."""
    posterior = Posterior(INTERCEPT / PRECISION)
    posterior.admit(dict.fromkeys(CORRECTED, 1.0 / PRECISION))
    return posterior


def prior_variances() -> NDArray[np.float64]:
    """Of the weights, the constant's first, shape (CORRECTION,)."""
    return np.array([INTERCEPT, *[1.0] * len(CORRECTED)]) / PRECISION


@compiled
def _learn(
    bases: Any,
    money: Any,
    net: Any,
    mixture: Mixture,
    valuation: Valuation,
    course: Course,
    weights: Any,
    root: Any,
    kept: Any,
) -> None:
    room = value_workspace_for(mixture)
    x, calculate = np.empty(weights.shape[0]), np.empty(weights.shape[0])
    unit = valuation.population[1] * valuation.population[2]
    for first in range(0, bases.shape[0], LANES):
        used = load_lanes(bases, first, room.work.bases)
        load_money(money, first, used, room.money)
        weigh_value(mixture, valuation, course, room)
        for lane in range(used):
            for i in range(COMMERCE):
                x[i] = room.work.features[0, i, lane]
            for i in range(room.features.shape[0]):
                x[COMMERCE + i] = room.features[i, lane]
            came = net[first + lane] / unit
            eta = min(max(linear(weights, x, room.base[lane]), -MOST_ETA), MOST_ETA)
            mu, v = exp(eta), DISPERSION * exp(VARIANCE_POWER * eta)
            seen = min(came, mu + MOST_SIGMAS * sqrt(v))
            newton_step(weights, root, x, (seen - mu) * mu / v, mu * mu / v, 1.0, calculate)
            kept[0] += came
            kept[1] += seen


def learn_correction(
    posterior: Posterior,
    matured: Matured,
    mixture: Mixture,
    valuation: Valuation,
    course: Course,
    kept: NDArray[np.float64],
) -> None:
    """Learn what came, in the order of the rows.

    The offset, ln of visits times spend, is computed by the models as they stand now.

    Args:
        posterior: of the correction's weights, changed.
        matured: observations and what came.
        mixture, valuation, course: as of `models.value.scoring.values_of`.
        kept: running sums of what came, and of what of it was learned, shape (2,), changed.
    """
    observed = matured.observed
    bases, money = np.ascontiguousarray(observed.bases), np.ascontiguousarray(observed.money)
    _learn(bases, money, matured.net, mixture, valuation, course, posterior.weights, posterior.root, kept)
