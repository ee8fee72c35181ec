"""Kafka publishers of a shard's outbox: with transactions, and without for brokers that lack them.

`KafkaPublisher` publishes each `send` as one transaction under the shard's transactional id:

 1. begin                       (`publish.1.begun`)
 2. queue every batch           (`publish.2.filled`)
 3. wait until the broker has acknowledged every one of them; only then may the transaction be committed, since
    aiokafka commits a transaction of which a batch has failed     (`publish.3.flushed`)
 4. commit                      (`publish.4.committed`)

Dying anywhere leaves an open transaction at most, which the next `start` of the shard aborts, wherever it is.
`PlainPublisher` is for brokers without transactions: at least once, with the same ids.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
)
from aiokafka.errors import ProducerFenced as AiokafkaProducerFenced

from streams.crash_points import point
from streams.kafka.access import BrokerRefused
from streams.kafka.clients import async_producer
from streams.kafka.errors import KafkaUnavailable, ProducerFenced, translated
from streams.kafka.security import KafkaConnection
from streams.kafka.tails import TailReader
from streams.kafka.transactions import FAILURES, REFUSALS
from streams.outbox.batch_sizes import BATCH_BYTES, BatchSizes
from streams.outbox.entry import TRANSACTION_S, Destination, Entry

logger = logging.getLogger(__name__)

STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class PublisherSettings:
    """What the publishers of all shards share.

    topics: role -> topic name. limits: bytes of a batch that a topic takes, by topic, as far as they are known.
    keep_time: the entry's time becomes the record's timestamp (replay mode). timeout_s: of one call.
    transaction_timeout_ms: an open transaction holds up every reader of its partitions for this long.
    """

    connection: KafkaConnection
    topics: Mapping[str, str]
    limits: Mapping[str, int] = field(default_factory=dict)
    keep_time: bool = False
    timeout_s: float = 20.0
    transaction_timeout_ms: int = int(1000 * TRANSACTION_S)


class _Producer(ABC):
    """What both publishers share: the aiokafka producer's life, and filling batches."""

    def __init__(self, settings: PublisherSettings, shard: int, tails: TailReader) -> None:
        self._settings, self._shard, self._tails = settings, shard, tails
        self._topics = dict(settings.topics)
        self._roles = {topic: role for role, topic in self._topics.items()}
        self._timeout_s = settings.timeout_s
        self._sizes = BatchSizes(settings.limits)
        self._producer: Any = None
        self.throttled_s = 0.0

    async def _open(self, **settings: Any) -> None:
        await self.stop()
        producer = self._producer = async_producer(
            self._settings.connection,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(1000 * self._timeout_s),
            **settings,
        )
        producer.client.send = self._listening(producer.client.send)
        try:
            async with asyncio.timeout(self._timeout_s):
                await producer.start()
        except BaseException:
            await self.stop()
            raise

    def _listening(self, send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """aiokafka keeps to itself for how long Kafka, which enforces its quotas, will not listen to us."""

        async def listen(*request: Any, **how: Any) -> Any:
            answer = await send(*request, **how)
            self.throttled_s += getattr(answer, "throttle_time_ms", 0) / 1000
            return answer

        return listen

    async def send(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        producer = self._started()
        self.throttled_s = 0.0
        try:
            # Retries inside aiokafka have no end while the broker is away. Never `wait_for`, here and elsewhere: up to
            # Python 3.11 it loses a cancellation that comes with the result, and the end of an ownership with it.
            async with asyncio.timeout(self._timeout_s):
                await self._deliver(producer, entries)
        except KafkaUnavailable:
            await self.stop()
            raise
        except FAILURES as error:
            await self.stop()  # the producer's state is in doubt: only a new one may go on
            raise await self._translated("send", error) from error

    @abstractmethod
    async def _deliver(self, producer: Any, entries: Sequence[Entry]) -> None:
        """Make the entries public, all in order; raises one of `FAILURES` when that is in doubt."""

    async def stop(self) -> None:
        """Close within seconds. A transaction left open is aborted by the next `start` of the shard."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(STOP_S):
                await producer.stop()
        except (KafkaError, OSError, TimeoutError) as error:
            logger.info("publisher of shard %d stopped the hard way: %r", self._shard, error)
            # aiokafka's sender goes on retrying otherwise: without its connections it can send nothing more.
            if producer._sender.sender_task is not None:
                producer._sender.sender_task.cancel()
            await producer.client.close()
        _look_at_failures(producer)

    async def public(self, since: Mapping[Destination, int]) -> dict[Destination, list[tuple[int, str]]]:
        wanted = {TopicPartition(self._topics[d.topic], d.partition): sequence for d, sequence in since.items()}
        found = await self._tails.read(self._shard, wanted)
        return {Destination(self._roles[tp.topic], tp.partition): list(publics) for tp, publics in found.items()}

    async def values(self, destination: Destination, since: int) -> list[bytes]:
        partition = TopicPartition(self._topics[destination.topic], destination.partition)
        return await self._tails.values(self._shard, partition, since)

    async def _acknowledged(self, answer: Any, topic: str, batch: Any) -> None:
        """Wait for the broker's word on a batch. Raises KafkaUnavailable when it is too large."""
        try:
            await answer
        except MessageSizeTooLargeError as error:
            raise self._sizes.refused(topic, batch) from error

    def _batches(self, topic: str, entries: Sequence[Entry]) -> Iterator[Any]:
        """Builders filled with the entries in order; each takes what fits, and one larger than a batch alone."""
        sender = ("sender", str(self._shard).encode())
        batch = self._producer.create_batch()
        for entry in entries:
            headers = [("count", str(entry.sequence).encode()), ("id", entry.id.encode()), sender]
            record = {
                "timestamp": entry.time if self._settings.keep_time else None,
                "key": entry.key,
                "value": entry.value,
                "headers": headers,
            }
            if not self._sizes.has_room(topic, batch, entry) or batch.append(**record) is None:
                yield batch
                batch = self._producer.create_batch()
                batch.append(**record)
        yield batch

    def _by_destination(self, entries: Sequence[Entry]) -> dict[tuple[str, int], list[Entry]]:
        grouped: dict[tuple[str, int], list[Entry]] = {}
        for entry in entries:
            grouped.setdefault((self._topics[entry.topic], entry.partition), []).append(entry)
        return grouped

    def _started(self) -> Any:
        if self._producer is None:
            raise KafkaUnavailable(f"the publisher of shard {self._shard} is not started: call start first")
        return self._producer

    async def _translated(self, what: str, error: BaseException) -> ProducerFenced | KafkaUnavailable | BrokerRefused:
        """aiokafka wraps what its sender task raised, and asserts its states after a failure."""
        for cause in (error, error.__cause__):
            if isinstance(cause, (AiokafkaProducerFenced, InvalidProducerEpoch)):
                return ProducerFenced(
                    f"shard {self._shard}, {what}: a newer owner has started its publisher, or our transaction "
                    "was open for longer than its timeout"
                )
        doing = f"publishing for shard {self._shard} ({what})"
        return await translated(error, self._settings.connection, doing, "Write")


def _look_at_failures(producer: Any) -> None:
    """Keep asyncio from logging, at some later time, failures that `send` has raised already."""
    futures = [batch._drain_waiter for batches in producer._message_accumulator._batches.values() for batch in batches]
    if producer._txn_manager is not None and producer._txn_manager._transaction_waiter is not None:
        futures.append(producer._txn_manager._transaction_waiter)
    for future in futures:
        if future.done() and not future.cancelled():
            future.exception()


class KafkaPublisher(_Producer):
    """Exactly once: a transaction per `send`, a transactional id per shard.

    transactional_id: the shard's own. tails: may be shared by all publishers of the process; must read at
    read_committed.
    """

    transactional = True

    def __init__(self, settings: PublisherSettings, shard: int, tails: TailReader, transactional_id: str) -> None:
        super().__init__(settings, shard, tails)
        self._transactional_id = transactional_id

    async def start(self) -> None:
        try:
            await self._open(
                transactional_id=self._transactional_id,
                transaction_timeout_ms=self._settings.transaction_timeout_ms,
            )
        except FAILURES as error:
            raise await self._translated("start", error) from error

    async def _deliver(self, producer: Any, entries: Sequence[Entry]) -> None:
        await producer.begin_transaction()
        point("publish.1.begun")
        sent = []
        for (topic, partition), own in self._by_destination(entries).items():
            for batch in self._batches(topic, own):
                sent.append((await producer.send_batch(batch, topic, partition=partition), topic, batch))
        point("publish.2.filled")
        await asyncio.gather(*(self._acknowledged(*one) for one in sent))
        point("publish.3.flushed")
        await producer.commit_transaction()
        point("publish.4.committed")


class PlainPublisher(_Producer):
    """At least once, for brokers without transactions; stable ids let readers drop what they have seen.

    Idempotent where the broker supports it. It cannot fence: a former owner that still runs may send again what it
    had begun to send. tails: must read at read_uncommitted.
    """

    transactional = False

    def __init__(self, settings: PublisherSettings, shard: int, tails: TailReader) -> None:
        super().__init__(settings, shard, tails)
        self._idempotent = True

    async def start(self) -> None:
        try:
            if self._idempotent:
                try:
                    await self._open(enable_idempotence=True)
                except REFUSALS:
                    self._idempotent = False
                else:
                    return
            await self._open()
        except FAILURES as error:
            raise await self._translated("start", error) from error

    async def _deliver(self, producer: Any, entries: Sequence[Entry]) -> None:
        async def one(topic: str, partition: int, own: Sequence[Entry]) -> None:
            # One at a time: a batch queued behind one that failed would leave a gap in the sequence.
            for batch in self._batches(topic, own):
                answer = await producer.send_batch(batch, topic, partition=partition)
                await self._acknowledged(answer, topic, batch)

        point("publish.1.begun")
        # What goes to other shards first: whatever is public stands for all that came before it.
        for loopback in (True, False):
            some = self._by_destination([entry for entry in entries if entry.is_loopback == loopback])
            await asyncio.gather(*(one(*where, own) for where, own in some.items()))
        point("publish.4.committed")
