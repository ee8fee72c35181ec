"""An application that follows another one: its shards work through the input, quietly, up to given offsets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from faust.types import TP

from models.churn import seal, unseal
from models.learning.learner import Learning, LearningState
from models.timeline.batch import LogRecord
from streams.kafka.partition_facts import LogFacts
from streams.learner.example_reader import LearnerSettings
from streams.learner.in_process import HistoryVersions, oldest_wanted
from streams.learner.model_registry import ModelRegistry, lasting, name_of
from streams.operations.rebuild.log_rounds import Rounds
from streams.operations.switch.suppressed import Suppressed
from streams.retry import ignore, retry_while_unavailable
from streams.shard.creation import first_body
from streams.shard.job_watcher import JobWatcher
from streams.shard.meta import pack_body
from streams.shard.owner import Shard
from streams.shard.settings import ShardPorts, ShardSettings
from streams.store import Store, StoreChanges
from streams.store.checkpoint import Checkpoint
from streams.store.port import LEARNER

NOT_YET: Final = 1 << 62
"""The cut-over of a shard that follows: no log time reaches it, so nobody is triggered."""
LEARNER_EVERY_S = 5.0
"""Between two writes of the learner: so much is learned again after a crash."""


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """What an application that follows is told, and what it reads with.

    Attributes:
        shards: the settings of each shard, with `NOT_YET` as the cut-over.
        examples: how examples are learned.
        facts: of each input partition.
        rounds: makes the reader of the input, from offsets to offsets, by partition.
        batch_records: most records in one batch of a shard.
    """

    shards: ShardSettings
    examples: LearnerSettings
    facts: Mapping[int, LogFacts]
    rounds: Callable[[Mapping[int, int], Mapping[int, int]], Rounds]
    batch_records: int = 6_000


class Follower:
    """All shards of the application. `open` first, `close` at the end, however it ends.

    Args:
        settings: of it.
        store: takes its state.
        watch: told the offsets that the shards have reached.
        on_outage: told for what it waits while Redis or Kafka is away.
    """

    def __init__(
        self,
        settings: FollowSettings,
        store: Store,
        watch: Callable[[Mapping[int, int]], None] = lambda offsets: None,
        on_outage: Callable[[str], None] = ignore,
    ) -> None:
        self._settings, self._store, self._watch, self._on_outage = settings, store, watch, on_outage
        engine, partitions = settings.shards.engine, len(settings.facts)
        self._learner = Checkpoint(store, LEARNER, on_outage=on_outage)
        self._registry = ModelRegistry(store, settings.examples.schema)
        self._stored: set[int] = set()
        self.versions = HistoryVersions(engine, Learning(engine, partitions), self._oldest)
        self._outputs = {n: Suppressed(lambda entries: self.versions.feed(entries)) for n in settings.facts}
        self.shards = {n: self._shard(n) for n in settings.facts}
        self._free = {n: asyncio.Event() for n in settings.facts}
        self._queues: dict[int, deque[LogRecord]] = {n: deque() for n in settings.facts}
        self._hungry = asyncio.Event()
        self._given = {n: asyncio.Event() for n in settings.facts}
        self._tasks: list[asyncio.Task[None]] = []

    def _shard(self, partition: int) -> Shard:
        checkpoint = Checkpoint(self._store, str(partition), on_outage=self._on_outage)
        outputs, owners = self._outputs[partition], len(self._settings.facts)
        watcher = JobWatcher(self._on_outage)
        ports = ShardPorts(self._store, checkpoint, self.versions, outputs, watcher, self._released, lambda: owners)
        return Shard(TP(self._settings.shards.topic, partition), 0, self._settings.shards, ports)

    # -- where it stands

    async def open(self) -> None:
        """Take over what another run has left, the learner first; create what is not there. Raises what a shard
        raises."""
        await retry_while_unavailable("taking the learner over", self._open_learner, self._on_outage)
        for number, shard in self.shards.items():
            facts = self._settings.facts[number]

            async def create(shard: Shard = shard, facts: LogFacts = facts) -> None:
                body = first_body(shard.namespace, self._settings.shards, facts)
                await self._store.create(shard.namespace, pack_body(body))

            for step in (create, shard.mint, lambda s=shard, f=facts: s.check(f), shard.recover):
                await retry_while_unavailable(f"taking shard {number} over", step, self._on_outage)
        await self._restore_versions()
        self.versions.learn()
        self._tasks = [asyncio.create_task(shard.run()) for shard in self.shards.values()]
        self._tasks += [asyncio.create_task(self._feed(number)) for number in self.shards]

    async def _open_learner(self) -> None:
        engine, partitions, schema = self._settings.shards.engine, len(self.shards), self._settings.examples.schema
        meta = await self._learner.read()
        if meta is None:
            await self._learner.create(seal(self.versions.learning.state(), schema))
            return
        await self._learner.mint()
        self.versions.learning = Learning(engine, partitions, unseal(meta.body, schema, LearningState))
        self._tell_learned()

    async def _restore_versions(self) -> None:
        boundary, engine = self.versions.learning.boundary, self._settings.shards.engine
        if boundary is None:
            return
        origin = (await self._registry.bounds()).origin
        oldest = max(min(self._oldest(), boundary - lasting(engine)), boundary if origin is None else origin)
        steps = (boundary - oldest) // engine.boundary
        for at in range(boundary - steps * engine.boundary, boundary + 1, engine.boundary):
            version = (await self._registry.read(at)).version
            if version is not None:
                self.versions.restore(version)
                self._stored.add(at)

    def _oldest(self) -> int:
        return oldest_wanted(self._settings.shards.engine, (shard.body.state for shard in self.shards.values()))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(shard.ended() for shard in self.shards.values()))

    @property
    def next_offsets(self) -> dict[int, int]:
        return {n: shard.next_offset for n, shard in self.shards.items()}

    # -- the way

    async def advance(self, ends: Mapping[int, int]) -> None:
        """Apply every record before these offsets, by partition, and none behind them."""
        self.versions.patient = True
        rounds = self._settings.rounds(self.next_offsets, ends)
        saving = asyncio.create_task(self._save_now_and_then())
        self._tasks.append(saving)
        try:
            await retry_while_unavailable("reading the input", rounds.open, self._on_outage)
            while taken := await retry_while_unavailable("reading the input", rounds.next, self._on_outage):
                for number, records in taken.items():
                    self._queues[number].extend(records)
                    self._given[number].set()
                await self._until(self._wants_more)
                self._watch(self.next_offsets)
            # A shard that waits for a version may wait for one whose time lies behind these offsets.
            self.versions.hurry()
            await self._until(self._done)
        finally:
            self._tasks.remove(saving)
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)
            await rounds.close()
        await self.save()

    async def save(self) -> None:
        """Write the learner, and let go of the examples that it has learned."""
        learning, schema = self.versions.learning, self._settings.examples.schema
        if learning.boundary is None:
            return
        state, kept = learning.state(), self.versions.kept
        fresh = [version for version in kept if version.boundary not in self._stored]
        gone = self._stored - {version.boundary for version in kept}
        values = ModelRegistry.values_to_write(fresh, schema, learning.origin, learning.boundary)
        await self._learner.write(seal(state, schema), StoreChanges(values, [name_of(at) for at in sorted(gone)]))
        self._stored = {version.boundary for version in kept}
        self._tell_learned()

    def _tell_learned(self) -> None:
        for outputs, progress in zip(self._outputs.values(), self.versions.learning.shards, strict=True):
            outputs.learned(progress.sequence)

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(LEARNER_EVERY_S)
            await self.save()

    def _wants_more(self) -> bool:
        return any(not queue and self._free[n].is_set() for n, queue in self._queues.items())

    def _done(self) -> bool:
        return all(not queue and self._free[n].is_set() for n, queue in self._queues.items())

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the feeding brings about. Raises what a shard, or the saving, raises."""
        while not condition():
            self._hungry.clear()
            waiting: asyncio.Task[Any] = asyncio.create_task(self._hungry.wait())
            try:
                await asyncio.wait((waiting, *self._tasks), return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
            for task in self._tasks:
                if task.done():
                    task.result()

    async def _feed(self, number: int) -> None:
        """Hand a shard its records, batch by batch."""
        shard, queue, free, given = self.shards[number], self._queues[number], self._free[number], self._given[number]
        free.set()
        while True:
            while not queue:
                self._hungry.set()
                given.clear()
                await given.wait()
            batch = [queue.popleft() for _ in range(min(len(queue), self._settings.batch_records))]
            free.clear()
            shard.hand_over(batch)
            await free.wait()

    def _released(self, shard: Any) -> None:
        self._free[shard.tp.partition].set()
        self._hungry.set()
