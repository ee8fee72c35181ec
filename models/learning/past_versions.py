"""Past model versions, one a week, so that a label is compared with what was predicted at its time.

An outcome is known a horizon after it was foretold. A model as it stands by then has learned from other customers what
the season was to bring, so to ask it now would flatter whoever follows the season fastest; quality is that of what was
said at the time (Dawid 1984, "Statistical theory: the prequential approach", Journal of the Royal Statistical Society
A 147).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.churn.port import Outcomes, Scorer
from models.churn.snapshot import SnapshotRefused
from models.settings import WEEK, EngineSettings
from models.timeline.boundaries import UNTRAINED

Versions = dict[str, dict[str, Any]]
"""Of each model, by name, what a scorer needs of it."""


class Past:
    """The versions of all models, one of each week, the oldest first.

    untaught: the models that have learned nothing, which foretold what was asked before the first week. read: makes a
    version's scorer.
    """

    def __init__(
        self, settings: EngineSettings, untaught: Versions, read: Callable[[Mapping[str, Any]], Scorer]
    ) -> None:
        self._keep = settings.horizon + settings.lateness + 2 * max(settings.tick, WEEK)
        self._names = untaught.keys()
        self._read = read
        self._boundaries = [UNTRAINED]
        self._versions = [untaught]
        self._scorers: dict[tuple[int, str], Scorer] = {}

    def note(self, boundary: int, versions: Callable[[], Versions]) -> None:
        """Called at every boundary, with what the models are once they have learned up to it; the first one of a week
        is kept. Those that no outcome to come can ask for are forgotten."""
        if boundary // WEEK == self._boundaries[-1] // WEEK:
            return
        self._boundaries.append(boundary)
        self._versions.append(versions())
        while self._boundaries[1] <= boundary - self._keep:
            for name in self._names:
                self._scorers.pop((self._boundaries[0], name), None)
            del self._boundaries[0], self._versions[0]

    def expected(self, churned: Outcomes) -> dict[str, NDArray[np.float64]]:
        """What each model expected of these outcomes, by the newest version that is no younger than their
        observation."""
        indices = np.maximum(np.searchsorted(self._boundaries, churned.observed_at, side="right") - 1, 0)
        forecasts = {name: np.empty(len(churned.observed_at)) for name in self._names}
        for index in np.unique(indices).tolist():
            rows = np.flatnonzero(indices == index)
            for name, expected in forecasts.items():
                expected[rows] = self._scorer(index, name).score(np.ascontiguousarray(churned.bases[rows]))
        return forecasts

    def _scorer(self, index: int, name: str) -> Scorer:
        key = (self._boundaries[index], name)
        if key not in self._scorers:
            self._scorers[key] = self._read(self._versions[index][name])
        return self._scorers[key]

    def state(self) -> dict[str, Any]:
        return {"boundaries": self._boundaries.copy(), "versions": self._versions.copy()}

    def restore(self, state: Any) -> None:
        """Become the past of the state. Raises SnapshotRefused, changing nothing."""
        boundaries = state.get("boundaries") if isinstance(state, dict) else None
        versions = state.get("versions") if isinstance(state, dict) else None
        if (
            not isinstance(boundaries, list)
            or not boundaries
            or not all(type(boundary) is int and boundary < 2**63 for boundary in boundaries)
            or boundaries != sorted(set(boundaries))
        ):
            raise SnapshotRefused(f"the past's boundaries are {boundaries!r:.100}; they must rise")
        if not isinstance(versions, list) or len(versions) != len(boundaries):
            raise SnapshotRefused("the past must hold the versions of each of its boundaries")
        for one in versions:
            if not isinstance(one, dict) or one.keys() != self._names:
                raise SnapshotRefused(f"the past must hold versions of {[*self._names]}")
            for model in one.values():
                self._read(model)
        self._boundaries, self._versions, self._scorers = boundaries, versions, {}
