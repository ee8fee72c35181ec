"""Predicts when a silent customer's risk reaches the threshold: the first minute at which it does.

Risk is not monotone in silence: a regular buyer's falls just before their usual day, and rises behind it. So bisection
over all of the future may find a later crossing, or a downward one. Here a silence is cut into stretches of a day at
most; in the first one that ends with the risk at the threshold the crossing is found by interpolation. Customers of
whom a bound says that their risk stays below the threshold are not looked at so closely. All is computed for customers
side by side, each in a lane of a `Workspace`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.bound import highest_probability
from models.churn.mixture.probability import Mixture, Workspace, score, workspace_for
from models.churn.port import Scorer
from models.customer.layout import BASIS
from models.features.columns import load_lanes
from models.features.silence import roll, rolled
from models.numerics.compiled import LANES, compiled, linked
from models.settings import DAY, MINUTE, SECOND

STRETCH: Final = 7 * DAY
"""The longest silence that is bounded at once, or cut into halves, and these again."""
SHORTEST: Final = DAY
"""A stretch that is not halved any more."""
_SECONDS = MINUTE // SECOND
_BEFORE, _AFTER = range(2)
NEVER_REACHED: Final = float("inf")
"""In place of a threshold: there is none."""


class Ahead(NamedTuple):
    """Customers whose silence is looked ahead of, in columns.

    bases: as of now, shape (rows, BASIS). nows: ms. ticks: when the risk is estimated next, ms; 0: no crossing is
    looked for. reached: the highest threshold that has asked, 0.0: none. exits: of whose risk is below it, none has.
    ladders: which of the ladders is whose. Each of shape (rows,).
    """

    bases: NDArray[np.float32]
    nows: NDArray[np.int64]
    ticks: NDArray[np.int64]
    reached: NDArray[np.float64]
    exits: NDArray[np.float64]
    ladders: NDArray[np.int64]


class Looks(NamedTuple):
    """What two looks are calculated in."""

    here: Workspace
    there: Workspace


@compiled
def looks_for(mixture: Mixture) -> Looks:
    return Looks(workspace_for(mixture), workspace_for(mixture))


@compiled
def target_of(risk: float, reached: float, leave: float, ladder: Any) -> float:
    """The next threshold of a customer, above their risk and above what has asked; inf: none.

    Args:
        risk: of now.
        reached: the highest threshold that has asked. leave: a risk below it clears that.
        ladder: thresholds, ascending, inf where there are no more; shape (LEVELS,).
    """
    least = risk if risk < leave else max(risk, reached)
    for i in range(ladder.shape[0]):
        if ladder[i] > least:
            return float(ladder[i])
    return NEVER_REACHED


@linked
def foresee(ahead: Ahead, ladders: Any, mixture: Mixture, looks: Looks, probabilities: Any, crossings: Any) -> None:
    """Probabilities of churn, and the first upward crossing of each customer after now and before their tick.

    Args:
        ahead: the customers.
        ladders: thresholds, probabilities, ascending, inf where there are no more; shape (ladders, LEVELS).
        mixture: the scorer.
        looks: to calculate in.
        probabilities: takes the risk of now, shape (rows,).
        crossings: takes the first whole minute at which the risk is at the threshold, as seconds since the epoch; 0:
            there is none. Shape (rows,).
    """
    here, there = looks.here, looks.there
    days, bounds, targets = np.zeros(LANES), np.zeros(LANES), np.empty(ahead.nows.shape[0])
    unsure, n = np.empty(ahead.nows.shape[0], dtype=np.int64), 0
    for first in range(0, ahead.nows.shape[0], LANES):
        used = load_lanes(ahead.bases, first, here.bases)
        score(mixture, here)
        longest = 0.0
        for lane in range(used):
            row = first + lane
            crossings[row], probabilities[row], days[lane] = 0, here.probabilities[lane], 0.0
            ladder = ladders[ahead.ladders[row]]
            targets[row] = target_of(probabilities[row], ahead.reached[row], ahead.exits[row], ladder)
            if ahead.ticks[row] != 0 and targets[row] < NEVER_REACHED:
                now = ahead.nows[row]
                days[lane] = max(_week_after(now, _last_minute(ahead.ticks[row])) - now, 0) / DAY
                longest = max(longest, days[lane])
        if longest == 0.0:
            continue
        roll(here.bases, days, there.bases)
        score(mixture, there)
        highest_probability(mixture, here, there, bounds)
        for lane in range(used):
            row = first + lane
            if days[lane] > 0.0:
                last = _last_minute(ahead.ticks[row])
                more = _week_after(ahead.nows[row], last) < last
                if more or there.probabilities[lane] >= targets[row] or bounds[lane] >= targets[row]:
                    unsure[n] = row
                    n += 1
    for first in range(0, n, LANES):
        _search(ahead, unsure[first : min(first + LANES, n)], targets, mixture, looks, probabilities, crossings)


@compiled
def _last_minute(tick: int) -> int:
    """The last whole minute before a tick, ms."""
    return (tick - 1) // MINUTE * MINUTE


@compiled
def _week_after(time: int, last: int) -> int:
    """A `STRETCH` later, or `last`."""
    return min((time + STRETCH) // MINUTE * MINUTE, last)


@compiled
def _next_end(now: int, at: int, last: int) -> int:
    """Of the stretches into which a silence from `now` to `last` is cut, the end of the one that begins `at`."""
    begin, end = now, _week_after(now, last)
    while end <= at:
        begin, end = end, _week_after(end, last)
    while end - begin > SHORTEST:
        middle = (begin + end) // (2 * MINUTE) * MINUTE
        if at < middle:
            end = middle
        else:
            begin = middle
    return end


@linked
def _search(
    ahead: Ahead, rows: Any, targets: Any, mixture: Mixture, looks: Looks, probabilities: Any, crossings: Any
) -> None:
    """`foresee` for a few `rows`, LANES at most, whose risk of now is known: what it finds."""
    here, there = looks.here, looks.there
    times, risks, days = np.zeros((2, LANES), dtype=np.int64), np.zeros((2, LANES)), np.zeros(LANES)
    chosen, searched = np.empty((rows.shape[0], BASIS), dtype=np.float32), rows.shape[0]
    found = np.zeros(LANES, dtype=np.bool_)
    for lane in range(rows.shape[0]):
        row = rows[lane]
        for i in range(BASIS):
            chosen[lane, i] = ahead.bases[row, i]
        times[_BEFORE, lane], risks[_BEFORE, lane] = ahead.nows[row], probabilities[row]
    load_lanes(chosen, 0, here.bases)
    while searched:
        searched = 0
        for lane in range(rows.shape[0]):
            now, last = ahead.nows[rows[lane]], _last_minute(ahead.ticks[rows[lane]])
            if not found[lane] and times[_BEFORE, lane] < last:
                times[_AFTER, lane] = _next_end(now, times[_BEFORE, lane], last)
                days[lane] = (times[_AFTER, lane] - now) / DAY
                searched += 1
        if searched:
            roll(here.bases, days, there.bases)
            score(mixture, there)
        for lane in range(rows.shape[0]):
            if not found[lane] and times[_BEFORE, lane] < times[_AFTER, lane]:
                if there.probabilities[lane] >= targets[rows[lane]]:
                    found[lane], risks[_AFTER, lane] = True, there.probabilities[lane]
                else:
                    times[_BEFORE, lane], risks[_BEFORE, lane] = times[_AFTER, lane], there.probabilities[lane]
    _narrow(ahead.nows[rows], targets[rows], times, risks, found, mixture, looks)
    for lane in range(rows.shape[0]):
        if found[lane]:
            crossings[rows[lane]] = times[_AFTER, lane] // SECOND


@linked
def _narrow(nows: Any, targets: Any, times: Any, risks: Any, found: Any, mixture: Mixture, looks: Looks) -> None:
    """Bring `times`, between which the risk crosses, to a minute of each other, by regula falsi, and a bisection in
    between where a bracket is bent.

    Args:
        nows: when the bases of `looks.here` are as of, ms, shape (lanes in use,).
        times, risks: before and after the crossing, shape (2, LANES).
        targets: the threshold of each, shape (lanes in use,).
        found: whether there is one, shape (LANES,).
        mixture, looks: as for `foresee`.
    """
    here, there = looks.here, looks.there
    middle, days = np.zeros(LANES, dtype=np.int64), np.zeros(LANES)
    step, left = 0, 1
    while left:
        step += 1
        left = 0
        for lane in range(nows.shape[0]):
            first, last = times[_BEFORE, lane] // MINUTE, times[_AFTER, lane] // MINUTE
            middle[lane] = last
            if found[lane] and last - first > 1:
                low, high = risks[_BEFORE, lane], risks[_AFTER, lane]
                share = 0.5 if step % 3 == 0 else (targets[lane] - low) / (high - low)
                middle[lane] = min(max(first + int((last - first) * share), first + 1), last - 1)
                days[lane] = (middle[lane] * MINUTE - nows[lane]) / DAY
                left += 1
        if left:
            roll(here.bases, days, there.bases)
            score(mixture, there)
        for lane in range(nows.shape[0]):
            time, risk = middle[lane] * MINUTE, there.probabilities[lane]
            if time < times[_AFTER, lane]:
                side = _AFTER if risk >= targets[lane] else _BEFORE
                times[side, lane], risks[side, lane] = time, risk


def crossings_of(
    scorer: Scorer,
    bases: NDArray[np.float32],
    nows: NDArray[np.int64],
    ticks: NDArray[np.float64],
    enter: NDArray[np.float64] | float,
) -> NDArray[np.int64]:
    """The same by any scorer, which has no bound: day by day, and then by bisection.

    Args:
        scorer: any.
        bases: shape (rows, BASIS); the risk of each is below `enter`.
        nows, ticks: log times, ms, shape (rows,).
        enter: the threshold, a probability: of all, or of each, shape (rows,).

    Returns:
        Seconds since the epoch, 0 where there is no crossing; shape (rows,).
    """
    enters = np.broadcast_to(np.asarray(enter), len(bases))
    last = (ticks.astype(np.int64) - 1) // MINUTE
    before = nows // MINUTE
    at = before.copy()
    found = np.zeros(len(bases), dtype=np.bool_)

    def reached(rows: NDArray[np.int64], minutes: NDArray[np.int64]) -> NDArray[np.bool_]:
        return scorer.score(rolled(bases[rows], (minutes * MINUTE - nows[rows]) / DAY)) >= enters[rows]

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
