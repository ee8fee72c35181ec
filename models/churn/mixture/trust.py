"""Weight of MBG/NBD in the churn level: less when its past levels were further off than the learners'.

MBG/NBD does not know gaps that are even: of customers who renew every month it takes far too many for lost, and goes on
so. The season makes it err, too, but by less and not for long, and then the learners, who know the season's labels a
horizon late, would err more. So it loses its say only when it has been off by much more than the learners.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.churn.plain_data import number, numbers
from models.churn.snapshot import SnapshotRefused
from models.settings import WEEK

MUCH, TOO_MUCH = 0.1, 0.2
"""By how much more than the learners' it may be off, and by how much it has no say at all. On the logs at hand a season
made it .13 at most."""
MEMORY: Final = 2.0
"""Horizons in which what is known of an error fades by half."""
FEW: Final = 100.0
"""Labels: an error known from so many counts half."""
_SLACK: Final = 3 * WEEK
_MOST_LABELS = 1e12


class Trust:
    """What was said of the level at every weekly job, and what came of it. `horizon` in ms."""

    def __init__(self, horizon: int) -> None:
        self._horizon = horizon
        self._boundaries: list[int] = []
        self._anchor: list[float] = []
        self._own: list[float] = []
        self._labels, self._anchor_off, self._own_off = 0.0, 0.0, 0.0

    def note(self, boundary: int, anchor: float, own: float) -> None:
        """The levels at a boundary, by MBG/NBD and by the learners."""
        if self._boundaries:
            faded = 2.0 ** (-(boundary - self._boundaries[-1]) / (MEMORY * self._horizon))
            self._labels, self._anchor_off, self._own_off = (
                faded * known for known in (self._labels, self._anchor_off, self._own_off)
            )
        self._boundaries.append(boundary)
        self._anchor.append(anchor)
        self._own.append(own)
        while self._boundaries[1:] and self._boundaries[1] <= boundary - 2 * self._horizon - _SLACK:
            del self._boundaries[0], self._anchor[0], self._own[0]

    def learn(
        self, observed_at: NDArray[np.int64], truths: NDArray[np.bool_], weights: NDArray[np.float64] | None = None
    ) -> None:
        """Labels of the horizon, compared with the levels at the time of their observation, shapes (rows,). weights:
        how often each counts; None: once."""
        counts = [1.0] * len(truths) if weights is None else weights.tolist()
        indices = np.searchsorted(np.array(self._boundaries, dtype=np.int64), observed_at, side="right") - 1
        for index, truth, count in zip(indices.tolist(), truths.tolist(), counts, strict=True):
            if index >= 0:
                self._labels += count
                self._anchor_off += count * (truth - self._anchor[index])
                self._own_off += count * (truth - self._own[index])

    @property
    def lost(self) -> float:
        """The share of its say that MBG/NBD has lost, from 0 to 1."""
        worse = (abs(self._anchor_off) - abs(self._own_off)) / (self._labels + FEW)
        return min(max((worse - MUCH) / (TOO_MUCH - MUCH), 0.0), 1.0)

    def state(self) -> dict[str, Any]:
        return {
            "boundaries": self._boundaries.copy(),
            "anchor": self._anchor.copy(),
            "own": self._own.copy(),
            "labels": self._labels,
            "anchor_off": self._anchor_off,
            "own_off": self._own_off,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the trust of the state. Raises SnapshotRefused, changing nothing."""
        boundaries = state.get("boundaries")
        if not isinstance(boundaries, list) or not all(type(b) is int and 0 <= b < 2**62 for b in boundaries):
            raise SnapshotRefused(f"the levels' boundaries are {boundaries!r:.100}; they must be times")
        anchor, own = (numbers(state, name, len(boundaries), 0.0).tolist() for name in ("anchor", "own"))
        labels = number(state, "labels", 0.0, _MOST_LABELS)
        anchor_off, own_off = (number(state, name, -labels - 1.0, labels + 1.0) for name in ("anchor_off", "own_off"))
        self._boundaries, self._anchor, self._own = boundaries, anchor, own
        self._labels, self._anchor_off, self._own_off = labels, anchor_off, own_off
