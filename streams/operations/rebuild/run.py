"""Runs a rebuild: the shards of the plan through the log, their outputs compared (steps 3 to 6 of the room's list)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from faust.types import TP

from models.churn import lineage_name, seal
from models.learning.learner import Learning
from models.timeline.batch import LogRecord
from models.timeline.boundaries import UNTRAINED
from models.timeline.shard_state import ShardState
from streams.crash_points import point
from streams.errors import EngineError, ExitCode
from streams.kafka.partition_facts import LogFacts
from streams.learner.example_reader import LearnerSettings, NewConsumer, kafka_consumer
from streams.learner.lineage import FIRST, namespace_of
from streams.learner.model_registry import ModelRegistry
from streams.operations.rebuild.comparing import Comparing
from streams.operations.rebuild.history import PastLog
from streams.operations.rebuild.learned_versions import LearnedVersions
from streams.operations.rebuild.log_rounds import LogRounds
from streams.retry import ignore, retry_while_unavailable
from streams.shard.creation import first_body
from streams.shard.job_watcher import JobWatcher
from streams.shard.meta import pack_body
from streams.shard.owner import Shard
from streams.shard.rebuild_plan import RebuildPlan
from streams.shard.settings import ShardPorts, ShardSettings
from streams.store import Store, StoreChanges
from streams.store.checkpoint import Checkpoint

EXPIRED = b'"expired_unsent"'


class LogTooShort(EngineError):
    """The log ends before all that is public was made again."""

    code = ExitCode.LOG_TRUNCATED
    remedy = (
        "an open transaction of an upstream producer may hide the log's end (`retention doctor`): run it again when it "
        "is over; a log that lost records can't give the state: restore a Redis backup"
    )


class Progress(NamedTuple):
    """How far the slowest shard is (log time, ms), how many touchpoints are applied, and outputs compared."""

    time: int
    applied: int
    compared: int


@dataclass(frozen=True, slots=True)
class RebuildSettings:
    """What a rebuild is told, and what it reads with.

    Attributes:
        shards: the settings of each shard.
        examples: how the examples topic is read.
        facts: of each input partition.
        comparing: makes the comparison of a shard's outputs.
        rounds: makes the reader of the input, from offsets by partition on.
        new_consumer: makes the consumer of the examples.
        batch_records: most records in one batch of a shard.
        past: the history of the backfill that the application began with; None: it began with the log.
    """

    shards: ShardSettings
    examples: LearnerSettings
    facts: Mapping[int, LogFacts]
    comparing: Callable[[int], Comparing]
    rounds: Callable[[Mapping[int, int]], LogRounds]
    new_consumer: NewConsumer = kafka_consumer
    batch_records: int = 6_000
    past: PastLog | None = None


class Done(NamedTuple):
    """What a rebuild ends with: the shards' states, by number; outputs compared, those of other content under the same
    id, and those that Kafka has deleted."""

    states: dict[int, ShardState]
    compared: int
    worded_differently: int
    gone: int


class Rebuild:
    """One run.

    Args:
        settings: of it, and of its shards.
        store: takes the state.
        plan: what was claimed and cleared.
        watch: told after each commit.
        on_outage: told for what it waits while Redis or Kafka is away.
    """

    def __init__(
        self,
        settings: RebuildSettings,
        store: Store,
        plan: RebuildPlan,
        watch: Callable[[Progress], None] = lambda progress: None,
        on_outage: Callable[[str], None] = ignore,
    ) -> None:
        self._settings, self._store, self._plan = settings, store, plan
        self._watch, self._on_outage = watch, on_outage
        self._versions = LearnedVersions(settings.examples, self._oldest_wanted, on_outage, settings.new_consumer)
        self._comparing = {n: settings.comparing(n) for n in plan.shards}
        self._shards = {n: self._shard(n) for n in plan.shards}
        self._free = {n: asyncio.Event() for n in plan.shards}
        self._complete = {n: asyncio.Event() for n in plan.shards}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def _shard(self, partition: int) -> Shard:
        checkpoint = Checkpoint(self._store, str(partition), on_outage=self._on_outage)
        outputs, owners = self._comparing[partition], len(self._plan.shards)
        watcher = JobWatcher(self._on_outage, self._committed)
        ports = ShardPorts(self._store, checkpoint, self._versions, outputs, watcher, self._released, lambda: owners)
        return Shard(TP(self._settings.shards.topic, partition), 0, self._settings.shards, ports)

    async def run(self) -> Done:
        """Steps 3 to 5. Raises what a shard raises, LogTooShort, and Fenced when another run has taken this one's
        place.

        While Redis or Kafka is away it waits. May be cancelled at any moment.
        """
        self._versions.start()
        try:
            for shard in self._shards.values():
                await self._take_over(shard)
            await self._work()
            if self._plan.learner:
                await self._write_learner()
            point("rebuild.5.learned")
        finally:
            await self._end()
        compared = self._comparing.values()
        return Done(
            {n: shard.body.state for n, shard in self._shards.items()},
            sum(one.compared for one in compared),
            sum(one.worded_differently for one in compared),
            sum(one.gone for one in compared),
        )

    async def _end(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.gather(*(shard.ended() for shard in self._shards.values()))
        await asyncio.gather(*(one.close() for one in self._comparing.values()))
        await self._versions.close()

    # -- step 3

    async def _take_over(self, shard: Shard) -> None:
        number, past = shard.tp.partition, self._settings.past
        facts = self._settings.facts[number]
        if past is not None:
            facts = facts._replace(start=past.starts[number])

        async def create() -> None:
            body = first_body(shard.namespace, self._settings.shards, facts, past.until if past else 0)
            await self._store.create(shard.namespace, pack_body(body))

        for step in (create, shard.mint, lambda: shard.check(facts), shard.recover):
            await retry_while_unavailable(f"taking shard {number} over", step, self._on_outage)
        self._look(number, shard.body.state)

    def _look(self, number: int, state: ShardState) -> None:
        if not self._comparing[number].ahead(state.sequences):
            self._complete[number].set()

    # -- step 4

    async def _work(self) -> None:
        working = {n: shard for n, shard in self._shards.items() if not self._complete[n].is_set()}
        if not working:
            return
        self._tasks = {n: asyncio.ensure_future(shard.run()) for n, shard in working.items()}
        starts, past = {n: shard.next_offset for n, shard in working.items()}, self._settings.past
        log = self._settings.rounds
        rounds = log(starts) if past is None else past.before(starts, log)
        try:
            await retry_while_unavailable("reading the input", rounds.open, self._on_outage)
            while any(not self._complete[n].is_set() for n in working):
                taken = await retry_while_unavailable("reading the input", rounds.next, self._on_outage)
                if not taken:
                    await self._refuse_short_log(working)
                await asyncio.gather(*(self._give(working[n], records) for n, records in taken.items()))
                for n in working:
                    if self._complete[n].is_set():
                        rounds.leave(n)
        finally:
            await rounds.close()

    async def _give(self, shard: Shard, records: Sequence[LogRecord]) -> None:
        """A round's records, until everything public is made again; the shard then ends."""
        number = shard.tp.partition
        if self._complete[number].is_set():
            return
        for record in records:
            if record.value is not None and EXPIRED in record.value:
                self._note_expired(number, record)
        left = [record for record in records if record.offset >= shard.next_offset]
        for first in range(0, len(left), self._settings.batch_records):
            self._free[number].clear()
            shard.hand_over(left[first : first + self._settings.batch_records])
            await self._first_of(number)
            if self._complete[number].is_set():
                break
        if self._complete[number].is_set():
            await self._leave(shard)

    async def _first_of(self, number: int) -> None:
        """Wait until the shard is free, or complete, or has ended with an error."""
        events = [asyncio.ensure_future(event.wait()) for event in (self._free[number], self._complete[number])]
        try:
            await asyncio.wait((*events, self._tasks[number]), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for event in events:
                event.cancel()
        if self._tasks[number].done():
            self._tasks[number].result()

    async def _leave(self, shard: Shard) -> None:
        """End a shard that is complete: what it made last is compared, and trimmed."""
        number = shard.tp.partition
        self._tasks[number].cancel()
        await asyncio.gather(self._tasks[number], return_exceptions=True)
        await shard.ended()
        await retry_while_unavailable("comparing", shard.recover, self._on_outage)

    def _note_expired(self, number: int, record: LogRecord) -> None:
        try:
            content = msgspec.json.decode(record.value or b"")
            self._comparing[number].expired(content["data"]["trigger_id"])
        except (msgspec.DecodeError, KeyError, TypeError):
            return  # some other event that mentions the word

    async def _refuse_short_log(self, working: Mapping[int, Shard]) -> None:
        told = [
            f"shard {n}: at offset {shard.next_offset}, the log's end, it has made "
            f"{shard.body.state.sequences.get(role, 0)} {role} of the {last} that are public"
            for n, shard in working.items()
            if not self._complete[n].is_set()
            for role, last in self._comparing[n].ahead(shard.body.state.sequences).items()
        ]
        if told:
            raise LogTooShort(told[0])

    def _released(self, shard: Any) -> None:
        self._free[shard.tp.partition].set()

    def _oldest_wanted(self) -> int:
        """Versions only get newer: none is asked for that is older than the one in force."""
        in_force = [shard.body.state.version for shard in self._shards.values()]
        return min(in_force, default=UNTRAINED)

    # -- step 5

    async def _write_learner(self) -> None:
        """As the learner would have left it, so that the first worker's goes on behind it."""
        schema = self._settings.examples.schema
        await self._versions.learn_all(await self._published_examples())
        learning = self._versions.learning
        # A release that learned otherwise than the application's first has learned beside it.
        beside = any(lineage_name(shard.body.state.lineage) == schema for shard in self._shards.values())
        checkpoint = Checkpoint(self._store, namespace_of(schema if beside else FIRST), on_outage=self._on_outage)
        meta = await checkpoint.read()
        if meta is not None and meta.number:
            return  # a worker's learner was first; it learns the same
        if meta is None:
            engine, partitions = self._settings.examples.engine, self._settings.examples.partitions
            await checkpoint.create(seal(Learning(engine, partitions).state(), schema))
        else:
            await checkpoint.mint()
        values = []
        if learning.boundary is not None:
            values = ModelRegistry.values_to_write(self._versions.kept, schema, learning.origin, learning.boundary)
        await checkpoint.write(seal(learning.state(), schema), StoreChanges(values))

    async def _published_examples(self) -> dict[int, int]:
        """By shard, the sequence number of its last published example."""
        found = {n: one.public_to.get("examples", 0) for n, one in self._comparing.items()}
        for n in range(self._settings.examples.partitions):
            if n not in found:
                last = self._settings.comparing(n).last_example
                found[n] = await retry_while_unavailable("reading the ends of examples", last, self._on_outage)
        return found

    def _committed(self, shard: int, state: ShardState) -> None:
        self._look(shard, state)
        states = [each.body.state for each in self._shards.values()]
        self._watch(
            Progress(
                min(s.time for s in states),
                sum(s.totals.applied + s.totals.late for s in states),
                sum(one.compared for one in self._comparing.values()),
            )
        )
