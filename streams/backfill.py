"""A backfill: history through the engine, in place of workers, before the first of them.

Every shard works as under a worker: the same pieces of the line, the same commits, outputs published from the outbox;
only its records come from a file, and nobody is triggered. In order:

 1. claim the plan: from here on no worker takes a shard over      (`backfill.1.claimed`, streams/backfill_claim.py)
 2. take the shards over, create those that are not there
 3. learn what is public already, if this goes on where another run stopped
 4. work through history; the last commit of a shard sets its time and its fence
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

from models.batch import LogRecord
from models.churn import Version, seal
from models.learning import Learning
from models.line import ShardState
from streams.backfill_plan import Plan, pack
from streams.checkpoint import Checkpoint
from streams.crash_points import point
from streams.examples import ExamplesReader, LearnerSettings, NewConsumer, kafka_consumer, offsets_after
from streams.history import Course
from streams.history_versions import HistoryVersions, oldest_wanted
from streams.log_facts import LogFacts
from streams.model_registry import LEARNER, ModelRegistry
from streams.outbox import Publisher
from streams.outgoing import Outgoing
from streams.retry import ignore, retry_while_unavailable
from streams.shard import Shard
from streams.shard_settings import ShardPorts, ShardSettings
from streams.store import Store, StoreChanges

logger = logging.getLogger(__name__)


class Progress(NamedTuple):
    """How far the slowest shard is (log time, ms), and how many touchpoints all have applied."""

    time: int
    applied: int


@dataclass(frozen=True, slots=True)
class BackfillSettings:
    """shards: what each is told, with the cut. examples: how its topic is read. publisher: makes a shard's.
    committed: by partition, what Kafka has committed for the group. batch_records: most records of a hand-over."""

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
    """One run. claimed: the plan's checkpoint, minted. course: the history. watch: told after each commit."""

    def __init__(
        self,
        settings: BackfillSettings,
        store: Store,
        plan: Plan,
        claimed: Checkpoint,
        course: Course,
        watch: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._settings, self._store, self._plan, self._claimed = settings, store, plan, claimed
        self._course, self._watch = course, watch
        engine, partitions = settings.shards.engine, plan.birth.partitions
        self._versions = HistoryVersions(engine, Learning(engine, partitions), self._oldest_wanted)
        self._shards = [self._shard(partition) for partition in range(partitions)]
        self._free = [asyncio.Event() for _ in range(partitions)]

    def _shard(self, partition: int) -> Shard:
        checkpoint = Checkpoint(self._store, str(partition))
        outgoing = Outgoing(
            self._settings.publisher(partition),
            partition,
            expires=False,
            ours=checkpoint.holds,
            on_added=self._versions.feed,
            hurries=False,
        )
        tp = TP(self._settings.shards.topic, partition)
        ports = ShardPorts(self._store, checkpoint, self._versions, outgoing, self, self._released)
        return Shard(tp, 0, self._settings.shards, ports)

    async def run(self) -> Done:
        """Steps 2 to 7. Raises what a shard raises, and Fenced when another run has taken this one's place.

        While Redis or Kafka is away it waits. May be cancelled at any moment.
        """
        point("backfill.1.claimed")
        try:
            for shard in self._shards:
                await self._take_over(shard)
            await retry_while_unavailable("learning again", self._learn_again, ignore)
            await self._work()
            for shard in self._shards:
                await shard.ended()
                await retry_while_unavailable("publishing", shard.recover, ignore)
            point("backfill.5.published")
            await self._write_learner()
            point("backfill.6.learned")
            await self._claimed.write(pack(msgspec.structs.replace(self._plan, stage="done")))
        finally:
            await asyncio.gather(*(shard.ended() for shard in self._shards))
        return Done([shard.body.state for shard in self._shards], self._versions.learning.version())

    # -- step 2

    async def _take_over(self, shard: Shard) -> None:
        partition, birth = shard.tp.partition, self._plan.birth
        start, end = self._course.starts[partition], self._plan.fences[partition]
        facts = LogFacts(start, end, birth.topic_id, birth.partitions, self._settings.committed(partition))
        for step in (shard.peek, shard.mint, lambda: shard.check(facts), shard.recover):
            await retry_while_unavailable(f"taking shard {partition} over", step, ignore)

    # -- step 3

    async def _learn_again(self) -> None:
        """From the first example on: after step 2 all that the shards have said is public."""
        counts = [shard.body.state.counts.get("examples", 0) for shard in self._shards]
        if not any(counts):
            return
        learning = Learning(self._settings.shards.engine, len(counts))
        versions = HistoryVersions(self._settings.shards.engine, learning, self._oldest_wanted)
        reader = ExamplesReader(self._settings.examples, learning, self._settings.new_consumer)
        try:
            await reader.open()
            while any(learning.heard(n) < count for n, count in enumerate(counts)):
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
        left = [record for record in records if record.offset >= shard.fence]
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
        offsets = await retry_while_unavailable("finding the examples", self._examples_offsets, ignore)
        for progress, offset in zip(state.shards, offsets, strict=True):
            progress.offset = offset
        body = seal(state, schema)
        checkpoint = Checkpoint(self._store, LEARNER)
        if await checkpoint.read() is None:
            await checkpoint.create(body)
        else:
            await checkpoint.mint()
        values = ModelRegistry.values_to_write(self._versions.kept, schema, learning.origin, learning.boundary)
        await checkpoint.write(body, StoreChanges(values))

    async def _examples_offsets(self) -> list[int]:
        counts = [shard.count for shard in self._versions.learning.shards]
        return await offsets_after(self._settings.examples, counts, self._settings.new_consumer)

    # -- what the shards tell (streams.shard_settings.Watcher)

    def committed(
        self, shard: int, before: ShardState, after: ShardState, records: int, seconds: float, store_seconds: float
    ) -> None:
        states = [each.body.state for each in self._shards]
        self._watch(Progress(min(s.time for s in states), sum(s.totals.applied for s in states)))

    def doubted(self, shard: int, unsure: int, beyond: int) -> None: ...
    def waiting(self, shard: int, reason: str, detail: str) -> None: ...
    def taken_over(self, shard: int, state: ShardState) -> None: ...
    def working(self, shard: int, records: int, up_to: int) -> None: ...
    def outbox(self, shard: int, entries: int) -> None: ...
    def idle(self, shard: int) -> None: ...
