"""Runs a backfill: history through the same shards as a worker's, before the first worker starts.

Every shard works as under a worker: the same pieces of the line, the same commits, outputs published from the outbox;
only its records come from a file, and nobody is triggered. In order:

 1. claim the plan: from here on no worker takes a shard over      (`backfill.1.claimed`, claim.py)
 2. take the shards over, create those that are not there
 3. learn what is public already, if this goes on where another run stopped
 4. work through history; the last commit of a shard sets its time and its next offset
 5. publish and trim what the outboxes still hold                   (`backfill.5.published`)
 6. write the learner: state, offsets, newest versions              (`backfill.6.learned`)
 7. mark the plan done: workers may start

A run that ends before 7, however it ends, is gone on with by the next one: shards stand at their last commits, what was
said is public or in an outbox, and the model is learned again from the examples topic.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from faust.types import TP

from models.churn import Version, seal
from models.learning.learner import Learning
from models.timeline.batch import LogRecord
from models.timeline.shard_state import ShardState
from streams.crash_points import point
from streams.history.backfill.records import Course
from streams.kafka.partition_facts import LogFacts
from streams.learner.example_reader import ExamplesReader, LearnerSettings, NewConsumer, kafka_consumer, offsets_after
from streams.learner.in_process import HistoryVersions, oldest_wanted
from streams.learner.model_registry import ModelRegistry
from streams.outbox.port import Publisher
from streams.outbox.relay import Outgoing
from streams.retry import ignore, retry_while_unavailable
from streams.shard.backfill_plan import Plan, pack
from streams.shard.job_watcher import JobWatcher
from streams.shard.owner import Shard
from streams.shard.settings import ShardPorts, ShardSettings
from streams.store import Store, StoreChanges
from streams.store.checkpoint import Checkpoint
from streams.store.port import LEARNER

logger = logging.getLogger(__name__)


class Progress(NamedTuple):
    """How far the slowest shard is (log time, ms), and how many touchpoints all have applied."""

    time: int
    applied: int


@dataclass(frozen=True, slots=True)
class BackfillSettings:
    """Settings of a backfill, and what it reads and publishes with.

    Attributes:
        shards: the settings of each shard, with the cut-over.
        examples: how the examples topic is read.
        publisher: makes the publisher of a shard.
        committed: the offset that Kafka has committed for the group, by partition; None: none.
        new_consumer: makes the consumer of the examples.
        batch_records: most records in one batch of a shard.
    """

    shards: ShardSettings
    examples: LearnerSettings
    publisher: Callable[[int], Publisher]
    committed: Callable[[int], int | None] = lambda partition: None
    new_consumer: NewConsumer = kafka_consumer
    batch_records: int = 6_000


class Done(NamedTuple):
    """What a backfill ends with: the shards' states, the newest version."""

    states: list[ShardState]
    version: Version


class Backfill:
    """One run of a backfill.

    Args:
        settings: of it, and of its shards.
        store: takes the state of shards and learner.
        plan: what was claimed.
        claimed: the plan's checkpoint, minted.
        course: the records of the history.
        watch: told after each commit.
        on_outage: told for what it waits while Redis or Kafka is away.
    """

    def __init__(
        self,
        settings: BackfillSettings,
        store: Store,
        plan: Plan,
        claimed: Checkpoint,
        course: Course,
        watch: Callable[[Progress], None] = lambda progress: None,
        on_outage: Callable[[str], None] = ignore,
    ) -> None:
        self._settings, self._store, self._plan, self._claimed = settings, store, plan, claimed
        self._course, self._watch, self._on_outage = course, watch, on_outage
        engine, partitions = settings.shards.engine, plan.creation.partitions
        self._versions = HistoryVersions(engine, Learning(engine, partitions), self._oldest_wanted)
        self._shards = [self._shard(partition) for partition in range(partitions)]
        self._free = [asyncio.Event() for _ in range(partitions)]

    def _shard(self, partition: int) -> Shard:
        checkpoint = Checkpoint(self._store, str(partition), on_outage=self._on_outage)
        outgoing = Outgoing(
            self._settings.publisher(partition),
            partition,
            expires=False,
            on_outage=self._on_outage,
            ours=checkpoint.holds,
            on_added=self._versions.feed,
            hurries=False,
        )
        tp = TP(self._settings.shards.topic, partition)
        owners = self._plan.creation.partitions
        watcher = JobWatcher(self._on_outage, self._committed)
        ports = ShardPorts(self._store, checkpoint, self._versions, outgoing, watcher, self._released, lambda: owners)
        return Shard(tp, 0, self._settings.shards, ports)

    async def run(self) -> Done:
        """Steps 2 to 7. Raises what a shard raises, and Fenced when another run has taken this one's place.

        While Redis or Kafka is away it waits. May be cancelled at any moment.
        """
        point("backfill.1.claimed")
        try:
            for shard in self._shards:
                await self._take_over(shard)
            await retry_while_unavailable("learning again", self._learn_again, self._on_outage)
            await self._work()
            for shard in self._shards:
                await shard.ended()
                await retry_while_unavailable("publishing", shard.recover, self._on_outage)
            point("backfill.5.published")
            await self._write_learner()
            point("backfill.6.learned")
            await self._claimed.write(pack(msgspec.structs.replace(self._plan, stage="done")))
        finally:
            await asyncio.gather(*(shard.ended() for shard in self._shards))
        return Done([shard.body.state for shard in self._shards], self._versions.learning.version())

    # -- step 2

    async def _take_over(self, shard: Shard) -> None:
        partition, creation = shard.tp.partition, self._plan.creation
        start, end = self._course.starts[partition], self._plan.next_offsets[partition]
        facts = LogFacts(start, end, creation.topic_id, creation.partitions, self._settings.committed(partition))
        for step in (shard.peek, shard.mint, lambda: shard.check(facts), shard.recover):
            await retry_while_unavailable(f"taking shard {partition} over", step, self._on_outage)

    # -- step 3

    async def _learn_again(self) -> None:
        """From the first example on: after step 2 all that the shards have said is public."""
        sequences = [shard.body.state.sequences.get("examples", 0) for shard in self._shards]
        if not any(sequences):
            return
        learning = Learning(self._settings.shards.engine, len(sequences))
        versions = HistoryVersions(self._settings.shards.engine, learning, self._oldest_wanted)
        reader = ExamplesReader(self._settings.examples, learning, self._settings.new_consumer)
        try:
            await reader.open()
            while any(learning.last_sequence(n) < sequence for n, sequence in enumerate(sequences)):
                await reader.read()
                versions.learn()
        finally:
            await reader.close()
        self._versions.go_on(versions)

    def _oldest_wanted(self) -> int:
        return oldest_wanted(self._settings.shards.engine, (shard.body.state for shard in self._shards))

    # -- step 4

    async def _work(self) -> None:
        tasks = [asyncio.ensure_future(work) for work in (self._feed(), *(shard.run() for shard in self._shards))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _feed(self) -> None:
        """Hand all rounds over, each when the one before is done: no shard is a round ahead of another."""
        for records in self._course.rounds():
            await asyncio.gather(*map(self._give, self._shards, records))

    async def _give(self, shard: Shard, records: Sequence[LogRecord]) -> None:
        """What of a round a shard has not done yet."""
        left = [record for record in records if record.offset >= shard.next_offset]
        free = self._free[shard.tp.partition]
        for first in range(0, len(left), self._settings.batch_records):
            free.clear()
            shard.hand_over(left[first : first + self._settings.batch_records])
            await free.wait()

    def _released(self, shard: Any) -> None:
        self._free[shard.tp.partition].set()

    # -- step 6

    async def _write_learner(self) -> None:
        """As the learner would have left it, so that the first worker's goes on behind it."""
        learning, schema = self._versions.learning, self._settings.examples.schema
        state = learning.state()
        offsets = await retry_while_unavailable("finding the examples", self._examples_offsets, self._on_outage)
        for progress, offset in zip(state.shards, offsets, strict=True):
            progress.offset = offset
        body = seal(state, schema)
        checkpoint = Checkpoint(self._store, LEARNER, on_outage=self._on_outage)
        if await checkpoint.read() is None:
            await checkpoint.create(body)
        else:
            await checkpoint.mint()
        values = ModelRegistry.values_to_write(self._versions.kept, schema, learning.origin, learning.boundary)
        await checkpoint.write(body, StoreChanges(values))

    async def _examples_offsets(self) -> list[int]:
        sequences = [shard.sequence for shard in self._versions.learning.shards]
        return await offsets_after(self._settings.examples, sequences, self._settings.new_consumer)

    def _committed(self, shard: int, state: ShardState) -> None:
        states = [each.body.state for each in self._shards]
        self._watch(Progress(min(s.time for s in states), sum(s.totals.applied + s.totals.late for s in states)))
