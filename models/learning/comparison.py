"""Compares champion and challengers: loss differences per outcome window.

A window is the outcomes of all examples of one week (of one tick, if that is longer). The next one begins when every
outcome of the last is known: so windows never overlap, and a season that is kind to one of two equal models is one
observation and not thirteen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.churn.plain_data import is_finite
from models.churn.port import Outcomes
from models.churn.snapshot import SnapshotRefused
from models.learning.confidence_sequence import ALPHA, Evidence
from models.settings import WEEK, EngineSettings

SUREST: Final = 0.99
"""Forecasts are compared up to here: a single outcome can then say no more than ln 99. To clip the differences
themselves would favour whoever is too sure, whose many small gains would count in full and whose few great losses would
not."""
ENOUGH: Final = 100
"""Outcomes of a window that counts in full; one of fewer counts for as much less. Of weighed ones the effective number
counts, (sum of weights)² over the sum of their squares (Kish 1965, "Survey Sampling"): five of weight 20 are five."""


class Comparison:
    """The evidence of every challenger against one champion, since `since` (ms).

    The chance of ever being wrong is shared out among the challengers.
    """

    def __init__(self, settings: EngineSettings, champion: str, challengers: Iterable[str], since: int = 0) -> None:
        names = list(challengers)
        self.champion, self.since = champion, since
        self.evidence = {name: Evidence(ALPHA / len(names)) for name in names}
        self._length = max(WEEK, settings.tick)
        self._every = 1 - (-(settings.horizon + settings.lateness) // self._length)
        # window -> sums of weights, of differences
        self._open: dict[int, tuple[float, dict[str, float]]] = {}
        self._squares: dict[int, float] = {}  # of the weights, where they are not one

    def add(self, churned: Outcomes, expected: Mapping[str, NDArray[np.float64]]) -> None:
        """Outcomes with what each model had expected of them."""
        lengths = churned.observed_at // self._length
        counting = (lengths % self._every == 0) & (lengths * self._length >= self.since)
        if not self.evidence or not counting.any():
            return
        losses = {name: log_losses(expected[name], churned.truths) for name in (self.champion, *self.evidence)}
        counts = np.ones(len(lengths), dtype=np.int64) if churned.weights is None else churned.weights
        for window in np.unique(lengths[counting] // self._every).tolist():
            mine = counting & (lengths // self._every == window)
            outcomes, sums = self._open.get(window, (0, dict.fromkeys(self.evidence, 0.0)))
            for name in sums:
                sums[name] += float((counts * (losses[self.champion] - losses[name]))[mine].sum())
            if churned.weights is not None or window in self._squares:
                # Until then each weighed one.
                former = self._squares.get(window, outcomes)
                self._squares[window] = float(former + (counts[mine] ** 2).sum().item())
            self._open[window] = (outcomes + counts[mine].sum().item(), sums)

    def close(self, boundary: int) -> str | None:
        """Close the windows of which all outcomes are known. The challenger that should be champion, if there is."""
        over = sorted(window for window in self._open if (window + 1) * self._every * self._length <= boundary)
        for window in over:
            outcomes, sums = self._open.pop(window)
            each = self._squares.pop(window, outcomes) / outcomes if outcomes else 1.0
            for name, evidence in self.evidence.items():
                evidence.add(sums[name] / max(outcomes, ENOUGH * each))
        better = {name: (e.lower, e.gained, name) for name, e in self.evidence.items() if e.enough}
        return max(better, key=better.__getitem__) if better else None

    def state(self) -> dict[str, Any]:
        return {
            "since": self.since,
            "evidence": {name: evidence.state() for name, evidence in self.evidence.items()},
            "open": {
                str(window): {"outcomes": outcomes, "sums": sums.copy(), **self._weighed(window)}
                for window, (outcomes, sums) in sorted(self._open.items())
            },
        }

    def _weighed(self, window: int) -> dict[str, float]:
        return {"squares": self._squares[window]} if window in self._squares else {}

    def restore(self, state: Any) -> None:
        """Become the comparison of the state, of the same champion. Raises SnapshotRefused, and is then of no use."""
        if not isinstance(state, dict) or type(since := state.get("since")) is not int:
            raise SnapshotRefused(f"{state!r:.100} is no comparison")
        stored, windows = state.get("evidence"), state.get("open")
        if not isinstance(stored, dict) or stored.keys() != self.evidence.keys():
            raise SnapshotRefused(f"evidence must be that of {[*self.evidence]}")
        if not isinstance(windows, dict) or not all(map(self._is_window, windows.items())):
            raise SnapshotRefused(f"the open windows are {windows!r:.200}; they must hold outcomes and sums of each")
        for name, evidence in self.evidence.items():
            evidence.restore(stored[name])
        self.since = since
        self._open = {int(window): (found["outcomes"], dict(found["sums"])) for window, found in windows.items()}
        self._squares = {int(window): found["squares"] for window, found in windows.items() if "squares" in found}

    def _is_window(self, item: tuple[Any, Any]) -> bool:
        window, found = item
        if not isinstance(found, dict) or not (isinstance(window, str) and window.isdecimal()):
            return False
        outcomes: Any = found.get("outcomes")
        squares: Any = found.get("squares", 0.0)
        if not (is_finite(squares) and squares >= 0):
            return False
        sums = found.get("sums")
        of_all = isinstance(sums, dict) and sums.keys() == self.evidence.keys() and all(map(is_finite, sums.values()))
        return is_finite(outcomes) and outcomes >= 0 and of_all


def log_losses(expected: NDArray[np.float64], truths: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of probabilities of churn, each with what came; they count as no surer than `SUREST`."""
    of_what_came = np.where(truths, expected, 1.0 - expected)
    losses: NDArray[np.float64] = -np.log(np.clip(of_what_came, 1.0 - SUREST, SUREST))
    return losses
