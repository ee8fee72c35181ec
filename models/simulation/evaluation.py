"""Predictions for every customer at every scoring time of a log, made in a simulation, to be compared with outcomes.

A log is rehearsed (models.simulation.rehearsal): the same records, features, model, learner and clock as live, in
memory, with all ticks at one moment and a model version at each. They are taken when a shard has come to that moment:
so the records are those of all touchpoints before it, and the version is the one its scores are made with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.churn import Scorer, scorer_of
from models.customer.block import Block
from models.customer.layout import ERASED, LAST_PURCHASE, LEFT, PURCHASE_DAYS
from models.features import bases_of
from models.learning.learner import initial_version
from models.settings import EngineSettings
from models.simulation.rehearsal import Rehearsal, Shard, rehearse
from models.timeline.batch import LogRecord
from models.timeline.boundaries import version_for

Look = TypeVar("Look")

GONE = 1.0
"""What is said of a customer who has left. The engine makes no estimate of them: their record's band says that they are
gone, and its number is as old as their last sign."""


class Predictions(NamedTuple):
    """One tick: its time (ms), the customers seen before it, their probabilities of churn, their recency (ms), and
    whether they have left (cancelled, and given no sign since): then nothing is left to foresee."""

    tick: int
    customers: list[bytes]
    probabilities: NDArray[np.float64]
    recency: NDArray[np.int64]
    left: NDArray[np.bool_]


def evaluate(
    logs: Sequence[Sequence[LogRecord]],
    settings: EngineSettings,
    on_predictions: Callable[[Predictions], None],
    topic: str = "retention.touchpoints",
) -> Rehearsal:
    """Rehearse whole partitions (as for `rehearse`) and tell the predictions of every tick that is a version boundary.

    settings: those of an evaluation have aligned ticks, a version at each, no lateness and no delay; with others too a
    prediction is what the engine knows at its tick. Versions of other boundaries are dropped when no shard needs them
    any more. Customers without a sign of staying so far are left out, and so are those who asked to be forgotten.
    """

    def at_tick(parts: Sequence[Predictions]) -> None:
        on_predictions(_joined(parts))

    return at_ticks(logs, settings, _predictions, at_tick, topic)


def at_ticks(
    logs: Sequence[Sequence[LogRecord]],
    settings: EngineSettings,
    look: Callable[[Shard, int, Scorer], Look],
    on_tick: Callable[[list[Look]], None],
    topic: str = "retention.touchpoints",
    values: bool = False,
) -> Rehearsal:
    """Rehearse whole partitions and look at every shard when it has come to a tick that is a version boundary.

    Args:
        logs, settings, topic: as for `evaluate`.
        look: takes what is wanted of a shard at a tick (ms), with the version that is in force there.
        on_tick: hears, tick by tick, what was taken of each shard, in the order of partitions.
        values: it is kept what customers are worth.
    """
    parts: defaultdict[int, dict[int, Look]] = defaultdict(dict)

    def is_tick(boundary: int) -> bool:
        return (boundary - settings.anchor) % settings.tick == 0

    def stands(world: Rehearsal, shard: Shard, boundary: int) -> None:
        if not is_tick(boundary):
            return
        scorer = shard.scorer or scorer_of(initial_version(settings), settings)
        parts[boundary][shard.state.partition] = look(shard, boundary, scorer)
        if len(parts[boundary]) == len(world.shards):
            of_shards = parts.pop(boundary)
            on_tick([of_shards[partition] for partition in sorted(of_shards)])

    def forget(world: Rehearsal) -> None:
        needed = version_for(settings, min(shard.state.adopted for shard in world.shards))
        for boundary in [old for old in world.versions if old < needed and not is_tick(old)]:
            del world.versions[boundary]

    return rehearse(
        logs,
        settings,
        topic,
        batch=lambda at: 6_000,
        watch=forget,
        keep=lambda on_predictions: False,
        stands=stands,
        values=values,
    )


def _predictions(shard: Shard, tick: int, scorer: Scorer) -> Predictions:
    block = Block(list(shard.records), list(shard.records.values()))
    flags = block.rows["flags"]
    rows = np.flatnonzero((block.rows["numbers"][:, PURCHASE_DAYS] > 0) & (flags & ERASED == 0))
    left = flags[rows] & LEFT != 0
    probabilities = np.where(left, GONE, scorer.score(bases_of(block.rows, rows, tick)))
    recency = tick - block.rows["times"][rows, LAST_PURCHASE].astype(np.int64)
    return Predictions(tick, [block.names[row] for row in rows.tolist()], probabilities, recency, left)


def _joined(parts: Sequence[Predictions]) -> Predictions:
    """Those of all shards at one tick."""
    names = [name for part in parts for name in part.customers]
    columns = zip(*(part[2:] for part in parts), strict=True)
    return Predictions(parts[0].tick, names, *map(np.concatenate, columns))
