"""The expected churn rate of the whole customer base, by the age of the log.

A ranking needs many labels and hardly changes; the level needs few and changes with the season. MBG/NBD knows it from
the first week on and follows the season at once; so it sets the level, but for a share of the learners' around the
time at which they have seen a horizon, and the weight of its logit in the mixture falls with the age of the log. Where
it errs by much and for long, the learners set the level instead (`models.churn.mixture.trust`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.probability import logit, sigmoid
from models.numerics.compiled import compiled

LEAST_SHARE: Final = 0.15
"""Of the MBG logit in the mixture, however old the log."""
UNLEARNED_SHARE: Final = 0.6
"""Of the MBG logit while there is no example at all: the prior's own, moderated."""
MOST_EARLY: Final = 0.5
EARLY_DAYS: Final = 14.0
_STEPS = 8


class Shares(NamedTuple):
    """mbg: of the MBG logit in the mixture. own: of the learners' mean in the level that the mixture is shifted to."""

    mbg: float
    own: float


def shares(age_days: float, horizon_days: float) -> Shares:
    """By the log's age. Nothing but MBG while it is young; in between, a quarter of the learners' level at the most;
    with a horizon of less than four weeks, where the learners' labels are as quick as the horizon, more."""
    young = 1.0 / (1.0 + (age_days / horizon_days) ** 2)
    quick = min(max(EARLY_DAYS / horizon_days - 0.5, 0.0), MOST_EARLY)
    return Shares(max(LEAST_SHARE, young), (1.0 - young) * max(young, quick))


def shift_to_level(learners: NDArray[np.float64], anchor: NDArray[np.float64], share: Shares) -> float:
    """The shift of the mixture's logit that gives its mean over some customers the level wanted; 0 for no customers.

    learners: their logits by the learners; anchor: their probabilities by MBG/NBD. Both of shape (customers,).
    """
    return _shift(learners, anchor, share.mbg, share.own) if len(learners) else 0.0


@compiled
def _shift(learners: NDArray[np.float64], anchor: NDArray[np.float64], mbg: float, own: float) -> float:
    """Newton's method on the mean, each step at most one."""
    size = learners.shape[0]
    wanted = 0.0
    z = np.empty(size)
    for i in range(size):
        wanted += (1.0 - own) * anchor[i] + own * sigmoid(learners[i])
        z[i] = (1.0 - mbg) * learners[i] + mbg * logit(anchor[i])
    wanted /= size
    shift = 0.0
    for _ in range(_STEPS):
        mean, slope = 0.0, 0.0
        for i in range(size):
            p = sigmoid(z[i] + shift)
            mean += p
            slope += p * (1.0 - p)
        shift += min(max((wanted - mean / size) / max(slope / size, 1e-4), -1.0), 1.0)
    return shift


@compiled
def means_of(learners: NDArray[np.float64], anchor: NDArray[np.float64]) -> tuple[float, float]:
    """The mean probability by MBG/NBD and by the learners, arguments as for `shift_to_level`."""
    by_anchor, by_learners = 0.0, 0.0
    for i in range(learners.shape[0]):
        by_anchor += anchor[i]
        by_learners += sigmoid(learners[i])
    return by_anchor / learners.shape[0], by_learners / learners.shape[0]
