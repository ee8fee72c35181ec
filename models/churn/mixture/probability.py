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

from models.churn.mbg.fit import silent_probability
from models.customer.layout import BASIS
from models.features.columns import ROOM, WIDTH, moving_row, steady_row
from models.numerics.compiled import compiled
from models.numerics.maths import exp, ln

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


@compiled
def dot(weights: Any, x: Any) -> float:
    """w·x in four sums side by side: the processor need not wait for one addition before the next."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for i in range(0, WIDTH, 4):
        a += weights[i] * x[i]
        b += weights[i + 1] * x[i + 1]
        c += weights[i + 2] * x[i + 2]
        d += weights[i + 3] * x[i + 3]
    return (a + b) + (c + d)


class Workspace(NamedTuple):
    """Where scores are computed, at several `ends`, each with what was found there: the features at every group of
    ticks, shape (ends, groups, ROOM); MBG/NBD's probability, shape (ends,); and a buffer for a basis, shape
    (BASIS,)."""

    rows: NDArray[np.float64]
    anchors: NDArray[np.float64]
    basis: NDArray[np.float32]


@compiled
def workspace_for(mixture: Mixture, ends: int) -> Workspace:
    return Workspace(np.empty((ends, mixture.rolls.shape[0], ROOM)), np.empty(ends), np.empty(BASIS, dtype=np.float32))


@compiled
def cumulated_hazard(basis: Any, mixture: Any, rows: Any) -> float:
    """Expected purchases within the horizon, if silence goes on. `rows`, shape (groups, ROOM), take the features."""
    total = 0.0
    steady_row(basis, mixture.means, rows[0])
    for group in range(1, mixture.rolls.shape[0]):
        for i in range(ROOM):
            rows[group, i] = rows[0, i]
    for group in range(mixture.rolls.shape[0]):
        x = rows[group]
        moving_row(basis, mixture.rolls[group], x)
        total += mixture.widths[group] * exp(min(max(dot(mixture.hazard, x), LEAST_ETA), MOST_ETA))
    return total


@compiled
def logit_of_none(cumulated: float) -> float:
    """Logit of exp(-cumulated), the probability of no purchase."""
    return -ln(exp(min(max(cumulated, _LEAST_HAZARD), _MOST_HAZARD)) - 1.0)


@compiled
def learners_logit(basis: Any, mixture: Any, rows: Any) -> float:
    """Logit of churn by both learners. `rows`: as for `cumulated_hazard`."""
    hazard = logit_of_none(cumulated_hazard(basis, mixture, rows))
    return hazard + SHARE_OF_DIRECT * dot(mixture.direct, rows[0])


@compiled
def mbg_probability(basis: Any, mixture: Any) -> float:
    """Probability of churn by MBG/NBD."""
    recency, tenure = np.float64(basis[0]), np.float64(basis[1])
    last = max(tenure - recency, 0.0) / DAYS_A_WEEK
    age = max(tenure, tenure - recency, 0.0) / DAYS_A_WEEK
    more = max(np.float64(basis[2]) - 1.0, 0.0)
    return silent_probability(more, last, age, mixture.blend[3], mixture.mbg)


@compiled
def logit(p: float) -> float:
    p = min(max(p, _LEAST_PROBABILITY), 1.0 - _LEAST_PROBABILITY)
    return ln(p / (1.0 - p))


@compiled
def sigmoid(z: float) -> float:
    return 1.0 / (1.0 + exp(-min(max(z, -_MOST_LOGIT), _MOST_LOGIT)))


@compiled
def pooled(learners: float, anchor: float, mixture: Any) -> float:
    """The probability from the learners' logit, which counts once they have learned, and from MBG/NBD's."""
    share, shift, learned = mixture.blend[0], mixture.blend[1], mixture.blend[2]
    z = (1.0 - share) * learners if learned != 0.0 else 0.0
    return sigmoid(z + share * logit(anchor) + shift)


@compiled
def probability(basis: Any, mixture: Any, workspace: Any, end: int) -> float:
    """Probability of churn. What it follows from stays in the workspace at `end`."""
    learners = learners_logit(basis, mixture, workspace.rows[end])
    workspace.anchors[end] = mbg_probability(basis, mixture)
    return pooled(learners, workspace.anchors[end], mixture)


@compiled
def _probabilities(bases: Any, mixture: Any, out: Any) -> None:
    workspace = workspace_for(mixture, 1)
    for row in range(bases.shape[0]):
        out[row] = probability(bases[row], mixture, workspace, 0)


def probabilities(bases: NDArray[np.float32], mixture: Mixture) -> NDArray[np.float64]:
    """Probabilities of churn, shape (rows,), of bases of shape (rows, BASIS)."""
    out = np.empty(len(bases))
    _probabilities(np.ascontiguousarray(bases), mixture, out)
    return out


@compiled
def parts(bases: Any, mixture: Any, learners: Any, anchor: Any) -> None:
    """Of each basis the learners' logit and MBG/NBD's probability, into arrays of shape (rows,)."""
    workspace = workspace_for(mixture, 1)
    for row in range(bases.shape[0]):
        learners[row] = learners_logit(bases[row], mixture, workspace.rows[0])
        anchor[row] = mbg_probability(bases[row], mixture)


@compiled
def offsets(bases: Any, mixture: Any, out: Any) -> None:
    """Of each basis the hazard's logit: what the direct learner's correction adds to."""
    workspace = workspace_for(mixture, 1)
    for row in range(bases.shape[0]):
        out[row] = logit_of_none(cumulated_hazard(bases[row], mixture, workspace.rows[0]))
