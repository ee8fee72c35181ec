"""A log's predictions, as an evaluation makes them, with what is needed to judge them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from models.settings import EngineSettings
from models.simulation.evaluation import Predictions, evaluate
from models.simulation.rehearsal import Rehearsal
from streams.config import Config, ConfigError
from streams.errors import EngineError
from streams.history.evaluation.outcomes import Signs
from streams.history.evaluation.settings import as_evaluation
from streams.history.events import TimedEvent, log_events
from streams.history.replay import logs, tape


class NothingToEvaluate(EngineError):
    """A log without a tick that can be scored."""

    remedy = "a log needs signs of staying (--alive) over more than a tick; `retention rehearse` shows what it holds"


class Prepared(NamedTuple):
    """A log that has been read and holds something to evaluate.

    settings: those of the evaluation. first: time of the first sign of staying, ms. passed_over: rows of unknown types,
    by type.
    """

    config: Config
    log: str
    settings: EngineSettings
    events: list[TimedEvent]
    signs: Signs
    first: int
    passed_over: Counter[str]


def prepare(config: Config, log: str, passed_over: Counter[str]) -> Prepared:
    """Read a log.

    Args:
        config: horizon, ticks, what counts as staying.
        log: as for `retention replay`.
        passed_over: counts rows of types that no touchpoint corresponds to, as they are met.

    Raises:
        NothingToEvaluate: it holds no sign of staying.
        ConfigError: the settings don't fit together.
    """
    events = log_events(log, passed_over, config.log_gap_days)
    signs = Signs(events, config.engine())
    if signs.first is None:
        raise NothingToEvaluate(f"{log} holds no sign of staying ({config.alive})")
    try:
        settings = as_evaluation(config, signs.first).engine()
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return Prepared(config, log, settings, events, signs, signs.first, passed_over)


def predictions(prepared: Prepared, on_tick: Callable[[Predictions], None]) -> tuple[list[Predictions], Rehearsal]:
    """Send the log through the engine in memory; `on_tick` hears of each tick.

    Returns:
        The predictions of each tick with somebody to score, and what has been rehearsed.

    Raises:
        NothingToEvaluate: the log is over before its first tick.
    """
    config, settings = prepared.config, prepared.settings
    predicted: list[Predictions] = []

    def at_tick(found: Predictions) -> None:
        if len(found.customers):
            predicted.append(found)
        on_tick(found)

    partitions = logs(tape(prepared.events, config.partitions, settings), config.partitions)
    world = evaluate(partitions, settings, at_tick, config.topic("touchpoints"))
    if not predicted:
        day = f"{config.tick_days:g} days after its first day"
        raise NothingToEvaluate(f"{prepared.log} is over before its first tick, {day}")
    return predicted, world
