"""Settings of a log that is history, and what its predictions are held against: what came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.alive import SIGNS
from models.evaluation import Predictions
from models.settings import DAY, EngineSettings
from models.touchpoints import Rejected, read
from streams.config import Config
from streams.log_events import ANY_TIME, TimedEvent

DAY_S = 86_400.0


def evaluation(tick_days: float, first_ms: int) -> dict[str, Any]:
    """Settings of a replay that is an evaluation.

    All customers' ticks lie at the same moments, counted from 00:00 UTC of the day of `first_ms`; a model version is
    cut at each and used at once; no label waits for late touchpoints, since a sorted log has none.
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


class Signs:
    """The days on which customers gave a sign of staying, as numbers since the epoch."""

    def __init__(self, events: Iterable[TimedEvent], settings: EngineSettings) -> None:
        wanted = SIGNS[settings.alive]
        days: defaultdict[bytes, set[int]] = defaultdict(set)
        self.first: int | None = None
        self.last = 0
        for event in events:
            touch = read(event.value, None, ANY_TIME)
            if not isinstance(touch, Rejected) and touch.kind in wanted:
                days[event.key].add(event.time // DAY)
                self.first = event.time if self.first is None else min(self.first, event.time)
                self.last = max(self.last, event.time // DAY)
        self._days = {customer: np.array(sorted(mine)) for customer, mine in days.items()}

    def stayed(self, customer: bytes, tick: int, horizon: int) -> bool:
        """Whether the customer gave a sign in the `horizon` from `tick` on. Both in ms, whole days."""
        mine = self._days[customer]
        first = np.searchsorted(mine, tick // DAY)
        return bool(first < len(mine) and mine[first] < (tick + horizon) // DAY)


class Table(NamedTuple):
    """Decisions with what came, in columns of shape (decisions,): tick (ms), probability, churned."""

    ticks: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    churned: NDArray[np.bool_]


def decided(predictions: Sequence[Predictions], signs: Signs, settings: EngineSettings) -> Table:
    """The decisions that were due: customers active within the horizon, at ticks whose horizon lies in the log."""
    ticks: list[int] = []
    probabilities: list[float] = []
    churned: list[bool] = []
    for told in predictions:
        if told.tick + settings.horizon > (signs.last + 1) * DAY:
            continue
        active = np.flatnonzero(-(-told.recency // DAY) * DAY <= settings.horizon)
        for row, probability in zip(active.tolist(), told.probabilities[active].tolist(), strict=True):
            ticks.append(told.tick)
            probabilities.append(probability)
            churned.append(not signs.stayed(told.customers[row], told.tick, settings.horizon))
    return Table(np.array(ticks, dtype=np.int64), np.array(probabilities), np.array(churned, dtype=np.bool_))
