"""Reads the ends of output partitions: which of a shard's entries are published already.

Offsets do not tell: transaction markers and aborted records occupy them, and a loopback partition has other senders.
So a tail is read backwards in growing steps until one of the shard's own records is found that is old enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.kafka.access import rights_missing
from streams.kafka.clients import async_reader
from streams.kafka.errors import translated
from streams.kafka.open_transactions import LogEnd
from streams.kafka.security import KafkaConnection

FIRST_STEP, STEP_GROWTH = 50, 8
FETCH_WAIT_MS = 50


T = TypeVar("T")

Public = tuple[int, str]
"""(sequence number, id) of a published entry."""
PublishedEntry = tuple[int, str, bytes]
"""The same, with its value."""


class TailReader:
    """Reads tails with a client of its own, opened at first use; one per process serves every shard.

    committed: read only what is committed (False for brokers without transactions).
    Every method raises BrokerRefused where a right or the credentials are not as they must be.
    timeout_s: longest time for one `read`. Another sender's open transaction holds up the readers of a shared
    partition until it times out (ten seconds, and up to ten more until the broker looks).
    """

    def __init__(self, connection: KafkaConnection, *, committed: bool = True, timeout_s: float = 30.0) -> None:
        self._connection = connection
        self._committed = committed
        self._timeout_s = timeout_s
        self._consumer: Any = None
        self._lock = asyncio.Lock()  # a consumer has one assignment

    async def read(self, sender: int, since: Mapping[TopicPartition, int]) -> dict[TopicPartition, list[Public]]:
        """The sender's public entries from since[partition] on, at least its last one if any; by sequence number.

        Raises KafkaUnavailable, BrokerRefused.
        """
        return await self._guarded(lambda: self._read(sender, since), f"reading the tails of sender {sender}")

    async def values(self, sender: int, partition: TopicPartition, since: int) -> list[bytes]:
        """The values of the sender's published entries from sequence number `since` on.

        Raises KafkaUnavailable, BrokerRefused.
        """
        found = await self._guarded(
            lambda: self._found(sender, {partition: since}), f"reading the entries of sender {sender}"
        )
        return [value for sequence, _, value in sorted(found.get(partition, ())) if sequence >= since]

    async def high_watermarks(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The ends of the logs, open transactions included. Raises KafkaUnavailable, BrokerRefused.

        From the answer to a fetch: the embedded broker's answer to the question itself is the *first* offset of the
        last batch plus one.
        """
        return await self._guarded(lambda: self._high_watermarks(list(partitions)), "reading the ends of the logs")

    async def log_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, LogEnd]:
        """The same, and up to where everything is decided. Raises KafkaUnavailable."""
        return await self._guarded(lambda: self._log_ends(list(partitions)), "reading the ends of the logs")

    async def close(self) -> None:
        async with self._lock:
            await self._close()

    async def _guarded(self, work: Callable[[], Awaitable[T]], what: str) -> T:
        async with self._lock:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await work()
            except (KafkaError, OSError, TimeoutError) as error:
                denied = self._denied()
                await self._close()
                if denied:
                    lacks = [f"Describe on topic {topic}" for topic in denied]
                    raise rights_missing(self._connection, lacks) from error
                raise await translated(error, self._connection, what, "Read") from error

    def _denied(self) -> list[str]:
        """Topics that Kafka does not show us: aiokafka asks for them until our time is over."""
        return sorted(self._consumer._client.cluster.unauthorized_topics) if self._consumer is not None else []

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _opened(self) -> Any:
        if self._consumer is None:
            self._consumer = async_reader(
                self._connection,
                isolation_level="read_committed" if self._committed else "read_uncommitted",
                fetch_max_wait_ms=FETCH_WAIT_MS,
            )
            await self._consumer.start()
        return self._consumer

    async def _read(self, sender: int, since: Mapping[TopicPartition, int]) -> dict[TopicPartition, list[Public]]:
        found = await self._found(sender, since)
        return {
            tp: _from(since[tp], sorted({(sequence, name) for sequence, name, _ in entries}))
            for tp, entries in found.items()
            if entries
        }

    async def _found(
        self, sender: int, since: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, set[PublishedEntry]]:
        if not since:
            return {}
        partitions = list(since)
        begin = await (await self._opened()).beginning_offsets(partitions)
        upper = await self._decided_ends(partitions)
        found: dict[TopicPartition, set[PublishedEntry]] = {tp: set() for tp in partitions}
        step, todo = FIRST_STEP, {tp for tp in partitions if upper[tp] > begin[tp]}
        while todo:
            ranges = {tp: (max(begin[tp], upper[tp] - step), upper[tp]) for tp in todo}
            for tp, entries in (await self._own(sender, ranges)).items():
                found[tp].update(entries)
            for tp, (low, _) in ranges.items():
                upper[tp] = low
                if low <= begin[tp] or (found[tp] and min(found[tp])[0] <= since[tp]):
                    todo.discard(tp)
            step *= STEP_GROWTH
        return found

    async def _high_watermarks(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        if not partitions:
            return {}
        consumer = await self._opened()
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for tp in partitions:
            consumer.seek(tp, ends[tp])
        while any(consumer.highwater(tp) is None for tp in partitions):
            await consumer.getmany(*partitions, timeout_ms=FETCH_WAIT_MS)
        return {tp: max(ends[tp], consumer.highwater(tp)) for tp in partitions}

    async def _log_ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, LogEnd]:
        high = await self._high_watermarks(partitions)
        if not self._committed:
            return {tp: LogEnd(end, end) for tp, end in high.items()}
        consumer = await self._opened()
        return {tp: LogEnd(end, min(end, consumer.last_stable_offset(tp))) for tp, end in high.items()}

    async def _decided_ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The ends of the logs, once all that was in them when we asked is decided.

        At read_committed a log ends at the first open transaction, whoever's it is. Own entries that were committed
        behind another sender's open transaction would look unpublished, and be published twice.
        """
        high = await self._high_watermarks(partitions)
        consumer = await self._opened()
        while self._committed and any(consumer.last_stable_offset(tp) < high[tp] for tp in partitions):
            await consumer.getmany(*partitions, timeout_ms=FETCH_WAIT_MS)
        return high

    async def _own(
        self, sender: int, ranges: Mapping[TopicPartition, tuple[int, int]]
    ) -> dict[TopicPartition, list[PublishedEntry]]:
        consumer = await self._opened()
        consumer.assign(list(ranges))
        for tp, (low, _) in ranges.items():
            consumer.seek(tp, low)
        own: dict[TopicPartition, list[PublishedEntry]] = {tp: [] for tp in ranges}
        mark, waiting = str(sender).encode(), set(ranges)
        while waiting:
            batches = await consumer.getmany(*waiting, timeout_ms=200)
            for tp, records in batches.items():
                for record in records:
                    headers = dict(record.headers)
                    if record.offset < ranges[tp][1] and headers.get("sender") == mark:
                        own[tp].append((int(headers["count"]), headers["id"].decode(), record.value))
            for tp in list(waiting):  # the position, not the last record: the range may end in markers
                if await consumer.position(tp) >= ranges[tp][1]:
                    waiting.discard(tp)
        return own


def _from(since: int, publics: list[Public]) -> list[Public]:
    wanted = [public for public in publics if public[0] >= since]
    return wanted or publics[-1:]
