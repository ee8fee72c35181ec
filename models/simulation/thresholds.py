"""What thresholds would have done on a log: how early they speak, how often rightly, and how many losses they see.

A *silence* is the time from a customer's last sign of staying to the next one. It is *lost* when it lasted the whole
horizon. A threshold speaks once in a silence, at its first tick with a risk that high. How long that took is told in
days and in the customer's *own gaps*: the mean distance of the days on which they had given a sign, so that one who
buys weekly and one who buys twice a year can be put side by side.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.settings import DAY

EARLY_GAPS: Final = 2.0
"""A loss is seen early within so many own gaps: most who come back do so before."""

NEVER: Final = np.iinfo(np.int64).max


class Silences(NamedTuple):
    """Ticks at which customers were silent, in columns of shape (ticks,); times in ms.

    silence: a number for each silence. tick: rising within a silence. risk: the probability of churn predicted then.
    since: the sign before it. until: the next sign's day, `NEVER` if the log has none. days: on how many days the
    customer had given a sign. gap: their mean distance, in days; nan after the first. decided: the log goes on for a
    horizon from the tick on.
    """

    silence: NDArray[np.int64]
    tick: NDArray[np.int64]
    risk: NDArray[np.float64]
    since: NDArray[np.int64]
    until: NDArray[np.int64]
    days: NDArray[np.int64]
    gap: NDArray[np.float64]
    decided: NDArray[np.bool_]

    def where(self, rows: NDArray[Any]) -> Silences:
        """Some of the ticks, by a mask or by their numbers."""
        return Silences(*(column[rows] for column in self))


class Operating(NamedTuple):
    """What a threshold would have done. Shares are of 1; nan where there is nothing to share.

    first: silences in which it spoke, with the horizon after it in the log. left: the share of them whose customer gave
    no sign within it. median_days, median_gaps: how long the customer had been silent. lost: silences that lasted the
    horizon, whatever was said. caught: the share of these in which it spoke at all; early: in which it did so within
    `EARLY_GAPS` own gaps, of those that have a gap.
    """

    threshold: float
    first: int
    left: float
    median_days: float
    median_gaps: float
    lost: int
    caught: float
    early: float


def operating(silences: Silences, threshold: float, horizon: int, end: int) -> Operating:
    """What a threshold would have done.

    Args:
        silences: of the customers in question.
        threshold: a risk.
        horizon: ms without a sign after which a customer has left.
        end: of the log, ms.
    """
    spoke = _firsts(silences.where(silences.risk >= threshold))
    known = spoke.where(spoke.decided)
    ends = silences.since + horizon
    lost = np.unique(silences.silence[(ends <= end) & (silences.until >= ends)])
    with_gap = lost[np.isin(lost, silences.silence[~np.isnan(silences.gap)])]
    gaps = _own_gaps(known)
    return Operating(
        threshold,
        len(known.tick),
        _mean(known.until >= known.tick + horizon),
        _median((known.tick - known.since) / DAY),
        _median(gaps[~np.isnan(gaps)]),
        len(lost),
        _mean(np.isin(lost, spoke.silence)),
        _mean(np.isin(with_gap, spoke.silence[_own_gaps(spoke) <= EARLY_GAPS])),
    )


def _firsts(silences: Silences) -> Silences:
    """The first tick of each silence."""
    order = np.lexsort((silences.tick, silences.silence))
    _, first = np.unique(silences.silence[order], return_index=True)
    return silences.where(order[first])


def _own_gaps(silences: Silences) -> NDArray[np.float64]:
    """How long the customers had been silent, in their own gaps; nan where there was none."""
    return np.asarray((silences.tick - silences.since) / DAY / silences.gap)


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if len(values) else float("nan")
