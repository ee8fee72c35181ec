"""How the loop gets its records: as aiokafka's users do, or by lists as the engine does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, NamedTuple

import numpy as np
from aiokafka import TopicPartition

from benchmarks.rivals.expert_loop.arguments import Whole
from streams.consumer.fetched import InHand
from streams.kafka.clients import async_reader
from streams.kafka.security import KafkaConnection

By = Literal["getmany", "lists"]
WAIT_MS = 100


class Fetched(NamedTuple):
    """Records of one fetch, whichever partitions they are from. stamps: ms. upto: next offset of each partition."""

    values: list[bytes]
    stamps: Whole
    upto: dict[int, int]


async def fetched(bootstrap_servers: str, topic: str, starts: list[int], most: int, by: By) -> AsyncIterator[Fetched]:
    """Batches of at most `most` records from `starts` on, for ever."""
    consumer: Any = async_reader(
        KafkaConnection(bootstrap_servers),
        isolation_level="read_committed",
        max_partition_fetch_bytes=3 << 20,
        fetch_max_bytes=16 << 20,
        fetch_max_wait_ms=WAIT_MS,
        max_poll_records=most,
    )
    await consumer.start()
    try:
        if by == "lists":
            consumer._fetcher._records = InHand(consumer._fetcher._records)
        offsets = {TopicPartition(topic, partition): start for partition, start in enumerate(starts)}
        consumer.assign(list(offsets))
        for tp, start in offsets.items():
            consumer.seek(tp, start)
        while True:
            if by == "lists":
                with consumer._fetcher._subscriptions.fetch_context():
                    found = await consumer._fetcher.fetched_records(list(offsets), WAIT_MS / 1_000, most)
            else:
                found = await consumer.getmany(timeout_ms=WAIT_MS, max_records=most)
            if found:
                yield _flat(found)
    finally:
        await consumer.stop()


def _flat(found: dict[TopicPartition, list[Any]]) -> Fetched:
    records = [record for part in found.values() for record in part]
    stamps = np.fromiter((record.timestamp for record in records), np.int64, len(records))
    upto = {tp.partition: part[-1].offset + 1 for tp, part in found.items()}
    return Fetched([record.value for record in records], stamps, upto)
