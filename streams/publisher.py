"""The Kafka publishers: one shard's outbox, in order, to its destinations.

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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    InvalidProducerEpoch,
    KafkaError,
    ProducerFenced,
    UnknownError,
    UnsupportedVersionError,
)

from streams.crash_points import point
from streams.kafka_access import BrokerRefused, refusal
from streams.kafka_clients import async_producer
from streams.kafka_security import KafkaConnection
from streams.outbox import Destination, Entry, PublisherFenced, PublisherUnavailable
from streams.tails import TailReader

logger = logging.getLogger(__name__)

BATCH_BYTES = 256 << 10
"""One batch is one produce request, so many entries in one save round trips; far below the broker's 1 MiB limit."""
STOP_S = 2.0
REFUSALS = (UnknownError, UnsupportedVersionError, IncompatibleBrokerVersion)
"""How a broker that does not know transactions answers InitProducerId (the embedded one: 'unknown error')."""
FAILURES = (KafkaError, OSError, TimeoutError, AssertionError)
"""AssertionError: aiokafka's transaction manager asserts its state, which a failed sender task changes under us."""


class _Producer(ABC):
    """What both publishers share: the aiokafka producer's life, and filling batches."""

    def __init__(
        self,
        connection: KafkaConnection,
        topics: Mapping[str, str],
        shard: int,
        tails: TailReader,
        *,
        keep_time: bool,
        timeout_s: float,
    ) -> None:
        self._connection = connection
        self._topics = dict(topics)
        self._roles = {topic: role for role, topic in self._topics.items()}
        self._shard = shard
        self._tails = tails
        self._keep_time = keep_time
        self._timeout_s = timeout_s
        self._producer: Any = None

    async def _open(self, **settings: Any) -> None:
        await self.stop()
        producer = self._producer = async_producer(
            self._connection,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(1000 * self._timeout_s),
            **settings,
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                await producer.start()
        except BaseException:
            await self.stop()
            raise

    async def send(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        producer = self._started()
        try:
            # Retries inside aiokafka have no end while the broker is away. Never `wait_for`, here and elsewhere: up to
            # Python 3.11 it loses a cancellation that comes with the result, and the end of an ownership with it.
            async with asyncio.timeout(self._timeout_s):
                await self._deliver(producer, entries)
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
        wanted = {TopicPartition(self._topics[d.topic], d.partition): count for d, count in since.items()}
        found = await self._tails.read(self._shard, wanted)
        return {Destination(self._roles[tp.topic], tp.partition): list(publics) for tp, publics in found.items()}

    async def values(self, destination: Destination, since: int) -> list[bytes]:
        place = TopicPartition(self._topics[destination.topic], destination.partition)
        return await self._tails.values(self._shard, place, since)

    def _batches(self, entries: Sequence[Entry]) -> Iterator[Any]:
        """Builders filled with the entries in order; each takes what fits, and one larger than a batch alone."""
        sender = ("sender", str(self._shard).encode())
        batch = self._producer.create_batch()
        for entry in entries:
            headers = [("count", str(entry.count).encode()), ("id", entry.id.encode()), sender]
            record = {
                "timestamp": entry.time if self._keep_time else None,
                "key": entry.key,
                "value": entry.value,
                "headers": headers,
            }
            if batch.append(**record) is None:
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
            raise PublisherUnavailable(f"the publisher of shard {self._shard} is not started: call start first")
        return self._producer

    async def _translated(
        self, what: str, error: BaseException
    ) -> PublisherFenced | PublisherUnavailable | BrokerRefused:
        """aiokafka wraps what its sender task raised, and asserts its states after a failure."""
        for cause in (error, error.__cause__):
            if isinstance(cause, (ProducerFenced, InvalidProducerEpoch)):
                return PublisherFenced(
                    f"shard {self._shard}, {what}: a newer owner has started its publisher, or our transaction "
                    "was open for longer than its timeout"
                )
        refused = await refusal(error, self._connection, f"publishing for shard {self._shard} ({what})", "Write")
        return refused or PublisherUnavailable(f"shard {self._shard}, {what} raised {error!r}")


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

    topics: role -> topic name. keep_time: the entry's time becomes the record's timestamp (replay mode).
    tails: may be shared by all publishers of the process; must read at read_committed.
    transaction_timeout_ms: an open transaction holds up every reader of its partitions for this long.
    """

    transactional = True

    def __init__(
        self,
        connection: KafkaConnection,
        transactional_id: str,
        topics: Mapping[str, str],
        shard: int,
        tails: TailReader,
        *,
        keep_time: bool = False,
        transaction_timeout_ms: int = 10_000,
        timeout_s: float = 20.0,
    ) -> None:
        super().__init__(connection, topics, shard, tails, keep_time=keep_time, timeout_s=timeout_s)
        self._transactional_id = transactional_id
        self._transaction_timeout_ms = transaction_timeout_ms

    async def start(self) -> None:
        try:
            await self._open(
                transactional_id=self._transactional_id, transaction_timeout_ms=self._transaction_timeout_ms
            )
        except FAILURES as error:
            raise await self._translated("start", error) from error

    async def _deliver(self, producer: Any, entries: Sequence[Entry]) -> None:
        await producer.begin_transaction()
        point("publish.1.begun")
        acknowledged = []
        for (topic, partition), own in self._by_destination(entries).items():
            for batch in self._batches(own):
                acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
        point("publish.2.filled")
        await asyncio.gather(*acknowledged)
        point("publish.3.flushed")
        await producer.commit_transaction()
        point("publish.4.committed")


class PlainPublisher(_Producer):
    """At least once, for brokers without transactions; stable ids let readers drop what they have seen.

    Idempotent where the broker supports it. It cannot fence: a former owner that still runs may send again what it
    had begun to send. tails: must read at read_uncommitted.
    """

    transactional = False

    def __init__(
        self,
        connection: KafkaConnection,
        topics: Mapping[str, str],
        shard: int,
        tails: TailReader,
        *,
        keep_time: bool = False,
        timeout_s: float = 20.0,
    ) -> None:
        super().__init__(connection, topics, shard, tails, keep_time=keep_time, timeout_s=timeout_s)
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
            # One at a time: a batch queued behind one that failed would leave a gap in the counts.
            for batch in self._batches(own):
                await (await producer.send_batch(batch, topic, partition=partition))

        point("publish.1.begun")
        await asyncio.gather(*(one(*where, own) for where, own in self._by_destination(entries).items()))
        point("publish.4.committed")


async def supports_transactions(connection: KafkaConnection, transactional_id: str, *, timeout_s: float = 20.0) -> bool:
    """Ask the broker for a producer id for `transactional_id` (one used for nothing else).

    False only when it answers that it cannot; PublisherUnavailable when it does not answer, so that a slow broker is
    never taken for one without transactions. Raises BrokerRefused, too.
    """
    for last in (False, False, True):  # 'unknown error' may also be a passing failure of a real broker
        producer = async_producer(connection, transactional_id=transactional_id)
        try:
            async with asyncio.timeout(timeout_s):
                await producer.start()
            return True
        except REFUSALS:
            if last:
                return False
        except FAILURES as error:
            where = connection.bootstrap_servers
            if refused := await refusal(error, connection, "asking for a producer id", "Write"):
                raise refused from error
            raise PublisherUnavailable(f"asking {where} for transactions raised {error!r}") from error
        finally:
            await producer.stop()
        await asyncio.sleep(0.2)
    return False
