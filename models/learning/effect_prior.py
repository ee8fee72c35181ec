"""The prior of all arms together as a precision matrix, and what becomes of it when arms come, change and go.

Of each coefficient the arms' prior covariance is v ((1 - r) I + r 11'): what contact as such does is in all of them.
Its inverse has a closed form, 1/(v (1 - r)) (I - c 11') with c = r / (1 - r + r q) for q arms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.decisions.choosing.prior import Prior
from models.numerics.fixed_order import Floats, inverse, times
from models.numerics.maths import ln


def prior_precision(prior: Prior, features: int, arms: int) -> Floats:
    """In units of 1 / sigma², shape (features (arms + 1),) twice: the kept share's coefficients, then each arm's."""
    size = features * (arms + 1)
    found = np.zeros((size, size))
    for place in range(features):
        found[place, place] = (prior.sigma / prior.base_sd) ** 2
        own = (prior.sigma / prior.sd_of(place)) ** 2 / (1.0 - prior.shared)
        common = own * prior.shared / (1.0 - prior.shared + prior.shared * arms)
        for one in range(1, arms + 1):
            for other in range(1, arms + 1):
                value = own - common if one == other else -common
                found[one * features + place, other * features + place] = value
    return found


def prior_log_determinant(prior: Prior, features: int, arms: int) -> float:
    """Of `prior_precision`. Of q arms a coefficient's matrix has the eigenvalues o, q - 1 times, and o - q c."""
    total = features * 2.0 * ln(prior.sigma / prior.base_sd)
    if not arms:
        return total
    for place in range(features):
        own = (prior.sigma / prior.sd_of(place)) ** 2 / (1.0 - prior.shared)
        common = own * prior.shared / (1.0 - prior.shared + prior.shared * arms)
        total += (arms - 1) * ln(own) + ln(own - arms * common)
    return total


def pulled(prior: Prior, apart: Sequence[Floats]) -> Floats:
    """How far a new arm is moved by what the others have learned, beside its prior mean. Shape (features,).

    apart: of each other arm, its posterior mean less its prior mean.

    >>> pulled(Prior(shared=0.5), [np.array([0.2])])
    array([0.1])
    """
    common = prior.shared / (1.0 - prior.shared + prior.shared * (len(apart) + 1))
    total = apart[0].copy()
    for one in apart[1:]:
        total = total + one
    found: Floats = common / (1.0 - common) * total
    return found


def without(precision: Floats, response: Floats, gone: Sequence[int]) -> tuple[Floats, Floats, float]:
    """The posterior of the other coefficients: those of the places in `gone` are marginalised out.

    Returns precision and response of what stays (the Schur complement), and what part of response' precision⁻¹ response
    went with the others.
    """
    stays = [place for place in range(len(response)) if place not in set(gone)]
    inner = inverse(precision[np.ix_(gone, gone)])
    across = precision[np.ix_(stays, gone)]
    kept = precision[np.ix_(stays, stays)].copy()
    means = times(inner, response[list(gone)])
    for row in range(len(stays)):
        by_inner = times(inner, across[row])
        for column in range(row + 1):
            kept[row, column] -= _total(by_inner * across[column])
            kept[column, row] = kept[row, column]
    left = response[stays] - times(across, means)
    return kept, left, _total(means * response[list(gone)])


def _total(values: Floats) -> float:
    """Of numbers, from left to right."""
    total = 0.0
    for value in values.tolist():
        total += value
    return total
