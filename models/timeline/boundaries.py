"""Version boundaries: the fixed moments of log time at which the learner publishes a model version."""

from __future__ import annotations

from models.settings import EngineSettings


def boundary_at(settings: EngineSettings, time: int) -> int:
    """The last boundary <= time."""
    return time - (time - settings.anchor) % settings.boundary


def version_for(settings: EngineSettings, boundary: int) -> int:
    """The boundary whose model version is in force from `boundary` on."""
    return boundary_at(settings, boundary - settings.version_delay)


UNTRAINED = -1
"""The boundary that names the model before the first boundary of the learner."""
