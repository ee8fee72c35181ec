"""An examples topic of the test's own: in memory, on Apache Kafka (in transactions), on the embedded broker."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from models.settings import EngineSettings
from streams.kafka.security import KafkaConnection
from streams.learner.example_reader import LearnerSettings, kafka_consumer
from streams.outbox.entry import Destination, Entry
from streams.outbox.fake import FakeLog
from tests.support.servers import Broker
from tests.support.workers import MemoryConsumer
from tests.unit.streams.conftest import short_pauses

__all__ = ["short_pauses"]

Emitted = tuple[int, bytes]
"""count, value of a message."""


class Examples(Protocol):
    """What a test does with the topic."""

    def settings(self, engine: EngineSettings, schema: str) -> LearnerSettings: ...
    def consumer(self, settings: LearnerSettings) -> Any: ...
    async def append(self, shard: int, messages: Sequence[Emitted]) -> None: ...
    async def forget(self, shard: int, before: int) -> None:
        """What the broker's retention does to the messages below an offset."""


@dataclass
class MemoryExamples:
    partitions: int
    log: FakeLog = field(default_factory=FakeLog)
    starts: dict[int, int] = field(default_factory=dict)

    def settings(self, engine: EngineSettings, schema: str) -> LearnerSettings:
        return LearnerSettings(engine, KafkaConnection(""), "examples", self.partitions, schema, "read_committed")

    def consumer(self, settings: LearnerSettings) -> Any:
        return MemoryConsumer(self.log, self.starts)

    async def append(self, shard: int, messages: Sequence[Emitted]) -> None:
        place = Destination("examples", shard)
        entries = [(shard, Entry("examples", shard, count, "", b"", value, 0)) for count, value in messages]
        self.log.records.setdefault(place, []).extend(entries)

    async def forget(self, shard: int, before: int) -> None:
        self.starts[shard] = before


@dataclass
class BrokerExamples:
    partitions: int
    bootstrap_servers: str
    transactional: bool
    topic: str
    producer: Any

    def settings(self, engine: EngineSettings, schema: str) -> LearnerSettings:
        isolation = "read_committed" if self.transactional else "read_uncommitted"
        return LearnerSettings(
            engine, KafkaConnection(self.bootstrap_servers), self.topic, self.partitions, schema, isolation
        )

    def consumer(self, settings: LearnerSettings) -> Any:
        return kafka_consumer(settings)

    async def append(self, shard: int, messages: Sequence[Emitted]) -> None:
        if self.transactional:
            async with self.producer.transaction():
                await self._send(shard, messages)
        else:
            await self._send(shard, messages)

    async def _send(self, shard: int, messages: Sequence[Emitted]) -> None:
        sent = [
            await self.producer.send(self.topic, value, partition=shard, headers=[("count", b"%d" % count)])
            for count, value in messages
        ]
        await asyncio.gather(*sent)

    async def forget(self, shard: int, before: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        await admin.delete_records({TopicPartition(self.topic, shard): RecordsToDelete(before_offset=before)})
        await admin.close()


class SmallFetches:
    """A consumer that hands out a few messages at a time, and notes which partitions are paused."""

    def __init__(self, consumer: Any, most: int) -> None:
        self._consumer, self._most = consumer, most
        self.pauses: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def pause(self, tp: TopicPartition) -> None:
        self.pauses.append(tp.partition)
        self._consumer.pause(tp)

    async def getmany(self, timeout_ms: int) -> Any:
        return await self._consumer.getmany(timeout_ms=timeout_ms, max_records=self._most)


Opened = Callable[[int], AbstractAsyncContextManager[Examples]]


@asynccontextmanager
async def on_broker(broker: Broker, partitions: int, transactional: bool) -> AsyncIterator[Examples]:
    topic = f"learner-{uuid.uuid4().hex[:12]}.examples"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, partitions, 1)])
    await admin.close()
    await asyncio.sleep(0.3)
    told: dict[str, Any] = {"transactional_id": topic} if transactional else {}
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, acks="all", **told)
    await producer.start()
    try:
        yield BrokerExamples(partitions, broker.bootstrap_servers, transactional, topic, producer)
    finally:
        await producer.stop()


@asynccontextmanager
async def in_memory(partitions: int) -> AsyncIterator[Examples]:
    yield MemoryExamples(partitions)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka), "tansu"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """`async with opened(partitions) as examples`."""
    if request.param == "memory":
        return in_memory
    broker: Broker = request.getfixturevalue(request.param)
    return lambda partitions: on_broker(broker, partitions, request.param == "kafka")
