"""What the engine would have said of every customer at every tick of a log: predictions to be held against what came.

A log is rehearsed (models.rehearsal): the same records, features, model, learner and clock as live, in memory, with all
ticks at one moment and a model version at each. When a version is cut every shard stands just before that moment; so
the records are those of all touchpoints before it, and the version is the one its scores are made with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.batch import LogRecord
from models.block import Block
from models.churn import scorer_of
from models.customer import LAST_PURCHASE, PURCHASE_DAYS
from models.features import bases_of
from models.rehearsal import Rehearsal, rehearse
from models.settings import EngineSettings


class Predictions(NamedTuple):
    """One tick: its time (ms), the customers seen before it, their probabilities of churn, and their recency (ms)."""

    tick: int
    customers: list[bytes]
    probabilities: NDArray[np.float64]
    recency: NDArray[np.int64]


def evaluate(
    logs: Sequence[Sequence[LogRecord]],
    settings: EngineSettings,
    said: Callable[[Predictions], None],
    topic: str = "retention.touchpoints",
) -> Rehearsal:
    """Rehearse whole partitions (as for `rehearse`) and tell the predictions of every version boundary.

    settings: of an evaluation: aligned ticks, a version at each, no lateness and no delay. Customers without a sign of
    staying so far are left out.
    """

    def watch(world: Rehearsal) -> None:
        said(_predictions(world, settings))

    return rehearse(logs, settings, topic, batch=lambda at: 6_000, watch=watch, keep=lambda said: False)


def _predictions(world: Rehearsal, settings: EngineSettings) -> Predictions:
    tick = world.learning.version().boundary
    records = {name: value for shard in world.shards for name, value in shard.records.items()}
    block = Block(list(records), list(records.values()))
    rows = np.flatnonzero(block.rows["numbers"][:, PURCHASE_DAYS] > 0)
    bases = bases_of(block.rows, rows, tick)
    scorer = scorer_of(world.versions[tick], settings)
    recency = tick - block.rows["times"][rows, LAST_PURCHASE].astype(np.int64)
    names = [block.names[row] for row in rows.tolist()]
    return Predictions(tick, names, scorer.score(bases), recency)
