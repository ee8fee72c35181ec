"""The learning models by name: the mixture and the configured challengers."""

from __future__ import annotations

from typing import Final

from models.churn.challengers.river_model import CHALLENGERS, RiverModel
from models.churn.mixture.learner import MixtureLearner
from models.churn.port import Learner
from models.settings import EngineSettings

CHAMPION: Final = "mixture"
"""The one that begins as champion."""


def learners(settings: EngineSettings) -> dict[str, Learner]:
    """The models that learn, by name: the mixture and the challengers that are set. Raises ValueError for a name that
    no model has."""
    models: dict[str, Learner] = {CHAMPION: MixtureLearner(settings)}
    names = named(settings)[1:]
    for name in names:
        if name not in CHALLENGERS:
            raise ValueError(f"challengers names {name!r}; the models there are: {', '.join(CHALLENGERS)}")
    return models | {name: RiverModel(CHALLENGERS[name]) for name in names}


def named(settings: EngineSettings) -> list[str]:
    """The names of the models that learn, the first champion's first."""
    return [CHAMPION, *(name.strip() for name in settings.challengers.split(",") if name.strip())]
