"""Rebuilds in the test's own process, on the store and topics of the workers of `tests.support.workers`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import OUTPUTS
from streams.learner.example_reader import LearnerSettings
from streams.operations.rebuild.claim import claim, clear, finish
from streams.operations.rebuild.comparing import Comparing
from streams.operations.rebuild.history import PastLog
from streams.operations.rebuild.log_rounds import LogRounds
from streams.operations.rebuild.public_outputs import PublicOutputs
from streams.operations.rebuild.run import Done, Rebuild, RebuildSettings
from streams.outbox.entry import Destination
from streams.shard.rebuild_plan import NAMESPACE
from streams.shard.settings import ShardSettings
from streams.store.checkpoint import Checkpoint
from streams.store.fake import FakeStore, Snapshot
from tests.support.workers import TOPIC, MemoryConsumer, MortalPublisher, Site, Worker, _worker

LOST = Snapshot(None, {}, {}, ())
"""What is left of a namespace of which nothing is left."""


def lose(store: FakeStore, places: Iterable[str]) -> None:
    for place in places:
        store.restore(place, LOST)


class SiteConsumer:
    """What a rebuild uses of a Kafka consumer, over a site's input and outputs.

    deleted: how many of the first records of a role Kafka has deleted.
    """

    def __init__(self, site: Site, deleted: Mapping[str, int] | None = None) -> None:
        self._site, self._deleted = site, deleted or {}
        self._at: dict[TopicPartition, int] = {}

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    def assign(self, tps: Iterable[TopicPartition]) -> None:
        self._at = dict.fromkeys(tps, 0)

    async def beginning_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self._deleted.get(tp.topic, 0) for tp in tps}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._at[tp] = offset

    async def position(self, tp: TopicPartition) -> int:
        return self._at[tp]

    async def getmany(self, *tps: TopicPartition, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        found: dict[TopicPartition, list[Any]] = {}
        for tp in tps:
            new = [record for record in self._records(tp) if record.offset >= self._at[tp]][:7]
            if new:
                found[tp] = new
                self._at[tp] = new[-1].offset + 1
        await asyncio.sleep(0 if found else 0.001)
        return found

    def _records(self, tp: TopicPartition) -> list[Any]:
        if tp.topic == TOPIC:
            return list(self._site.logs[tp.partition])
        entries = self._site.public.entries(Destination(tp.topic, tp.partition))
        return [
            SimpleNamespace(
                offset=offset,
                value=entry.value,
                headers=[
                    ("count", b"%d" % entry.sequence),
                    ("id", entry.id.encode()),
                    ("sender", b"%d" % tp.partition),
                ],
            )
            for offset, entry in enumerate(entries)
        ]


class Rebuilder(Worker):
    """A process that rebuilds. It may be told to die at a crash point, as a worker. deleted: as of `SiteConsumer`.
    past: the history of a backfill that came before the log."""

    def __init__(
        self,
        site: Site,
        store: FakeStore,
        crash: str = "",
        deleted: Mapping[str, int] | None = None,
        past: PastLog | None = None,
    ) -> None:
        super().__init__(site, crash)
        self._past = past
        self._fake, self._deleted = store, deleted

    async def rebuild(self, named: Collection[int] = ()) -> Done | None:
        """None when it has died on the way."""
        return await asyncio.create_task(self._rebuild(named))

    async def _rebuild(self, named: Collection[int]) -> Done | None:
        _worker.set(self)

        async def delete(namespace: str) -> None:
            self.must_live()
            self._fake.restore(namespace, LOST)

        checkpoint = Checkpoint(self.mortal, NAMESPACE)
        try:
            plan = await claim(checkpoint, self.mortal, len(self.site.logs), named)
            plan = await clear(checkpoint, self.mortal, plan, delete, self._past.until if self._past else 0)
            done = await Rebuild(self._settings(), self.mortal, plan).run()
            await finish(checkpoint, plan)
            return done
        except asyncio.CancelledError:
            if not self.crashed:
                raise
            return None

    def _settings(self) -> RebuildSettings:
        site, connection = self.site, KafkaConnection("")
        facts = {
            n: LogFacts(0, log[-1].offset + 1 if log else 0, "topic-id", len(site.logs), None)
            for n, log in enumerate(site.logs)
        }

        def comparing(shard: int) -> Comparing:
            outputs = PublicOutputs(connection, SiteConsumer(site, self._deleted), {r: r for r in OUTPUTS}, shard)
            live, backfilled = site.mode == "live", self._past is not None
            return Comparing(MortalPublisher(self, shard), outputs, shard, live, backfilled=backfilled)

        return RebuildSettings(
            ShardSettings(site.settings, site.mode, TOPIC, site.outbox_limit, site.clock_ahead_limit_s),
            LearnerSettings(site.settings, connection, "examples", len(site.logs), site.schema, "read_committed"),
            facts,
            comparing,
            lambda starts: LogRounds(connection, SiteConsumer(site), TOPIC, starts, {n: facts[n].end for n in starts}),
            lambda settings: MemoryConsumer(site.public),
            batch_records=50,
            past=self._past,
        )
