"""What a model version belongs to, and the scorer it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import xxhash
from river.__version__ import __version__ as river_release

from models.churn import duel, evidence, level, mbg, mixture, mixture_learner, newton_kernels, reservoir, trust
from models.churn.mixture_scorer import MixtureScorer
from models.churn.port import Scorer
from models.churn.river_model import CHALLENGERS, RiverScorer
from models.churn.snapshot import SnapshotRefused, Version
from models.features import basis, columns
from models.settings import EngineSettings

_MODULES = (basis, columns, duel, evidence, level, mbg, mixture, mixture_learner, newton_kernels, reservoir, trust)


def schema_of(settings: EngineSettings) -> str:
    """Names what a snapshot belongs to: the model's family, its constants and features, the challengers' parameters,
    and all settings that decide.

    Settings that are not the model's own decide which examples there are, at which boundaries, and what was predicted.
    """
    constants = [
        {name: value for name, value in vars(module).items() if name.isupper() and _is_plain(value)}
        for module in _MODULES
    ]
    challengers = {name: repr(make()) for name, make in CHALLENGERS.items()}
    named = [MixtureScorer.KIND, river_release, constants, challengers, settings.deciding()]
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode(named, order="sorted"))


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float | str) or (isinstance(value, tuple) and all(map(_is_plain, value)))


def scorer_of(version: Version, settings: EngineSettings) -> Scorer:
    """The scorer of a version. Raises SnapshotRefused when its model does not fit."""
    return scorer_of_model(version.model, settings)


def scorer_of_model(model: Mapping[str, Any], settings: EngineSettings) -> Scorer:
    """The scorer of a model's version (`Learner.version`). Raises SnapshotRefused when it does not fit."""
    match model.get("kind"):
        case MixtureScorer.KIND:
            return MixtureScorer.of(model, settings)
        case RiverScorer.KIND:
            return RiverScorer.of(model)
        case kind:
            raise SnapshotRefused(f"the version is of a model of kind {kind!r}, unknown here")
