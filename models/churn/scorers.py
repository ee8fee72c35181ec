"""Makes the scorer of a stored model version, whatever kind of model it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from models.churn import challengers
from models.churn.mixture.scorer import MixtureScorer
from models.churn.port import Scorer
from models.churn.snapshot import SnapshotRefused, Version
from models.settings import EngineSettings

if TYPE_CHECKING:
    from models.churn.challengers.river_model import RiverScorer


def scorer_of(version: Version, settings: EngineSettings) -> Scorer:
    """The scorer of a version. Raises SnapshotRefused when its model does not fit."""
    scorer = scorer_of_model(version.model, settings)
    if version.value is not UNSET:
        scorer.values = version.value
    if version.choice is not UNSET:
        scorer.choice = version.choice
    return scorer


def scorer_of_model(model: Mapping[str, Any], settings: EngineSettings) -> MixtureScorer | RiverScorer:
    """The scorer of a model's version (`Learner.version`). Raises SnapshotRefused when it does not fit."""
    match model.get("kind"):
        case MixtureScorer.KIND:
            return MixtureScorer.of(model, settings)
        case challengers.KIND:
            from models.churn.challengers.river_model import RiverScorer

            return RiverScorer.of(model)
        case kind:
            raise SnapshotRefused(f"the version is of a model of kind {kind!r}, unknown here")
