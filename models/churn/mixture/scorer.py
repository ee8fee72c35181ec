"""A version of the main churn model behind the port `Scorer`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.probability import Mixture, probabilities, quadrature
from models.churn.plain_data import number, numbers
from models.churn.snapshot import SnapshotRefused
from models.features.columns import MEANS, WIDTH
from models.settings import DAY, EngineSettings


class MixtureScorer:
    """A frozen version. `mixture`: what compiled code scores with. `values`: what the version says of values, if it
    does (`models.churn.snapshot.Version.value`). `choice`: the same of its actions (`Version.choice`)."""

    KIND: Final = "mixture"

    __slots__ = ("choice", "mixture", "values")

    def __init__(self, mixture: Mixture) -> None:
        self.mixture = mixture
        self.values: Mapping[str, Any] | None = None
        self.choice: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, model: Mapping[str, Any], settings: EngineSettings) -> MixtureScorer:
        """From a version's plain data. Raises SnapshotRefused when it is not of this model."""
        if not isinstance(learned := model.get("learned"), bool):
            raise SnapshotRefused(f"learned is {learned!r}; it must be true or false")
        widths, rolls = quadrature(settings.horizon / DAY, settings.tick / DAY)
        weeks = settings.horizon / (7 * DAY)
        share, shift = number(model, "share", 0.0, 1.0), number(model, "shift", -100.0, 100.0)
        return cls(
            Mixture(
                numbers(model, "hazard", WIDTH),
                numbers(model, "direct", WIDTH),
                numbers(model, "means", MEANS),
                numbers(model, "mbg", 4, 1e-9),
                widths,
                rolls,
                np.array([share, shift, float(learned), weeks]),
            )
        )

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        return probabilities(bases, self.mixture)
