"""Learns the examples anew in memory, within bounds, and compares what comes out with the version in force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from models.churn import Scorer, scorer_of
from models.learning.newest_labels import NewestLabels
from models.simulation.version_comparison import Compared, compare
from streams.errors import LearningFailed
from streams.learner.example_reader import ExamplesReader, LearnerSettings, NewConsumer, kafka_consumer
from streams.retry import ignore, retry_while_unavailable

IDLE = 3
"""Reads without a message after which the examples are at their end."""

Watch = Callable[[int | None, int], None]
"""Told the boundary that is learned (ms), and how many examples."""


def unseen(boundary: int | None, learned: int) -> None:
    """Default watch: nobody looks."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of a relearning.

    Attributes:
        labels: the newest ones that are kept to compare on.
        until: the boundary at which it ends, in ms; None: where the examples end.
        seconds: after which it ends wherever it stands.
    """

    labels: int
    until: int | None
    seconds: float


class Relearned(NamedTuple):
    """boundary: up to which was learned; None: there was nothing. stopped: the time was over before. compared: None
    without a label."""

    boundary: int | None
    learned: int
    stopped: bool
    compared: Compared | None


async def relearn(
    settings: LearnerSettings,
    in_force: Scorer | None,
    threshold: float,
    bounds: Bounds,
    watch: Watch = unseen,
    on_outage: Callable[[str], None] = ignore,
    new_consumer: NewConsumer = kafka_consumer,
) -> Relearned:
    """Learn what the examples topic holds, as a learner that begins anew does, and compare.

    What it takes of memory is bounded by the labels kept, and by what a reader holds of shards that are ahead of others
    (streams/learner/example_reader.py).

    Args:
        settings: of this release's learner.
        in_force: the version that decides; None where this release can't score with it.
        threshold: in force.
        bounds: of the work.
        watch: told how far it is.
        on_outage: told what it waits for.
        new_consumer: makes the consumer of the examples.

    Raises:
        LearningFailed: a model raised an error.
        LogTruncated: an example is missing.
        StateUnreadable: one is not ours.
    """
    learning = NewestLabels(settings.engine, settings.partitions, bounds.labels)
    reader = ExamplesReader(settings, learning, new_consumer, begins=True)
    timer = asyncio.timeout(bounds.seconds)
    try:
        async with timer:
            await _learn(learning, reader, bounds.until, watch, on_outage)
    except TimeoutError:
        if not timer.expired():
            raise
    finally:
        await reader.close()
    boundary, compared = learning.boundary, None
    if boundary is not None and learning.labels:
        relearned = scorer_of(learning.version(), settings.engine)
        compared = compare(list(learning.labels), in_force, relearned, threshold)
    return Relearned(boundary, learning.learned, timer.expired(), compared)


async def _learn(
    learning: NewestLabels,
    reader: ExamplesReader,
    until: int | None,
    watch: Watch,
    on_outage: Callable[[str], None],
) -> None:
    await retry_while_unavailable("opening the examples", reader.open, on_outage)
    idle = 0
    while idle < IDLE:
        fetched = await retry_while_unavailable("reading examples", reader.read, on_outage)
        idle = 0 if fetched else idle + 1
        while until is None or learning.boundary is None or learning.boundary < until:
            if not _next_version(learning):
                break
            idle = 0
            watch(learning.boundary, learning.learned)
            await asyncio.sleep(0)  # where the time may end
        else:
            return


def _next_version(learning: NewestLabels) -> bool:
    try:
        return learning.next_version() is not None
    except Exception as error:
        raise LearningFailed(f"learning up to {learning.next_boundary()}: {error!r}") from error
