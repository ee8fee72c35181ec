"""Replays a log into the input topic: its events, and clock records as time passes.

`tape` is what goes onto the topic, and what `retention rehearse` runs in memory: equal by construction.
`replay` writes a tape with explicit partitions and timestamps, in batches, one in flight per partition, so that the
order within a partition is the tape's.
"""

from __future__ import annotations

import asyncio
import time as wall
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from models.settings import EngineSettings
from models.timeline.batch import LogRecord
from models.timeline.partitioning import partition_of
from models.touchpoints import event
from streams.errors import EngineError
from streams.history.events import TimedEvent
from streams.kafka.access import BrokerRefused
from streams.kafka.admin import TopicFacts
from streams.kafka.clients import async_producer
from streams.kafka.errors import BrokerUnreachable
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import CREATE_TIME, MESSAGE_BYTES
from streams.kafka.transactions import REFUSALS
from streams.outbox.batch_sizes import BATCH_BYTES, limits_of

SOURCE = "retention/replay"
FLUSH_RECORDS = 5_000
"""Records between two looks at the clock and two reports; a tick of a mid-sized log."""
FLUSH_AHEAD_S = 0.05
"""A paced replay writes what lies closer together than this in one go."""
TIMEOUT_S = 30.0


class WrongTimestampType(EngineError):
    """The topic does not keep the times of a replayed log."""

    remedy = (
        "replay into topics made for it: `retention topics create --mode replay` under a RETENTION_TOPIC_PREFIX and "
        "RETENTION_APP of their own, and workers with RETENTION_MODE=replay"
    )


class TapeRecord(NamedTuple):
    """A record as it goes to Kafka: partition, timestamp (ms), key (None: a clock record), value."""

    partition: int
    time: int
    key: bytes | None
    value: bytes


class Played(NamedTuple):
    """How far a replay has come: touchpoints and clock records written, log time (ms), next offset by partition."""

    events: int
    clocks: int
    time: int
    ends: dict[int, int]


def tape(
    events: Sequence[TimedEvent],
    partitions: int,
    settings: EngineSettings,
    policy: Callable[[int], bytes] | None = None,
) -> Iterator[TapeRecord]:
    """The records of a log, in order of time.

    Clock records go to every partition: at the aligned tick at or before the first event, at each tick, and at the tick
    after the last event; a tick's clock record comes before the events of that moment.

    policy: makes the record of a time, ms, of a policy that is in force from the first event on: it follows the first
    clock record of every partition.
    """
    if not events:
        return
    tick = settings.tick
    now = events[0].time - (events[0].time - settings.anchor) % tick
    yield from _clocks(now, partitions)
    if policy is not None:
        value = policy(now)
        yield from (TapeRecord(partition, now, None, value) for partition in range(partitions))
    for touch in events:
        while touch.time >= now + tick:
            now += tick
            yield from _clocks(now, partitions)
        yield TapeRecord(partition_of(touch.key, partitions), touch.time, touch.key, touch.value)
    yield from _clocks(now + tick, partitions)


def _clocks(time: int, partitions: int) -> Iterator[TapeRecord]:
    value = clock_value(time)
    for partition in range(partitions):
        yield TapeRecord(partition, time, None, value)


def clock_value(time: int) -> bytes:
    """What a clock record says at a moment of a log of the past, to all partitions."""
    return event("clock", id=f"clock-{time}", source=SOURCE, subject=None, time_ms=time, data={"by": "replay"})


def logs(records: Iterable[TapeRecord], partitions: int) -> list[list[LogRecord]]:
    """A tape as whole partitions, for `models.simulation.rehearsal`."""
    found: list[list[LogRecord]] = [[] for _ in range(partitions)]
    for record in records:
        log = found[record.partition]
        log.append(LogRecord(len(log), record.time, record.key, record.value))
    return found


def check_topic(topic: TopicFacts) -> None:
    """Raise WrongTimestampType unless the topic keeps the timestamps that it is given."""
    if topic.timestamp_type != CREATE_TIME:
        raise WrongTimestampType(
            f"topic {topic.name} has message.timestamp.type={topic.timestamp_type}, a replay needs {CREATE_TIME}: "
            "the time in the log would be now, not that of the events"
        )


def batch_bytes_of(topic: TopicFacts) -> int:
    """Most bytes of a batch that the topic takes, as far as the broker tells."""
    return limits_of({topic.name: topic}).get(topic.name, BATCH_BYTES)


async def replay(
    connection: KafkaConnection,
    topic: str,
    records: Iterable[TapeRecord],
    speed: float | None = None,
    watch: Callable[[Played], None] = lambda played: None,
    batch_bytes: int = BATCH_BYTES,
) -> Played:
    """Write a tape to the input topic. What was written before an error stays.

    Args:
        connection: brokers and security.
        topic: the input topic.
        records: in the order of their times.
        speed: seconds of log time per second; None: as fast as Kafka takes it.
        watch: told how far it has come.
        batch_bytes: most bytes of a batch that the topic takes.

    Returns:
        What was written in all.

    Raises:
        BrokerRefused: the topic takes no record as large as one of these.
        BrokerUnreachable: records could not be delivered.
    """
    producer: Any = None
    try:
        producer = await _producer(connection, min(batch_bytes, BATCH_BYTES))
        return await _write(_Batches(producer, topic), records, speed, watch)
    except MessageSizeTooLargeError as error:
        text = f"topic {topic} takes no record as large as one of these: raise its {MESSAGE_BYTES}"
        raise BrokerRefused(text) from error
    except (KafkaError, OSError, TimeoutError) as error:
        text = f"Kafka at {connection.bootstrap_servers} did not take the records of {topic}: {error!r}"
        raise BrokerUnreachable(text) from error
    finally:
        if producer is not None:
            await producer.stop()


async def _producer(connection: KafkaConnection, batch_bytes: int) -> Any:
    """Idempotent, or where the broker refuses that to aiokafka (the embedded one), not: a record that is then written
    twice after a lost answer is recognised by its id."""
    for idempotent in (True, False):
        producer = async_producer(
            connection,
            enable_idempotence=idempotent,
            max_batch_size=batch_bytes,
            request_timeout_ms=int(1000 * TIMEOUT_S),
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await producer.start()
            return producer
        except BaseException as error:
            await producer.stop()
            if not idempotent or not isinstance(error, REFUSALS):
                raise
    raise AssertionError("the loop above returns or raises")


async def _write(
    batches: _Batches, records: Iterable[TapeRecord], speed: float | None, watch: Callable[[Played], None]
) -> Played:
    events = clocks = 0
    time = first = 0
    begun = wall.monotonic()
    for record in records:
        first, time = first or record.time, record.time
        if speed is not None:
            ahead = (time - first) / 1000 / speed - (wall.monotonic() - begun)
            if ahead > FLUSH_AHEAD_S:
                await batches.flush()
                watch(Played(events, clocks, time, batches.ends))
                await asyncio.sleep(ahead)
        await batches.add(record)
        events += record.key is not None
        clocks += record.key is None
        if (events + clocks) % FLUSH_RECORDS == 0:
            await batches.flush()
            watch(Played(events, clocks, time, batches.ends))
    await batches.flush()
    played = Played(events, clocks, time, batches.ends)
    watch(played)
    return played


class _Batches:
    """The batch under way of each partition."""

    def __init__(self, producer: Any, topic: str) -> None:
        self._producer, self._topic = producer, topic
        self._open: dict[int, Any] = {}
        self._sent: list[tuple[int, int, Any]] = []  # partition, records, what the broker will say
        self.ends: dict[int, int] = {}

    async def add(self, record: TapeRecord) -> None:
        if self._append(record):
            return
        await self._send(record.partition)
        self._append(record)  # the first of a batch is taken whatever its size

    def _append(self, record: TapeRecord) -> bool:
        batch = self._open.get(record.partition)
        if batch is None:
            batch = self._open[record.partition] = self._producer.create_batch()
        return batch.append(timestamp=record.time, key=record.key, value=record.value) is not None

    async def _send(self, partition: int) -> None:
        batch = self._open.pop(partition)
        answer = await self._producer.send_batch(batch, self._topic, partition=partition)
        self._sent.append((partition, batch.record_count(), answer))

    async def flush(self) -> None:
        """Return when everything so far is acknowledged."""
        for partition in sorted(self._open):
            await self._send(partition)
        sent, self._sent = self._sent, []
        for partition, records, answer in sent:
            self.ends[partition] = (await answer).offset + records
