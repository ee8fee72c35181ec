"""Reads what a shard has published, in order, as it is compared: never more than a fetch of it is in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from models.outputs import IN_FORCE
from streams.kafka.errors import kafka_call
from streams.kafka.security import KafkaConnection

FETCH_MS = 500
MOST = 5_000


class PublicEntry(NamedTuple):
    """An output on its topic."""

    sequence: int
    id: str
    value: bytes


class PublicOutputs:
    """One shard's outputs, role by role, from the beginning of their topics.

    Args:
        connection: brokers and security.
        consumer: assigned by hand, not started.
        topics: role to topic name.
        shard: its number.
    """

    def __init__(self, connection: KafkaConnection, consumer: Any, topics: Mapping[str, str], shard: int) -> None:
        self._connection, self._consumer, self._shard = connection, consumer, shard
        self._tps = {role: TopicPartition(topic, shard) for role, topic in topics.items()}
        self._heads: dict[str, deque[PublicEntry]] = {role: deque() for role in topics}
        self._starts: dict[str, int] = {}

    async def open(self) -> None:
        """Raises KafkaUnavailable, BrokerRefused."""
        async with kafka_call(self._connection, "reading what is published", "Read"):
            await self._consumer.start()
            tps = list(self._tps.values())
            self._consumer.assign(tps)
            starts = await self._consumer.beginning_offsets(tps)
            for role, tp in self._tps.items():
                self._starts[role] = starts[tp]
                self._consumer.seek(tp, starts[tp])

    async def close(self) -> None:
        await self._consumer.stop()

    def shortened(self, role: str) -> bool:
        """Whether Kafka has deleted the first outputs of a role."""
        return self._starts[role] > 0

    async def head(self, role: str) -> PublicEntry:
        """The next published output of a role; waits for one. Raises KafkaUnavailable, BrokerRefused."""
        heads = self._heads[role]
        while not heads:
            async with kafka_call(self._connection, "reading what is published", "Read"):
                found = await self._consumer.getmany(self._tps[role], timeout_ms=FETCH_MS, max_records=MOST)
            for records in found.values():
                heads.extend(entry for record in records if (entry := self._entry(record)) is not None)
        return heads[0]

    def passed(self, role: str) -> None:
        """Its head was compared."""
        self._heads[role].popleft()

    async def adoptions(self, last: int, since: int = 1) -> list[bytes]:
        """The decisions about model versions that came into force, of sequence numbers `since` to `last`.

        Before the first look at a head: it reads the decisions from their beginning and goes back there.
        """
        tp, found = self._tps["decisions"], list[bytes]()
        async for entry in self._until(last):
            if entry.sequence >= since and IN_FORCE.encode() in entry.value:
                found.append(entry.value)
        self._heads["decisions"].clear()
        self._consumer.seek(tp, self._starts["decisions"])
        return found

    async def _until(self, last: int) -> AsyncIterator[PublicEntry]:
        sequence = 0
        while sequence < last:
            entry = await self.head("decisions")
            self.passed("decisions")
            sequence = entry.sequence
            if sequence <= last:
                yield entry

    def _entry(self, record: Any) -> PublicEntry | None:
        headers = dict(record.headers)
        if headers.get("sender", b"%d" % self._shard) != b"%d" % self._shard:
            return None
        return PublicEntry(int(headers["count"]), headers["id"].decode(), record.value)
