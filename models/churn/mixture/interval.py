"""Confidence interval of a churn probability, by the delta method on the model's weights.

Delta method on the logit (Oehlert 1992, "A note on the delta method", American Statistician 46): its gradient by the
weights of the hazard and of the direct learner and by MBG/NBD's log parameters, between the covariances of their
posteriors. The level's shift follows all of them, so its own gradient is part of it: what all customers have in common
is as uncertain as the level is, however many examples the weights have seen. No weights make a model's form true: to
the variance of the weights comes the one between the two experts of the pool, with the pool's shares as probabilities.

Linear algebra by NumPy: nothing here decides or learns.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.mbg.fit import MbgParameters, silent_probabilities
from models.churn.mixture.probability import (
    DAYS_A_WEEK,
    LEAST_ETA,
    MOST_ETA,
    SHARE_OF_DIRECT,
    Mixture,
    probabilities,
    roll_hazard,
    workspace_for,
)
from models.features.basis import DAYS_COLUMN, RECENCY_COLUMN, TENURE_COLUMN
from models.features.columns import WIDTH, load_lanes
from models.numerics.compiled import LANES, compiled

Floats = NDArray[np.float64]
SEASON = 0.25
"""Variance of the level's logit in a log so young that it has seen no other season (its first weeks are off by a
quarter to half a logit on the logs we know); it fades with the share of MBG/NBD, which is the log's youth."""
_STEP = 1e-4
_LEAST, _MOST = 1e-4, 9.2
_PARAMETERS = 4


class Beliefs(NamedTuple):
    """A model with what it believes of its weights.

    hazard, direct: covariances of the weights, shape (WIDTH, WIDTH). mbg: of the log parameters, shape (4, 4). crowd:
    bases of customers that the level was set on, shape (any, BASIS). own: the learners' share in that level.
    """

    mixture: Mixture
    hazard: Floats
    direct: Floats
    mbg: Floats
    crowd: NDArray[np.float32]
    own: float


class _Slopes(NamedTuple):
    """Of the learners' logit, by the weights of both, and of MBG/NBD's logit; a row a customer. own, anchor: the two
    probabilities."""

    hazard: Floats
    direct: Floats
    mbg: Floats
    own: Floats
    anchor: Floats


def interval(beliefs: Beliefs, bases: NDArray[np.float32], level: float = 0.9) -> tuple[Floats, Floats]:
    """Lower and upper bounds, shape (rows,), of the probability of churn, for bases of shape (rows, BASIS).

    level: how often the true probability is to lie between them.
    """
    mixture = beliefs.mixture
    share, _, learned, _ = mixture.blend.tolist()
    slopes = _slopes(mixture, bases)
    # Before the first example the prior's word is moderated, not surer for that.
    learners, anchor = (1.0 - share, share) if learned else (0.0, 1.0)
    by_weights = [learners * slopes.hazard, learners * slopes.direct, anchor * slopes.mbg]
    for slope, common in zip(by_weights, _shift_slopes(beliefs), strict=True):
        slope += common
    covariances = (beliefs.hazard, beliefs.direct, beliefs.mbg)
    variance = sum(
        np.einsum("ri,ij,rj->r", slope, covariance, slope)
        for slope, covariance in zip(by_weights, covariances, strict=True)
    )
    own = _logit(slopes.own) if learned else 0.0
    variance = variance + share * (1.0 - share) * (own - _logit(slopes.anchor)) ** 2 + SEASON * share
    centre = _logit(probabilities(bases, mixture))
    half_width = NormalDist().inv_cdf(0.5 + level / 2.0) * np.sqrt(np.maximum(variance, 0.0))
    return _sigmoid(centre - half_width), _sigmoid(centre + half_width)


def _shift_slopes(beliefs: Beliefs) -> list[Floats]:
    """Of the level's shift, which keeps the crowd's mean at the level: by implicit differentiation of that mean."""
    mixture, share = beliefs.mixture, float(beliefs.mixture.blend[0])
    if not len(beliefs.crowd) or not mixture.blend[2]:
        return [np.zeros(WIDTH), np.zeros(WIDTH), np.zeros(_PARAMETERS)]
    slopes = _slopes(mixture, beliefs.crowd)
    p = probabilities(beliefs.crowd, mixture)
    bend = p * (1.0 - p)
    of_own = beliefs.own * slopes.own * (1.0 - slopes.own) - (1.0 - share) * bend
    of_anchor = (1.0 - beliefs.own) * slopes.anchor * (1.0 - slopes.anchor) - share * bend
    return [
        of_own @ slopes.hazard / bend.sum(),
        of_own @ slopes.direct / bend.sum(),
        of_anchor @ slopes.mbg / bend.sum(),
    ]


def _slopes(mixture: Mixture, bases: NDArray[np.float32]) -> _Slopes:
    rows = np.empty((len(bases), len(mixture.rolls), WIDTH))
    _rows(np.ascontiguousarray(bases), mixture, rows)
    hazards = mixture.widths * np.exp(np.clip(rows @ mixture.hazard, LEAST_ETA, MOST_ETA))
    cumulated = np.clip(hazards.sum(axis=1), _LEAST, _MOST)
    none = -np.log(np.expm1(cumulated))
    by_hazard = np.einsum("rg,rgi->ri", hazards, rows) / np.expm1(-cumulated)[:, None]
    now = rows[:, 0]
    own = _sigmoid(none + SHARE_OF_DIRECT * (now @ mixture.direct))
    x, last, age = (_column.astype(np.float64) for _column in _purchases(bases))
    logs = np.log(mixture.mbg)
    by_mbg = np.empty((len(bases), _PARAMETERS))
    for i in range(_PARAMETERS):
        step = np.zeros(_PARAMETERS)
        step[i] = _STEP
        up, down = (
            _logit(silent_probabilities(x, last, age, mixture.blend[3], MbgParameters(*np.exp(logs + sign * step))))
            for sign in (1.0, -1.0)
        )
        by_mbg[:, i] = (up - down) / (2.0 * _STEP)
    anchor = silent_probabilities(x, last, age, mixture.blend[3], MbgParameters(*mixture.mbg.tolist()))
    return _Slopes(by_hazard, SHARE_OF_DIRECT * now, by_mbg, own, anchor)


def _purchases(bases: NDArray[np.float32]) -> tuple[Floats, Floats, Floats]:
    """As MBG/NBD reads them: purchases after the first, weeks to the latest, weeks until now."""
    recency, tenure = bases[:, RECENCY_COLUMN].astype(np.float64), bases[:, TENURE_COLUMN].astype(np.float64)
    last = np.maximum(tenure - recency, 0.0)
    more = np.maximum(bases[:, DAYS_COLUMN].astype(np.float64) - 1.0, 0.0)
    return more, last / DAYS_A_WEEK, np.maximum(tenure, last) / DAYS_A_WEEK


@compiled
def _rows(bases: Any, mixture: Any, out: Any) -> None:
    work = workspace_for(mixture)
    for first in range(0, bases.shape[0], LANES):
        used = load_lanes(bases, first, work.bases)
        roll_hazard(mixture, work)
        for lane in range(used):
            for group in range(out.shape[1]):
                for i in range(out.shape[2]):
                    out[first + lane, group, i] = work.features[group, i, lane]


def _logit(p: Floats) -> Floats:
    clipped = np.clip(p, 1e-12, 1.0 - 1e-12)
    found: Floats = np.log(clipped / (1.0 - clipped))
    return found


def _sigmoid(z: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-np.clip(z, -30.0, 30.0)))
    return found
