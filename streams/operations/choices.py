"""Writes what an operator chose for all customers into every partition of the touchpoints log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from models.timeline.shard_state import NO_TIME
from streams.crash_points import point
from streams.errors import EngineError
from streams.kafka.errors import kafka_named
from streams.kafka.producer import close_producer, open_producer
from streams.kafka.security import KafkaConnection
from streams.shard.meta import ShardBody

DELIVERY_S: Final = 15.0
LOOK_AGAIN_S: Final = 0.25


class NoShard(EngineError):
    """No worker has worked for this application yet."""

    remedy = "start a worker first, or correct --app and --redis-url"


def write_choice(
    connection: KafkaConnection,
    topic: str,
    partitions: int,
    shards: Mapping[int, ShardBody],
    what: str,
    record_at: Callable[[int], bytes],
) -> list[int]:
    """Write a record into every partition, acknowledged one by one; the offsets.

    In a replay each record bears its shard's own time; one that has not begun has none.

    Args:
        connection: brokers and security.
        topic: the input topic.
        partitions: of it.
        shards: as they are now.
        what: is chosen, in the plural, such as ``settings``.
        record_at: makes the record of a time, ms; called for all before anything is written.

    Raises:
        NoShard: a replay has not begun in every partition.
        BrokerUnreachable: Kafka does not answer.
        BrokerRefused: Kafka does not take the record.
    """
    times = [_time(shards.get(shard), shards) for shard in range(partitions)]
    records = [record_at(at) for at in times]
    # Twice the same record is one, so a retry needs no idempotence.
    producer, _ = open_producer(connection, False, DELIVERY_S, {"linger_ms": 0})
    offsets = []
    try:
        for shard, (value, at) in enumerate(zip(records, times, strict=True)):
            with kafka_named(connection, f"writing the {what}"):
                sent = producer.send(topic, value, partition=shard, timestamp_ms=at)
                offsets.append(sent.get(DELIVERY_S).offset)
            point(f"{what}.written")
    finally:
        close_producer(producer)
    return offsets


def _time(shard: ShardBody | None, shards: Mapping[int, ShardBody]) -> int:
    """Of a record. The broker's in a live topic; in a replay our clock would make all that is to come late."""
    if next(iter(shards.values())).creation.mode == "live":
        return int(time.time() * 1000)
    if shard is None or shard.state.time == NO_TIME:
        raise NoShard("the replay has not begun in every partition: its log has no time there yet")
    return shard.state.time


async def read_within(
    readers: Callable[[], Awaitable[Sequence[int]]], partitions: int, within_s: float
) -> tuple[Sequence[int], Sequence[int]]:
    """The shards that have read a choice within a time, and those that have not.

    readers: those that have read it by now.
    """
    deadline = time.monotonic() + within_s
    while True:
        have = await readers()
        if len(have) == partitions or time.monotonic() > deadline:
            return have, [n for n in range(partitions) if n not in have]
        await asyncio.sleep(LOOK_AGAIN_S)
