"""The main churn model, scoring: three estimates pooled into one probability. Compiled, without state.

P(no sign of staying within the horizon | silent from now on) is estimated thrice: by the weekly hazard, rolled forward
under silence and cumulated; by the direct learner, which corrects the hazard's logit where its labels say so; and by
MBG/NBD, which needs no labels. The mixture is of logits (a logarithmic opinion pool: Genest and Zidek 1986, "Combining
probability distributions", Statistical Science 1), shifted so that its mean is the one the level says.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.anchor import anchor
from models.customer.layout import BASIS
from models.features.columns import ROOM, WIDTH, load_lanes, moving, steady
from models.numerics.compiled import LANES, compiled, inlined, linked
from models.numerics.lanes import exp, ln

SHARE_OF_DIRECT: Final = 0.25
"""Of the direct learner's correction to the hazard's logit."""

DAYS_A_WEEK: Final = 7.0
LEAST_ETA: Final = -15.0
MOST_ETA: Final = 3.0
"""Bounds of the log of a tick's hazard."""
_LEAST_HAZARD, _MOST_HAZARD = 1e-4, 9.2
_LEAST_PROBABILITY = 1e-4
_MOST_LOGIT = 30.0
_WIDEST_GROUP = 8.0

if WIDTH % 4:
    raise ImportError(f"{WIDTH} weights; `dot` takes them four at a time")


class Mixture(NamedTuple):
    """A version, as compiled code reads it.

    hazard, direct: weights of shape (WIDTH,), the constant's first. means: of shape (MEANS,). mbg: r, alpha, a, b.
    widths, rolls: of `quadrature`. blend: (share of the MBG logit, shift, 1 once the learners count, horizon in weeks).
    """

    hazard: NDArray[np.float64]
    direct: NDArray[np.float64]
    means: NDArray[np.float64]
    mbg: NDArray[np.float64]
    widths: NDArray[np.float64]
    rolls: NDArray[np.float64]
    blend: NDArray[np.float64]


NO_MIXTURE: Final = Mixture(*(np.zeros(0) for _ in Mixture._fields))
"""Stands where the scorer is another one."""


def quadrature(horizon_days: float, tick_days: float = DAYS_A_WEEK) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ticks ahead in groups of 1, 2, 4, 8, 8, ... ticks: their widths, in ticks, and the days to their middles.

    The hazard changes the less the longer the silence: with weights as learners find them a probability is that of all
    ticks within .012, in the median within .0003.

    >>> [part.tolist() for part in quadrature(91.0)]
    [[1.0, 2.0, 4.0, 6.0], [0.0, 10.5, 31.5, 66.5]]
    """
    ticks = horizon_days / tick_days
    widths: list[float] = []
    rolls: list[float] = []
    at, wide = 0.0, 1.0
    while at < ticks - 1e-9:
        width, wide = min(wide, ticks - at), min(2.0 * wide, _WIDEST_GROUP)
        if ticks - at - width < 0.34 * wide:  # the next group would have so small a share of its width
            width = ticks - at
        widths.append(width)
        rolls.append(tick_days * max(at + (width - 1.0) / 2.0, 0.0))
        at += width
    return np.array(widths), np.array(rolls)


class Workspace(NamedTuple):
    """Where customers are scored side by side, each in a lane, with all that a score follows from.

    bases: shape (BASIS, LANES). features: at every group of ticks, shape (groups, ROOM, LANES). means: those that they
    are centred on, shape (MEANS, LANES). cumulated: expected purchases within the horizon, if silence goes on. hazards:
    the logit of none of them. learners: the logit of churn by both learners. anchors: MBG/NBD's probability of churn.
    probabilities: of churn. Each of shape (LANES,). sums: to calculate in, shape (4, LANES).
    """

    bases: NDArray[np.float64]
    features: NDArray[np.float64]
    means: NDArray[np.float64]
    cumulated: NDArray[np.float64]
    hazards: NDArray[np.float64]
    learners: NDArray[np.float64]
    anchors: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    sums: NDArray[np.float64]


@compiled
def workspace_for(mixture: Mixture) -> Workspace:
    """For scores of a mixture. A lane that no customer is in holds numbers that raise nothing."""
    means = np.empty((mixture.means.shape[0], LANES))
    for i in range(means.shape[0]):
        for lane in range(LANES):
            means[i, lane] = mixture.means[i]
    return Workspace(
        np.zeros((BASIS, LANES)),
        np.zeros((mixture.rolls.shape[0], ROOM, LANES)),
        means,
        np.zeros(LANES),
        np.zeros(LANES),
        np.zeros(LANES),
        np.zeros(LANES),
        np.zeros(LANES),
        np.zeros((4, LANES)),
    )


@linked
def dot(weights: Any, x: Any, sums: Any) -> None:
    """w·x of every lane into `sums[0]`; in four sums side by side: the processor need not wait for one addition before
    the next.

    Args:
        weights: shape (WIDTH,).
        x: shape (WIDTH or more, LANES).
        sums: shape (4, LANES).
    """
    for k in range(4):
        for lane in range(LANES):
            sums[k, lane] = 0.0
    for i in range(0, WIDTH, 4):
        for k in range(4):
            weight = weights[i + k]
            for lane in range(LANES):
                sums[k, lane] += weight * x[i + k, lane]
    for lane in range(LANES):
        sums[0, lane] = (sums[0, lane] + sums[1, lane]) + (sums[2, lane] + sums[3, lane])


@linked
def roll_hazard(mixture: Mixture, work: Workspace) -> None:
    """Features, cumulated hazards and their logits, of the workspace's bases."""
    features, cumulated = work.features, work.cumulated
    groups = mixture.rolls.shape[0]
    steady(work.bases, work.means, features[0])
    for group in range(1, groups):
        for i in range(ROOM):
            for lane in range(LANES):
                features[group, i, lane] = features[0, i, lane]
    for lane in range(LANES):
        cumulated[lane] = 0.0
    for group in range(groups):
        moving(work.bases, mixture.rolls[group], features[group])
        dot(mixture.hazard, features[group], work.sums)
        for lane in range(LANES):
            cumulated[lane] += mixture.widths[group] * hazard_of(work.sums[0, lane])
    for lane in range(LANES):
        work.hazards[lane] = logit_of_none(cumulated[lane])


@linked
def weigh(mixture: Mixture, work: Workspace) -> None:
    """All but the pool: the learners' logits and MBG/NBD's probabilities, of the workspace's bases."""
    roll_hazard(mixture, work)
    dot(mixture.direct, work.features[0], work.sums)
    for lane in range(LANES):
        work.learners[lane] = work.hazards[lane] + SHARE_OF_DIRECT * work.sums[0, lane]
    anchor(work.bases, mixture.blend[3], mixture.mbg, work.anchors)


@linked
def score(mixture: Mixture, work: Workspace) -> None:
    """Probabilities of churn, of the workspace's bases."""
    weigh(mixture, work)
    for lane in range(LANES):
        work.probabilities[lane] = pooled(work.learners[lane], work.anchors[lane], mixture.blend)


@inlined
def hazard_of(eta: float) -> float:
    """A tick's expected purchases from their log."""
    return exp(min(max(eta, LEAST_ETA), MOST_ETA))


@inlined
def logit_of_none(cumulated: float) -> float:
    """Logit of exp(-cumulated), the probability of no purchase."""
    return -ln(exp(min(max(cumulated, _LEAST_HAZARD), _MOST_HAZARD)) - 1.0)


@inlined
def logit(p: float) -> float:
    p = min(max(p, _LEAST_PROBABILITY), 1.0 - _LEAST_PROBABILITY)
    return ln(p / (1.0 - p))


@inlined
def sigmoid(z: float) -> float:
    return 1.0 / (1.0 + exp(-min(max(z, -_MOST_LOGIT), _MOST_LOGIT)))


@inlined
def pooled(learners: float, by_mbg: float, blend: Any) -> float:
    """The probability from the learners' logit, which counts once they have learned, and from MBG/NBD's."""
    share, shift, learned = blend[0], blend[1], blend[2]
    z = (1.0 - share) * learners if learned != 0.0 else 0.0
    return sigmoid(z + share * logit(by_mbg) + shift)


@linked
def write_probabilities(bases: Any, mixture: Mixture, out: Any) -> None:
    """`probabilities`, into an array of shape (rows,)."""
    work = workspace_for(mixture)
    for first in range(0, bases.shape[0], LANES):
        used = load_lanes(bases, first, work.bases)
        score(mixture, work)
        for lane in range(used):
            out[first + lane] = work.probabilities[lane]


def probabilities(bases: NDArray[np.float32], mixture: Mixture) -> NDArray[np.float64]:
    """Probabilities of churn, shape (rows,), of bases of shape (rows, BASIS)."""
    out = np.empty(len(bases))
    write_probabilities(np.ascontiguousarray(bases), mixture, out)
    return out


class Parts(NamedTuple):
    """What a probability is made of, each of shape (rows,): the hazard's logit, which the direct learner corrects; the
    learners' logit, with that correction; MBG/NBD's probability."""

    hazards: NDArray[np.float64]
    learners: NDArray[np.float64]
    anchors: NDArray[np.float64]


@compiled
def _parts(bases: Any, mixture: Mixture, out: Parts) -> None:
    work = workspace_for(mixture)
    for first in range(0, bases.shape[0], LANES):
        used = load_lanes(bases, first, work.bases)
        weigh(mixture, work)
        for lane in range(used):
            out.hazards[first + lane] = work.hazards[lane]
            out.learners[first + lane] = work.learners[lane]
            out.anchors[first + lane] = work.anchors[lane]


def parts(bases: NDArray[np.float32], mixture: Mixture) -> Parts:
    """Of bases of shape (rows, BASIS)."""
    out = Parts(*(np.empty(len(bases)) for _ in Parts._fields))
    _parts(np.ascontiguousarray(bases), mixture, out)
    return out
