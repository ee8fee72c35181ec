"""Single requests to the leaders of partitions: the bounds of logs, and what stands from an offset on. Nothing waits.

A consumer has one assignment, and waits for records where a log has ended: who asks many logs for a little queues up
before it. Here each question is a request that the broker answers at once. Each broker has a connection and a queue of
its own, and each partition an answer of its own, so one that cannot be reached delays only those who ask for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, PartitionRecords
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords

from streams.kafka.access import rights_missing
from streams.kafka.clients import async_connection, async_metadata
from streams.kafka.security import KafkaConnection

REQUEST_S: Final = 10.0
"""A broker that has not answered for so long is taken for dead, until it is asked again."""
LOOK_S: Final = 2 * REQUEST_S
"""For finding out who leads: a broker that does not answer may be asked first."""
FETCH_BYTES: Final = 1 << 20
"""Of one partition in one answer, and twice that of all of them: so much is in memory for each broker."""
WAIT_MS: Final = 50
"""Kafka does not wait where no bytes are asked for. The embedded broker does, and needs it for its answer."""
EARLIEST, LATEST = -2, -1
UNREACHED = (KafkaError, OSError, TimeoutError)

T = TypeVar("T")
Answers = dict[TopicPartition, T | Exception]
"""By partition what its leader says, or why it could not be asked."""


class Fetched(NamedTuple):
    """What stood in a log from an offset on, as far as it fitted.

    records: aiokafka's, without markers and what was aborted. position: where to go on. high: the high watermark.
    stable: the last stable offset; below 0 from brokers without transactions.
    """

    records: list[Any]
    position: int
    high: int
    stable: int


class _Broker:
    """A connection, and the queue before it: Kafka works on the requests of a connection one after the other."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.connection: Any = None
        self.failed = -1.0


class LogRequests:
    """Asks with clients of its own, opened at first use. committed: of records only what is committed.

    Each method answers for each partition by itself, and raises BrokerRefused where a topic is not shown to us, and one
    of UNREACHED while no broker can be reached at all.
    """

    def __init__(self, connection: KafkaConnection, *, committed: bool) -> None:
        self._connection = connection
        self._isolation = READ_COMMITTED if committed else READ_UNCOMMITTED
        self._metadata: Any = None
        self._starting = asyncio.Lock()
        self._topics: set[str] = set()
        self._doubted: set[TopicPartition] = set()
        self._brokers: dict[int, _Broker] = {}

    async def starts(self, partitions: Iterable[TopicPartition]) -> Answers[int]:
        """The first offset of each log."""
        return await self._offsets(partitions, EARLIEST)

    async def ends(self, partitions: Iterable[TopicPartition]) -> Answers[int]:
        """The high watermark of each log (the embedded broker's: the *first* offset of its last batch and one; `fetch`
        there tells the true one)."""
        return await self._offsets(partitions, LATEST)

    async def fetch(self, positions: Mapping[TopicPartition, int]) -> Answers[Fetched]:
        """What stands from positions[partition] on."""

        def request(asked: list[TopicPartition]) -> FetchRequest:
            topics = _by_topic({tp: (tp.partition, positions[tp], FETCH_BYTES) for tp in asked})
            return FetchRequest(WAIT_MS, 0, 2 * FETCH_BYTES, self._isolation, topics)

        def read(tp: TopicPartition, told: list[Any]) -> Fetched:
            high, stable, aborted = told[0], told[1], told[3 if len(told) > 4 else 2]
            memory = MemoryRecords(told[-1])
            unpacked = PartitionRecords(tp, memory, aborted, positions[tp], None, None, True, self._isolation)
            return Fetched(list(unpacked), unpacked.next_fetch_offset, high, stable)

        return await self._asked(positions, request, read)

    async def _offsets(self, partitions: Iterable[TopicPartition], moment: int) -> Answers[int]:
        def request(asked: list[TopicPartition]) -> OffsetRequest:
            return OffsetRequest(-1, READ_UNCOMMITTED, _by_topic({tp: (tp.partition, moment) for tp in asked}))

        return await self._asked(partitions, request, lambda tp, told: int(told[-1]))

    async def _asked(
        self,
        partitions: Iterable[TopicPartition],
        request: Callable[[list[TopicPartition]], Any],
        read: Callable[[TopicPartition, list[Any]], T],
    ) -> Answers[T]:
        """Ask the leader of each partition. read: makes of a partition's part of the answer, behind its error code, the
        result."""
        found: Answers[T] = {}

        async def of(leader: int, asked: list[TopicPartition]) -> None:
            try:
                answer = await self._answer(metadata, leader, request(asked))
            except UNREACHED as error:
                found.update(dict.fromkeys(asked, error))
                return
            for topic, parts in answer.topics:
                for partition, code, *told in parts:
                    tp = TopicPartition(topic, partition)
                    try:
                        found[tp] = for_code(code)(topic) if code else read(tp, told)
                    except KafkaError as error:  # damaged on the way
                        found[tp] = error
            for tp in asked:
                found.setdefault(tp, NodeNotReadyError(f"broker {leader} says nothing of {tp.topic} {tp.partition}"))

        metadata = await self._started()
        leaders = await self._leaders(metadata, partitions, found)
        await asyncio.gather(*(of(leader, asked) for leader, asked in leaders.items()))
        self._doubted.update(tp for tp, answer in found.items() if isinstance(answer, Exception))
        return found

    async def _leaders(
        self, metadata: Any, partitions: Iterable[TopicPartition], found: Answers[T]
    ) -> dict[int, list[TopicPartition]]:
        """The partitions by their leader; those without one have their error in `found`."""
        wanted = list(partitions)
        lost = {tp for tp in wanted if tp in self._doubted or metadata.cluster.leader_for_partition(tp) in (None, -1)}
        if lost and await self._looked_up(metadata, {tp.topic for tp in lost}):
            self._doubted -= lost
        by_leader: dict[int, list[TopicPartition]] = {}
        for tp in wanted:
            leader = metadata.cluster.leader_for_partition(tp)
            if tp in self._doubted:
                found[tp] = KafkaConnectionError(f"no broker says who leads {tp.topic} {tp.partition}")
            elif leader in (None, -1):
                found[tp] = LeaderNotAvailableError(f"{tp.topic} {tp.partition} has no leader")
            else:
                by_leader.setdefault(leader, []).append(tp)
        return by_leader

    async def _looked_up(self, metadata: Any, topics: set[str]) -> bool:
        """Ask anew who leads; whether anybody answered. Raises TimeoutError, BrokerRefused."""
        if topics <= self._topics:
            looking = metadata.force_metadata_update()
        else:
            self._topics = self._topics | topics  # another set: aiokafka sees by it that an answer is out of date
            looking = metadata.set_topics(self._topics)
        try:
            async with asyncio.timeout(LOOK_S):
                answered = await looking
        except TimeoutError:  # aiokafka's task that asks may be gone
            await self._drop(metadata)
            raise
        if denied := sorted(metadata.cluster.unauthorized_topics & topics):
            raise rights_missing(self._connection, [f"Describe on topic {topic}" for topic in denied])
        return bool(answered)

    async def _started(self) -> Any:
        async with self._starting:
            if self._metadata is None:
                metadata = async_metadata(self._connection, request_timeout_ms=int(1000 * REQUEST_S))
                await _or_closed(metadata.bootstrap(), metadata.close)
                self._metadata = metadata  # only now: a start may fail, or be cancelled
            return self._metadata

    async def _drop(self, metadata: Any) -> None:
        if metadata is self._metadata:
            self._metadata, self._topics = None, set()
            await metadata.close()

    async def _answer(self, metadata: Any, leader: int, request: Any) -> Any:
        broker = self._brokers.setdefault(leader, _Broker())
        asked = time.monotonic()
        async with broker.lock:
            if broker.failed > asked:  # who stood in the queue need not find out once more
                raise NodeNotReadyError(f"broker {leader} does not answer")
            try:
                if broker.connection is None or not broker.connection.connected():
                    at = metadata.cluster.broker_metadata(leader)
                    if at is None:
                        raise NodeNotReadyError(f"broker {leader} is not known")
                    broker.connection = await async_connection(
                        self._connection, at.host, at.port, request_timeout_ms=int(1000 * REQUEST_S)
                    )
                return await broker.connection.send(request)
            except UNREACHED:
                broker.failed = time.monotonic()
                if broker.connection is not None:
                    broker.connection.close()
                raise

    async def close(self) -> None:
        brokers, self._brokers = self._brokers, {}
        self._doubted = set()
        for broker in brokers.values():
            if broker.connection is not None:
                broker.connection.close()
        if self._metadata is not None:
            await self._drop(self._metadata)


async def _or_closed(start: Awaitable[Any], close: Callable[[], Awaitable[Any]]) -> None:
    try:
        await start
    except BaseException:
        await close()
        raise


def _by_topic(parts: Mapping[TopicPartition, T]) -> list[tuple[str, list[T]]]:
    topics: dict[str, list[T]] = {}
    for tp, part in parts.items():
        topics.setdefault(tp.topic, []).append(part)
    return list(topics.items())
