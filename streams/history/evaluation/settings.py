"""Settings of a replay that serves as an evaluation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from streams.config import Config

DAY_S = 86_400.0


def evaluation(tick_days: float, first_ms: int) -> dict[str, Any]:
    """Settings of a replay that is an evaluation.

    All customers' ticks lie at the same moments, counted from 00:00 UTC of the day of `first_ms`; a model version is
    published at each and used at once; no label waits for late touchpoints, since a sorted log has none.
    """
    first = datetime.fromtimestamp(first_ms / 1000, UTC)
    return {
        "mode": "replay",
        "tick_phase": "aligned",
        "tick_anchor": first.replace(hour=0, minute=0, second=0, microsecond=0),
        "version_every_s": tick_days * DAY_S,
        "version_delay_s": 0.0,
        "lateness_s": 0.0,
    }


def as_evaluation(config: Config, first_ms: int) -> Config:
    """The configuration with the settings of an evaluation, except those that were set on purpose, wherever."""
    chosen = {
        name: value
        for name, value in evaluation(config.tick_days, first_ms).items()
        if name not in config.model_fields_set
    }
    return config.model_copy(update=chosen)
