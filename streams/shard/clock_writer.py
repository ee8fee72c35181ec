"""Appends clock records to owned partitions, so that log time advances without events (live mode).

A due item is due when the *log* has come that far, so a shard without touchpoints needs these records for its silent
customers to be seen. In replay mode only the replay tool writes them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka.errors import KafkaError

from models.touchpoints import event
from streams.kafka.clients import async_producer
from streams.kafka.security import KafkaConnection

logger = logging.getLogger(__name__)


def clock_record(partition: int, now_ms: int, by: str) -> bytes:
    """The value of a clock record. Its id is unique per partition and moment; nothing reads it."""
    return event(
        "clock", id=f"clock-{partition}-{now_ms}", source=f"/retention/{by}", subject=None, time_ms=now_ms, data={}
    )


class ClockWriter:
    """Appends clock records to the partitions of this worker, one to each every few seconds.

    Args:
        connection: brokers and security.
        topic: the input topic.
        partitions: names those that are owned at the time.
        every_s: from one record to the next.
        by: the application's name, for the record's source.
    """

    def __init__(
        self, connection: KafkaConnection, topic: str, partitions: Callable[[], Iterable[int]], every_s: float, by: str
    ) -> None:
        self._connection, self._topic, self._partitions = connection, topic, partitions
        self._every_s, self._by = every_s, by

    async def run(self) -> None:
        """Until cancelled. A clock record that could not be written is left out: the next one says more."""
        while True:
            try:
                await self._write()
            except (KafkaError, OSError) as error:
                logger.warning("clock records: %r; again in %.1f s", error, self._every_s)
                await asyncio.sleep(self._every_s)

    async def _write(self) -> None:
        producer = async_producer(self._connection, linger_ms=0)
        under_way: dict[int, asyncio.Task[None]] = {}
        try:
            await producer.start()
            while True:
                now = int(time.time() * 1000)
                under_way = {partition: task for partition, task in under_way.items() if not task.done()}
                # Each on its own: one without a leader waits for it, and must not stop the clocks of the others.
                for partition in set(self._partitions()) - under_way.keys():
                    under_way[partition] = asyncio.create_task(self._write_one(producer, partition, now))
                await asyncio.sleep(self._every_s)
        finally:
            for task in under_way.values():
                task.cancel()
            await producer.stop()

    async def _write_one(self, producer: Any, partition: int, now: int) -> None:
        value = clock_record(partition, now, self._by)
        try:
            await producer.send_and_wait(self._topic, value, partition=partition, timestamp_ms=now)
        except (KafkaError, OSError) as error:
            logger.warning("clock record of partition %d: %r; again in %.1f s", partition, error, self._every_s)
