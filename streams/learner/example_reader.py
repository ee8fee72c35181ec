"""Reads the examples topic for learning: all partitions, assigned by hand, committed messages only.

The learner reads it, and whoever learns a version again. Messages that are gone, missing or not ours are named errors.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from models.learning.learner import ExamplesGap, Learning
from models.settings import EngineSettings
from streams.errors import LogTruncated, StateUnreadable
from streams.kafka.clients import async_reader
from streams.kafka.errors import kafka_call
from streams.kafka.security import KafkaConnection

logger = logging.getLogger(__name__)

AHEAD = 50_000
"""Messages of one shard waiting for slower shards; its partition is paused beyond, which bounds the memory."""


FIRST_STEP, STEP_GROWTH = 1_000, 8
"""Offsets that are looked at from the end of a partition, when a message is looked for by its sequence number."""


@dataclass(frozen=True, slots=True)
class LearnerSettings:
    """Settings of the learner.

    Attributes:
        engine: the settings by which examples are learned.
        connection: brokers and security.
        examples_topic: its name.
        partitions: of the input, hence of the examples topic.
        schema: the schema hash of its model versions (models.learning.schema.schema_of).
        isolation_level: at which examples are read, as Kafka names it.
    """

    engine: EngineSettings
    connection: KafkaConnection
    examples_topic: str
    partitions: int
    schema: str
    isolation_level: str


def kafka_consumer(settings: LearnerSettings) -> Any:
    """A consumer of the examples, assigned by hand, not started."""
    return async_reader(
        settings.connection,
        isolation_level=settings.isolation_level,
        fetch_max_wait_ms=50,  # what a shard in lockstep waits for passes through here
    )


NewConsumer = Callable[[LearnerSettings], Any]


async def offsets_after(settings: LearnerSettings, sequences: Sequence[int], new_consumer: NewConsumer) -> list[int]:
    """By shard, the offset behind the message of a sequence number in its examples partition.

    Raises LogTruncated when there is none of that number any more, KafkaUnavailable, BrokerRefused.
    """
    consumer = new_consumer(settings)
    try:
        async with kafka_call(settings.connection, "finding the examples", "Read"):
            await consumer.start()
            tps = [TopicPartition(settings.examples_topic, n) for n in range(settings.partitions)]
            starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
            found = [
                await _offset_after(consumer, tp, starts[tp], ends[tp], sequence)
                for tp, sequence in zip(tps, sequences, strict=True)
            ]
    finally:
        await consumer.stop()
    return found


async def _offset_after(consumer: Any, tp: TopicPartition, start: int, end: int, sequence: int) -> int:
    """Backwards from the end, in growing steps: markers of transactions have offsets too, so it can't be reckoned."""
    step, consumed = FIRST_STEP, False
    while sequence and not consumed:
        low = max(start, end - step)
        consumed, step = low == start, step * STEP_GROWTH
        consumer.assign([tp])
        consumer.seek(tp, low)
        before = True
        while before and (fetched := (await consumer.getmany(timeout_ms=1_000)).get(tp)):
            for message in fetched:
                reached = int(dict(message.headers)["count"])
                if reached == sequence:
                    return int(message.offset) + 1
                before = reached < sequence
                if not before:
                    break
    if sequence:
        raise LogTruncated(
            f"{tp.topic} {tp.partition} has no message of sequence number {sequence} from offset {start} on"
        )
    return start


class ExamplesReader:
    """Feeds a learning from where it stands. Take the versions from it between two reads."""

    def __init__(
        self,
        settings: LearnerSettings,
        learning: Learning,
        new_consumer: NewConsumer,
        on_repeated: Callable[[int], None] = lambda sequence: None,
        begins: bool = False,
    ) -> None:
        """Feed a learning.

        Args:
            settings: of the learner.
            learning: is fed.
            new_consumer: makes the consumer.
            on_repeated: told how many messages of a fetch had been fed before.
            begins: whether it may begin with the first example that is still there.
        """
        self._begins = begins
        self._settings, self._learning, self._new_consumer = settings, learning, new_consumer
        self._on_repeated = on_repeated
        self._consumer: Any = None
        self._paused: set[int] = set()

    async def open(self) -> None:
        """May be tried again after it failed.

        Raises LogTruncated when examples not yet learned are gone, KafkaUnavailable, BrokerRefused.
        """
        consumer = self._consumer = self._new_consumer(self._settings)
        try:
            async with kafka_call(self._settings.connection, "opening the examples", "Read"):
                await self._seek(consumer)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def read(self) -> bool:
        """Feed the next messages, of any shards; False: there were none for a second.

        Raises LogTruncated when messages are gone or missing, StateUnreadable when one is not an example of ours,
        KafkaUnavailable, BrokerRefused.
        """
        self._balance()
        async with kafka_call(self._settings.connection, "reading examples", "Read"):
            try:
                fetched = await self._consumer.getmany(timeout_ms=1_000)
            except OffsetOutOfRangeError as error:
                raise LogTruncated(f"examples that were not read are gone: {error}") from error
        for tp, messages in fetched.items():
            self._feed(tp.partition, messages)
            await asyncio.sleep(0)  # a fetch may hold megabytes, and the shards share this loop
        return bool(fetched)

    async def _seek(self, consumer: Any) -> None:
        settings = self._settings
        await consumer.start()
        tps = [TopicPartition(settings.examples_topic, n) for n in range(settings.partitions)]
        consumer.assign(tps)
        starts = await consumer.beginning_offsets(tps)
        for tp, shard in zip(tps, self._learning.shards, strict=True):
            if starts[tp] > shard.offset and self._begins:
                logger.warning(
                    "examples of shard %d start at %d: this learner begins with them", tp.partition, starts[tp]
                )
                self._learning.begin_at(tp.partition, starts[tp])
                shard = self._learning.shards[tp.partition]
            if starts[tp] > shard.offset:
                raise LogTruncated(
                    f"examples of shard {tp.partition} start at {starts[tp]}, learning stands at {shard.offset}"
                )
            consumer.seek(tp, shard.offset)

    def _feed(self, shard: int, messages: Sequence[Any]) -> None:
        repeated = 0
        for message in messages:
            try:
                sequence = int(dict(message.headers)["count"])
                repeated += not self._learning.feed(shard, message.offset, sequence, message.value)
            except ExamplesGap as error:
                raise LogTruncated(str(error)) from error
            except Exception as error:
                where = f"{self._settings.examples_topic} {shard} at offset {message.offset}"
                raise StateUnreadable(f"{where} is not an example of ours: {error!r}") from error
        if repeated:
            self._on_repeated(repeated)

    def _balance(self) -> None:
        """Pause the partitions that are far ahead, and let those on that no longer are."""
        ahead = self._learning.far_ahead(AHEAD)
        for tp in self._consumer.assignment():
            if tp.partition in ahead - self._paused:
                self._consumer.pause(tp)
            elif tp.partition in self._paused - ahead:
                self._consumer.resume(tp)
        self._paused = ahead
