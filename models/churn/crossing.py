"""Predicts when a silent customer's risk reaches the threshold: the first minute at which it does.

Risk is not monotone in silence: a regular buyer's falls just before their usual day, and rises behind it. So bisection
over all of the future may find a later crossing, or a downward one. Here a stretch of silence is left out when a bound
says that risk stays below the threshold in it, and is halved where the bound does not say so, its earlier half first;
in a stretch of a day at most that ends above the threshold the crossing is found by interpolation.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.probability import (
    LEAST_ETA,
    MOST_ETA,
    SHARE_OF_DIRECT,
    Mixture,
    Workspace,
    logit_of_none,
    pooled,
    probability,
    workspace_for,
)
from models.churn.port import Scorer
from models.features.columns import LOG_RECENCY, RENEWAL, ROOM, SPREAD, WIDTH
from models.features.silence import roll, rolled
from models.numerics.compiled import compiled
from models.numerics.maths import exp
from models.settings import DAY, MINUTE, SECOND

_ROUNDING: Final = 1e-6
"""Of probabilities, from bases being float32."""
STRETCH: Final = 7 * DAY
"""The longest silence that is bounded at once."""
SHORTEST: Final = DAY
"""A stretch that is not halved any more."""
_MOST_OVERSHOOT: Final = 1.0
_CURVATURE: Final = 0.1
"""The most by which `renewal`, which has one peak, is higher within a stretch than at both its ends; and that share of
the square of how many of a gap's standard deviations the stretch is long. Both rounded up from what there can be."""
_SECONDS = MINUTE // SECOND
_ENDS: Final = 6
"""Slots of a workspace: where the stretch begins; the ends of the longest and of its halves; where one looks closer."""
_CLOSER: Final = _ENDS - 1

if STRETCH / 2 ** (_ENDS - 3) > SHORTEST:
    raise ImportError(f"{_ENDS} slots are too few to halve {STRETCH} ms down to {SHORTEST} ms")


def new_workspace(mixture: Mixture) -> Workspace:
    """A workspace for a score, at slot 0, and for the look ahead that begins with it."""
    return workspace_for(mixture, _ENDS)


@compiled
def overshoot(x: Any, y: Any) -> float:
    """An upper bound of how far `renewal` may be, between two rows, above both of them."""
    gaps: float = (y[LOG_RECENCY] - x[LOG_RECENCY]) / x[SPREAD]
    return min(_CURVATURE * gaps * gaps, _MOST_OVERSHOOT)


@compiled
def highest_probability(mixture: Mixture, workspace: Workspace, end: int) -> float:
    """An upper bound of the probability between the slots 0 and `end` of the workspace, a `STRETCH` apart at most.

    All features but one are monotone in silence: each counts with that of its two values which makes for more risk.
    """
    cumulated, correction = 0.0, 0.0
    for group in range(mixture.rolls.shape[0]):
        x, y = workspace.rows[0, group], workspace.rows[end, group]
        eta, other = 0.0, 0.0
        for i in range(0, WIDTH, 2):
            w, v = mixture.hazard[i], mixture.hazard[i + 1]
            eta += min(w * x[i], w * y[i])
            other += min(v * x[i + 1], v * y[i + 1])
        eta += other + min(mixture.hazard[RENEWAL], 0.0) * overshoot(x, y)
        cumulated += mixture.widths[group] * exp(min(max(eta, LEAST_ETA), MOST_ETA))
    x, y = workspace.rows[0, 0], workspace.rows[end, 0]
    for i in range(WIDTH):
        w = mixture.direct[i]
        correction += max(w * x[i], w * y[i])
    correction += max(mixture.direct[RENEWAL], 0.0) * overshoot(x, y)
    learners = logit_of_none(cumulated) + SHARE_OF_DIRECT * correction
    return pooled(learners, max(workspace.anchors[0], workspace.anchors[end]), mixture) + _ROUNDING


@compiled
def _look(basis: Any, now: int, at: int, mixture: Mixture, workspace: Workspace, end: int) -> float:
    """The risk if silence goes on from `now` to `at` (ms), left in the workspace at `end`."""
    roll(basis, (at - now) / DAY, workspace.basis)
    return probability(workspace.basis, mixture, workspace, end)


@compiled
def crossing_time(
    basis: Any, risk: float, now: int, tick: int, enter: float, mixture: Mixture, workspace: Workspace
) -> int:
    """The first upward crossing after `now` and before `tick`.

    Args:
        basis: as of now, shape (BASIS,).
        risk: that of now, below `enter`, and still in the workspace at slot 0 (`probability`).
        now, tick: log times, ms.
        enter: the threshold, a probability.
        mixture, workspace: the scorer, and what it calculates in.

    Returns:
        The first whole minute at which risk is at the threshold, as seconds since the epoch; 0: there is none.
    """
    last = (tick - 1) // MINUTE * MINUTE
    at, risks = np.zeros(_ENDS, dtype=np.int64), np.zeros(_ENDS)
    at[0], risks[0] = now, risk
    end = 0
    while True:
        if end == 0:  # nothing is left of the stretch
            if at[0] >= last:
                return 0
            end = 1
            at[1] = min((at[0] + STRETCH) // MINUTE * MINUTE, last)
            risks[1] = _look(basis, now, at[1], mixture, workspace, 1)
        if risks[end] >= enter or highest_probability(mixture, workspace, end) >= enter:
            if at[end] - at[0] > SHORTEST:
                end += 1
                at[end] = (at[0] + at[end - 1]) // (2 * MINUTE) * MINUTE
                risks[end] = _look(basis, now, at[end], mixture, workspace, end)
                continue
            if risks[end] >= enter:
                return _between(basis, now, at[0], risks[0], at[end], risks[end], enter, mixture, workspace)
        at[0], risks[0], workspace.anchors[0] = at[end], risks[end], workspace.anchors[end]
        for group in range(mixture.rolls.shape[0]):
            for i in range(ROOM):  # a loop: numba compiles a long way to say that two shapes differ
                workspace.rows[0, group, i] = workspace.rows[end, group, i]
        end -= 1


@compiled
def _between(
    basis: Any,
    now: int,
    before: int,
    low: float,
    at: int,
    high: float,
    enter: float,
    mixture: Mixture,
    workspace: Workspace,
) -> int:
    """The minute in which risk, `low` < `enter` at `before` and `high` >= `enter` at `at`, crosses; as seconds.

    By regula falsi, and a bisection in between where a bracket is bent."""
    step = 0
    first = before // MINUTE
    last = at // MINUTE
    while last - first > 1:
        step += 1
        share = 0.5 if step % 3 == 0 else (enter - low) / (high - low)
        middle = min(max(first + int((last - first) * share), first + 1), last - 1)
        risk = _look(basis, now, middle * MINUTE, mixture, workspace, _CLOSER)
        if risk >= enter:
            last, high = middle, risk
        else:
            first, low = middle, risk
    return last * _SECONDS


def crossings_of(
    scorer: Scorer, bases: NDArray[np.float32], nows: NDArray[np.int64], ticks: NDArray[np.float64], enter: float
) -> NDArray[np.int64]:
    """The same by any scorer, which has no bound: day by day, and then by bisection.

    Args:
        scorer: any.
        bases: shape (rows, BASIS); the risk of each is below `enter`.
        nows, ticks: log times, ms, shape (rows,).
        enter: the threshold, a probability.

    Returns:
        Seconds since the epoch, 0 where there is no crossing; shape (rows,).
    """
    last = (ticks.astype(np.int64) - 1) // MINUTE
    before = nows // MINUTE
    at = before.copy()
    found = np.zeros(len(bases), dtype=np.bool_)

    def reached(rows: NDArray[np.int64], minutes: NDArray[np.int64]) -> NDArray[np.bool_]:
        return scorer.score(rolled(bases[rows], (minutes * MINUTE - nows[rows]) / DAY)) >= enter

    open_ = np.flatnonzero(last > before)
    while open_.size:
        before[open_], at[open_] = at[open_], np.minimum(at[open_] + SHORTEST // MINUTE, last[open_])
        found[open_] = reached(open_, at[open_])
        open_ = open_[~found[open_] & (at[open_] < last[open_])]
    open_ = np.flatnonzero(found)
    while (open_ := open_[at[open_] - before[open_] > 1]).size:
        middle = (before[open_] + at[open_]) // 2
        there = reached(open_, middle)
        at[open_], before[open_] = np.where(there, middle, at[open_]), np.where(there, before[open_], middle)
    return np.where(found, at * _SECONDS, 0)
