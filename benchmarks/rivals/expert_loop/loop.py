"""The loop: fetch, decode, one kernel, one MULTI a batch; triggers from an outbox in Kafka transactions.

Exactly once: a batch's records, offsets and triggers (an outbox) are one MULTI, which a WATCH on the owner's epoch
guards. Triggers are published from the outbox in a transaction that also commits the offsets up to which they are
public, and the outbox is trimmed in the next MULTI. While Redis works for one batch, the next is fetched and decoded.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

import msgspec
import numpy as np
from aiokafka import TopicPartition

from benchmarks.baselines import Ran
from benchmarks.rivals.expert_loop.arguments import MODEL, Batch, Opened
from benchmarks.rivals.expert_loop.columns import CLOCK, Columns, columns
from benchmarks.rivals.expert_loop.fetching import By, fetched
from benchmarks.rivals.expert_loop.kernel import apply
from benchmarks.rivals.expert_loop.records import Records
from benchmarks.rivals.expert_loop.redis_connection import Command, RedisConnection

EPOCH, OFFSETS, OUTBOX = "{the-expert}:epoch", "{the-expert}:offsets", "{the-expert}:outbox"
GROUP = "the-expert"

Entry = tuple[bytes, bytes]
"""Key and value of a trigger."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is about. starts, ends: offsets by partition. rows: of the array of records."""

    bootstrap_servers: str
    redis_host: str
    redis_port: int
    redis_database: int
    topic: str
    triggers: str
    starts: list[int]
    ends: list[int]
    batch_records: int
    fetch_by: By
    keep_records: bool
    rows: int
    result: str


class Outcome(Ran, frozen=True, kw_only=True):
    """What a run came to. rss: most resident bytes."""

    duplicates: int
    rss: int


class Fenced(Exception):
    """Another process owns the records now: its epoch is in Redis."""


class Sent(NamedTuple):
    """A commit on its way. replies: how many it will have. trimmed: entries it takes from the outbox."""

    replies: int
    upto: dict[int, int]
    entries: list[Entry]
    trimmed: int
    touchpoints: int


class Loop:
    """One worker for all partitions, which are its own: there is no group."""

    def __init__(self, told: Told, redis: RedisConnection, epoch: bytes, producer: Any) -> None:
        self._told, self._redis, self._epoch, self._producer = told, redis, epoch, producer
        self._records = Records(told.rows, kept=told.keep_records)
        self._queue: asyncio.Queue[tuple[Columns, dict[int, int]]] = asyncio.Queue(1)
        self._sent: Sent | None = None
        self._done = dict(enumerate(told.starts))
        self._unpublished: list[Entry] = []
        self._published = 0
        """Entries that are public and still in the outbox."""
        self._wake, self._over = asyncio.Event(), False
        self.began = self.cpu_began = 0.0
        self.touchpoints = self.duplicates = self.triggers = 0

    async def run(self) -> None:
        """Until every partition's end is committed. Raises Fenced, SlowWay, Full."""
        reading = asyncio.create_task(self._read())
        self._publishing = asyncio.create_task(self._publish())
        working = asyncio.create_task(self._work())
        done, _ = await asyncio.wait({reading, self._publishing, working}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        reading.cancel()

    async def published(self) -> None:
        """Return when all triggers are public."""
        self._over = True
        self._wake.set()
        await self._publishing

    async def _read(self) -> None:
        told = self._told
        batches = fetched(told.bootstrap_servers, told.topic, told.starts, told.batch_records, told.fetch_by)
        async for batch in batches:
            if not self.began:
                self.began, self.cpu_began = time.time(), time.process_time()
            await self._queue.put((columns(batch.values, batch.stamps), batch.upto))

    async def _work(self) -> None:
        while any(self._done[partition] < end for partition, end in enumerate(self._told.ends)):
            if self._sent is not None and self._queue.empty():
                await self._confirm(self._sent)
            else:
                await self._step(*await self._queue.get())

    async def _step(self, batch: Columns, upto: dict[int, int]) -> None:
        rows, unread = self._records.place(batch.customers)
        ask: list[Command] = [("WATCH", EPOCH), ("GET", EPOCH)]
        if unread:
            ask.append(("MGET", *unread))
        self._redis.send(ask)
        if self._sent is not None:  # its commit went out before these on the same connection
            await self._confirm(self._sent)
        _, epoch, *values = await self._redis.replies(len(ask))
        if epoch != self._epoch:
            raise Fenced(f"the epoch is {epoch!r}, ours {self._epoch!r}")
        if unread:
            self._records.fill(values[0])
        clocks = batch.kinds == CLOCK
        rows[clocks] = -1
        entries = self._applied(batch, rows)
        commit: list[Command] = [("MULTI",)]
        if parts := self._records.packed(rows[~clocks]):
            commit.append(("MSET", *parts))
        commit.append(("HSET", OFFSETS, *(str(part) for pair in upto.items() for part in pair)))
        if entries:
            commit.append(("RPUSH", OUTBOX, *(value for _, value in entries)))
        if self._published:
            commit.append(("LTRIM", OUTBOX, str(self._published), "-1"))
        commit.append(("EXEC",))
        self._redis.send(commit)
        self._sent = Sent(len(commit), upto, entries, self._published, len(rows) - int(clocks.sum()))

    def _applied(self, batch: Columns, rows: Any) -> list[Entry]:
        """The kernel over a batch; its triggers."""
        opened = Opened(np.empty(len(rows), np.int64), np.empty(len(rows)))
        given = Batch(rows, *batch[2:])
        triggers, duplicates = apply(self._records.array, given, MODEL, opened)
        self.triggers += triggers
        self.duplicates += duplicates
        found = zip(opened.at[:triggers].tolist(), opened.probabilities[:triggers].tolist(), strict=True)
        return [_trigger(batch, at, probability) for at, probability in found]

    async def _confirm(self, sent: Sent) -> None:
        replies = await self._redis.replies(sent.replies)
        if replies[-1] is None:
            raise Fenced("the epoch has changed since it was looked at")
        self._sent = None
        self._published -= sent.trimmed
        self._done |= sent.upto
        self.touchpoints += sent.touchpoints
        if sent.entries:
            self._unpublished += sent.entries
            self._wake.set()

    async def _publish(self) -> None:
        while not (self._over and not self._unpublished):
            await self._wake.wait()
            self._wake.clear()
            entries, self._unpublished = self._unpublished, []
            if entries:
                await self._transaction(entries, dict(self._done))
                self._published += len(entries)

    async def _transaction(self, entries: list[Entry], done: dict[int, int]) -> None:
        offsets = {TopicPartition(self._told.topic, partition): offset for partition, offset in done.items()}
        async with self._producer.transaction():
            for key, value in entries:
                await self._producer.send(self._told.triggers, value, key)
            await self._producer.send_offsets_to_transaction(offsets, GROUP)


def _trigger(batch: Columns, at: int, probability: float) -> Entry:
    event = batch.events[at]
    value = {
        "specversion": "1.0",
        "type": "retention.trigger",
        "source": "urn:the-expert",
        "id": f"{int(batch.hashes[at]):x}",
        "subject": event.subject,
        "time": int(batch.nows[at]),
        "data": {"probability": probability, "opener": event.id},
    }
    return event.subject.encode(), msgspec.json.encode(value)
