"""Clock records: one to each owned partition every few seconds, whatever becomes of another's."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from streams.kafka.security import KafkaConnection
from streams.shard import clock_writer as module
from streams.shard.clock_writer import ClockWriter

LEADERLESS, REFUSED = 1, 2


class Producer:
    """Writes at once, except to a partition without a leader, which takes for ever, and one that fails."""

    def __init__(self) -> None:
        self.tried: Counter[int] = Counter()
        self.stopped = False

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopped = True

    async def send_and_wait(self, topic: str, value: bytes, *, partition: int, timestamp_ms: int) -> None:
        self.tried[partition] += 1
        if partition == LEADERLESS:
            await asyncio.Event().wait()
        if partition == REFUSED:
            raise KafkaTimeoutError


def test_a_partition_without_a_leader_stops_no_other_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Producer] = []

    def producer(*_: Any, **__: Any) -> Producer:
        made.append(Producer())
        return made[-1]

    monkeypatch.setattr(module, "async_producer", producer)

    async def scenario() -> None:
        writer = ClockWriter(
            KafkaConnection("broker:9092"), "touchpoints", lambda: [0, LEADERLESS, REFUSED, 3], 0.01, "x"
        )
        writing = asyncio.create_task(writer.run())
        async with asyncio.timeout(60):
            while not made or made[0].tried[3] < 5:  # noqa: ASYNC110 - a double signals nothing
                await asyncio.sleep(0.01)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)

    asyncio.run(scenario())
    (one,) = made
    assert one.tried[0] >= 4
    assert one.tried[LEADERLESS] == 1, "the next is not queued behind one that waits"
    assert one.tried[REFUSED] >= 4, "tried again with the next"
    assert one.stopped
