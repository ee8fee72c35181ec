"""Backfills in the test's own process, on the store and topics of the workers of `tests.support.workers`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from models.settings import EngineSettings
from models.timeline.batch import LogRecord
from models.touchpoints import RESERVED, Rejected, read
from streams.history.backfill.claim import claim
from streams.history.backfill.records import Course, History, gather
from streams.history.backfill.run import Backfill, BackfillSettings, Done
from streams.history.events import ANY_TIME
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.learner.example_reader import LearnerSettings
from streams.operations.rebuild.history import PastLog
from streams.shard.backfill_plan import NAMESPACE, SCHEMA, Plan
from streams.shard.meta import creation_of
from streams.shard.settings import ShardSettings
from streams.store.checkpoint import Checkpoint
from tests.support.logs import Entry, log_of
from tests.support.workers import TOPIC, MemoryConsumer, MortalPublisher, Site, Worker, _worker


def written(entries: Sequence[Entry], path: Path) -> Path:
    """The good events of a tape as a log of JSON lines, in the order of their arrival."""
    told = [read(entry.value, entry.key, ANY_TIME) for entry in entries]
    lines = [
        entry.value
        for entry, touch in zip(entries, told, strict=True)
        if entry.value is not None and not isinstance(touch, Rejected) and touch.kind not in RESERVED
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def arrived(entries: Sequence[Entry], next_offsets: Sequence[int], cut: int) -> list[list[LogRecord]]:
    """What of a tape arrives at the cut or later, by partition, from the fences on."""
    found = []
    for partition, next_offset in enumerate(next_offsets):
        mine = [entry for entry in entries if entry.partition == partition]
        first = next((n for n, entry in enumerate(mine) if entry.timestamp >= cut), len(mine))
        found.append(log_of([(e.timestamp, e.key, e.value) for e in mine[first:]], next_offset))
    return found


def as_logs(course: Course) -> list[list[LogRecord]]:
    """A course as whole partitions."""
    rounds = list(course.rounds())
    return [[record for one in rounds for record in one[n]] for n in range(len(rounds[0]))]


class Past:
    """A log's history, and the same as partitions."""

    def __init__(
        self,
        log: Path,
        cut: int,
        settings: EngineSettings,
        next_offsets: Sequence[int],
        scratch: Path,
        mode: str = "replay",
    ) -> None:
        scratch.mkdir(exist_ok=True)
        self.history: History = gather(str(log), cut, len(next_offsets), scratch)
        self.course = Course(self.history, settings, next_offsets)
        self.logs = as_logs(self.course)
        creation = creation_of(LogFacts(0, 0, "topic-id", len(next_offsets), None), mode, settings, cut)
        self.wanted = Plan(SCHEMA, cut, self.history.events, self.history.digest, creation)
        self.next_offsets = list(next_offsets)
        self.again = PastLog(cut, self.course.starts, self.next_offsets, self.course.rounds)
        """As a rebuild or a verification reads it."""


class Backfiller(Worker):
    """A process that backfills. It may be told to die at a crash point, as a worker."""

    def __init__(self, site: Site, past: Past, crash: str = "", batch_records: int = 50) -> None:
        super().__init__(site, crash)
        self._past, self._batch_records = past, batch_records

    async def backfill(self) -> Done | None:
        """None when it has died on the way."""
        return await asyncio.create_task(self._backfill())

    async def _backfill(self) -> Done | None:
        _worker.set(self)
        site, past = self.site, self._past
        limits = (site.outbox_limit, site.clock_ahead_limit_s)
        shards = ShardSettings(site.settings, site.mode, TOPIC, *limits, backfill_until=past.history.until)
        settings = BackfillSettings(
            shards,
            LearnerSettings(
                site.settings, KafkaConnection(""), "examples", len(site.logs), site.schema, "read_committed"
            ),
            lambda shard: MortalPublisher(self, shard),
            lambda partition: None,
            lambda told: MemoryConsumer(site.public),
            self._batch_records,
        )

        async def next_offsets() -> list[int]:
            return past.next_offsets

        async def nobody_works() -> None:
            return

        claimed = Checkpoint(self.mortal, NAMESPACE)
        try:
            plan = await claim(claimed, self.mortal, past.wanted, site.settings, next_offsets, nobody_works)
            return await Backfill(settings, self.mortal, plan, claimed, past.course).run()
        except asyncio.CancelledError:
            if not self.crashed:
                raise
            return None
