"""Reads input partitions in rounds: no partition is read further in log time than the others.

So the model versions that shards ask for lie close together, and few of them have to be kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Any, Protocol

from aiokafka import TopicPartition

from models.timeline.batch import LogRecord
from streams.kafka.errors import kafka_call
from streams.kafka.security import KafkaConnection

FETCH_MS = 200
MOST = 20_000
"""Records of all partitions in one fetch."""


class Rounds(Protocol):
    """The records of input partitions, in rounds.

    Implemented by LogRounds and _HistoryFirst.
    """

    async def open(self) -> None:
        """Raises KafkaUnavailable, BrokerRefused."""

    async def close(self) -> None: ...
    def leave(self, partition: int) -> None:
        """Read nothing more of a partition."""

    async def next(self) -> dict[int, list[LogRecord]]:
        """The next round, by partition; nothing at the end. Raises KafkaUnavailable, BrokerRefused."""


class LogRounds:
    """The records of input partitions from given offsets to given ends, in rounds.

    Args:
        connection: brokers and security.
        consumer: assigned by hand, not started.
        topic: the input's name.
        starts: by partition, the first offset to read.
        ends: by partition, the offset to stop before.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        consumer: Any,
        topic: str,
        starts: Mapping[int, int],
        ends: Mapping[int, int],
    ) -> None:
        self._connection, self._consumer, self._topic = connection, consumer, topic
        self._starts, self._ends = dict(starts), dict(ends)
        self._buffers: dict[int, deque[tuple[float, LogRecord]]] = {n: deque() for n in starts}
        self._reached = dict.fromkeys(starts, -inf)
        self._ended = {n for n in starts if starts[n] >= ends[n]}

    async def open(self) -> None:
        """Raises KafkaUnavailable, BrokerRefused."""
        async with kafka_call(self._connection, "reading the input", "Read"):
            await self._consumer.start()
            self._consumer.assign([self._tp(n) for n in self._starts])
            for n, start in self._starts.items():
                self._consumer.seek(self._tp(n), start)

    async def close(self) -> None:
        await self._consumer.stop()

    def leave(self, partition: int) -> None:
        """Read nothing more of a partition."""
        self._ended.add(partition)
        self._buffers[partition].clear()

    async def next(self) -> dict[int, list[LogRecord]]:
        """The next round, by partition; nothing at the end. Raises KafkaUnavailable, BrokerRefused."""
        await self._fill()
        unread = self._buffers.keys() - self._ended
        horizon = min((self._buffers[n][-1][0] for n in unread), default=inf)
        taken: dict[int, list[LogRecord]] = {}
        for n, buffer in self._buffers.items():
            records = []
            while buffer and buffer[0][0] <= horizon:
                records.append(buffer.popleft()[1])
            if records:
                taken[n] = records
        return taken

    async def _fill(self) -> None:
        """Until each partition that has not ended has a record here."""
        while wanting := [n for n, buffer in self._buffers.items() if not buffer and n not in self._ended]:
            async with kafka_call(self._connection, "reading the input", "Read"):
                found = await self._consumer.getmany(*map(self._tp, wanting), timeout_ms=FETCH_MS, max_records=MOST)
                for tp, records in found.items():
                    self._take(tp.partition, records)
                for n in wanting:
                    # The position, not the last record: a log may end in markers of transactions.
                    if await self._consumer.position(self._tp(n)) >= self._ends[n]:
                        self._ended.add(n)

    def _take(self, partition: int, records: list[Any]) -> None:
        reached, buffer = self._reached[partition], self._buffers[partition]
        for record in records:
            if record.offset < self._ends[partition]:
                reached = max(reached, record.timestamp)
                read = LogRecord(record.offset, record.timestamp, record.key, record.value, record.headers)
                buffer.append((reached, read))
        self._reached[partition] = reached

    def _tp(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)
