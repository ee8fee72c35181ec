"""The probability of churn, plainly: hazard rolled forward, direct correction, MBG/NBD, level."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from models.churn import MixtureScorer
from models.numerics.maths import exp, ln
from tests.reference.features import features


def probability(scorer: MixtureScorer, basis: array[float]) -> float:
    """Probability of no sign of staying within the horizon."""
    version = scorer.mixture
    share, shift, learned, horizon = version.blend.tolist()
    means = version.means.tolist()
    z = 0.0
    if learned:
        hazard, correction = version.hazard.tolist(), version.direct.tolist()
        expected = 0.0
        for width, roll in zip(version.widths.tolist(), version.rolls.tolist(), strict=True):
            eta = dot(hazard, features(basis, roll, means))
            expected += width * exp(min(max(eta, -15.0), 3.0))
        none = -ln(exp(min(max(expected, 1e-4), 9.2)) - 1.0)
        z = (1.0 - share) * (none + 0.25 * dot(correction, features(basis, 0.0, means)))
    return sigmoid(z + share * logit(anchor(version.mbg.tolist(), basis, horizon)) + shift)


def anchor(parameters: Sequence[float], basis: array[float], horizon: float) -> float:
    """MBG/NBD: gone already, or alive and silent for the horizon (weeks)."""
    r, alpha, a, b = parameters
    recency, tenure, days = basis[0], basis[1], basis[2]
    x, last, age = max(days - 1.0, 0.0), max(tenure - recency, 0.0) / 7.0, max(tenure, tenure - recency, 0.0) / 7.0
    odds = ln(a / (b + x)) + (r + x) * ln((alpha + age) / (alpha + last))
    silent = exp(-(r + x) * ln((alpha + age + horizon) / (alpha + age)))
    if odds > 0.0:
        return (1.0 + silent * exp(-odds)) / (1.0 + exp(-odds))
    return (exp(odds) + silent) / (exp(odds) + 1.0)


def dot(weights: Sequence[float], row: Sequence[float]) -> float:
    """In four sums, as the compiled one."""
    sums = [0.0, 0.0, 0.0, 0.0]
    for place, (weight, value) in enumerate(zip(weights, row, strict=True)):
        sums[place % 4] += weight * value
    return (sums[0] + sums[1]) + (sums[2] + sums[3])


def logit(p: float) -> float:
    p = min(max(p, 1e-4), 1.0 - 1e-4)
    return ln(p / (1.0 - p))


def sigmoid(z: float) -> float:
    return 1.0 / (1.0 + exp(-min(max(z, -30.0), 30.0)))
