"""The churn model port: what the engine and the learner need of a model, and nothing of how it works inside.

A *scorer* is a frozen version of a model: bases in, probabilities out, in columns; it is what every worker holds. A
*learner* is the one place where the model changes. Both pass through a snapshot: plain data, never pickle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Driver(NamedTuple):
    """One reason for a score: the feature, its contribution to the logit against the average customer, in words."""

    feature: str
    contribution: float
    words: str


class Scorer(Protocol):
    """A version of the model, able to score. The same basis gives the same bits, whatever the batch."""

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability of churn (no purchase within the horizon), shape (rows,), from bases of shape (rows, BASIS)."""

    def drivers(self, basis: NDArray[np.float32]) -> Iterator[Driver]:
        """What adds to one customer's risk, largest contribution first. Lazy: words cost more than numbers."""


class Learner(Protocol):
    """A model that learns. Examples come in the one deterministic order of the log."""

    def learn(self, bases: NDArray[np.float32], churned: Sequence[bool]) -> None:
        """Learn from examples in order: bases of shape (rows, BASIS), one label a row."""

    def snapshot(self) -> dict[str, Any]:
        """All of the model as plain data (JSON types), from which `restore` makes an equal model."""

    def restore(self, state: dict[str, Any]) -> None:
        """Become the model of the snapshot. Raises SnapshotRefused (models.churn.snapshot) when it does not fit."""

    def scorer(self) -> Scorer:
        """The model as it stands now, frozen."""
