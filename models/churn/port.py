"""The churn model port: the protocols `Scorer` and `Learner`, and the batch of labelled outcomes.

A *scorer* is a frozen version of a model: bases in, probabilities out, in columns; it is what every worker holds. A
*learner* is the one place where the model changes. Both pass through plain data, never pickle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.customer.layout import BASIS


class Outcomes(NamedTuple):
    """Matured labels of one kind, in the order of the log, in columns of shape (rows,).

    bases: the raw features, shape (rows, BASIS). observed_at: when they were observed, ms. truths: what came. weights:
    how often each counts; None: all count once.
    """

    customers: Sequence[bytes]
    bases: NDArray[np.float32]
    observed_at: NDArray[np.int64]
    truths: NDArray[np.bool_]
    weights: NDArray[np.float64] | None = None


NO_OUTCOMES = Outcomes(
    (), np.empty((0, BASIS), dtype=np.float32), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
)


class Scorer(Protocol):
    """A version of the model, able to score. The same basis gives the same bits, whatever the batch.

    Implemented by MixtureScorer and RiverScorer.
    """

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability of churn (no sign of staying within the horizon), shape (rows,), from bases of shape (rows,
        BASIS)."""


class Learner(Protocol):
    """A model that learns. Outcomes come in the one deterministic order of the log.

    Implemented by MixtureLearner, RiverModel and Contest.
    """

    def learn(self, boundary: int, returned: Outcomes, churned: Outcomes) -> None:
        """Learn all that became known up to a boundary of log time (ms), which rise from call to call.

        returned: whether customers were active within a tick of their observation (true: they were). churned: whether
        they were not within the horizon (true: they churned).
        """

    def snapshot(self) -> dict[str, Any]:
        """All of the model as plain data (JSON types), from which `restore` makes an equal model."""

    def restore(self, state: dict[str, Any]) -> None:
        """Become the model of the snapshot. Raises SnapshotRefused (models.churn.snapshot) when it does not fit."""

    def version(self) -> dict[str, Any]:
        """What a scorer needs of the model as it stands, as plain data."""

    def scorer(self) -> Scorer:
        """The model as it stands now, frozen."""
