"""The floor: what any engine on this transport and this store must pay, and nothing else.

The engine's own Faust transport (streams/consumer/transport.py), JSON decode into the typed events, a read of each
customer's record when they are first met (it is kept from then on), and one MSET per batch with as many bytes per
customer as a record has. No validation beyond the decoder's, no dedupe, no features, no score, no atomic commit, no due
set, no outputs, nothing exactly once. `ratio_to_floor` says what all of that costs.

`--parts` leaves out more: `transport` alone, or `transport+decode`; the differences are the floor's stages.

Run by benchmarks/baselines.py; writes `--result` when `--events` touchpoints are through.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import msgspec
from faust.types import TP

from models.touchpoints import Event, Kind
from streams.consumer.app import build_app, run_worker
from streams.consumer.ownership import Ownership
from streams.consumer.settings import TransportSettings
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.store.redis.connection import Client, connect

Parts = Literal["transport", "transport+decode", "all"]
PARTS: tuple[Parts, ...] = ("transport", "transport+decode", "all")

decode = msgspec.json.Decoder[Event](Event).decode


class Progress(msgspec.Struct):
    """What the floor has done. Times in seconds; `began` at the first batch, `ended` after the last write."""

    wanted: int
    events: int = 0
    began: float = 0.0
    ended: float = 0.0
    cpu_s: float = 0.0

    def first(self) -> None:
        if not self.began:
            self.began, self.cpu_s = time.time(), time.process_time()

    def done(self, events: int) -> bool:
        """Count a batch; True once, at the end."""
        if self.ended:
            return False
        self.events += events
        if self.events >= self.wanted:
            self.ended, self.cpu_s = time.time(), time.process_time() - self.cpu_s
        return bool(self.ended)


class FloorShard:
    """The owner of one partition, as far as the transport needs one: without state there is nothing to recover."""

    reads = True

    def __init__(
        self,
        tp: TP,
        generation: int,
        start: int,
        parts: Parts,
        client: Client,
        release: Callable[[Any], None],
        progress: Progress,
        finished: Callable[[], None],
    ) -> None:
        self.tp, self.generation, self.next_offset = tp, generation, start
        self.busy = False
        self._parts, self._client, self._release = parts, client, release
        self._progress, self._finished = progress, finished
        self._inbox: asyncio.Queue[list[Any]] = asyncio.Queue()
        self._kept: dict[str, tuple[bytes, bytes]] = {}  # key and record of each customer met so far

    async def peek(self) -> bool:
        return False

    async def mint(self) -> None: ...

    async def check(self, facts: LogFacts) -> None: ...

    async def recover(self) -> None: ...

    def has_read(self, offset: int) -> None: ...

    def hand_over(self, records: list[Any]) -> None:
        self.busy = True
        self._inbox.put_nowait(records)

    async def run(self) -> None:
        while True:
            records = await self._inbox.get()
            self._progress.first()
            events = await self._batch(records)
            self.next_offset = records[-1].offset + 1
            if self._progress.done(events):
                self._finished()
            self.busy = False
            self._release(self)

    async def _batch(self, records: Sequence[Any]) -> int:
        """Returns how many touchpoints it held (clock records have no key)."""
        if self._parts == "transport":
            return sum(record.key is not None for record in records)
        touches = [touch for record in records if (touch := decode(record.value)).kind != Kind.CLOCK]
        if self._parts == "all" and touches:
            customers = dict.fromkeys(touch.subject for touch in touches)
            if unread := [name for name in customers if name not in self._kept]:
                keys = [key_of(name.encode(), self.tp.partition) for name in unread]
                values = await self._client.execute_command("MGET", *keys)
                self._kept.update(zip(unread, zip(keys, values, strict=True), strict=True))
            await self._client.execute_command("MSET", *chain.from_iterable(map(self._kept.__getitem__, customers)))
        return len(touches)

    async def ended(self) -> None: ...


def key_of(customer: bytes, partition: int) -> bytes:
    """Where the floor keeps a customer; as long as the engine's key."""
    return b"{the-floor:%d}:c:%b" % (partition, customer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--redis-url", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--starts", required=True, help="first offset of each partition: 120,130,...")
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--batch-records", type=int, required=True)
    parser.add_argument("--parts", choices=PARTS, default="all")
    parser.add_argument("--result", type=Path, required=True)
    told = parser.parse_args()
    logging.basicConfig(level="WARNING")
    starts = [int(offset) for offset in told.starts.split(",")]
    progress = Progress(told.events)
    client = connect(told.redis_url)

    def finished() -> None:
        partial = told.result.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(progress))
        partial.rename(told.result)

    ownership: Ownership

    def owner(tp: TP, generation: int) -> FloorShard:
        start = starts[tp.partition]
        return FloorShard(tp, generation, start, told.parts, client, ownership.release, progress, finished)

    ownership = Ownership(owner)
    settings = TransportSettings(app="floor", input_topic=told.topic, batch_records=told.batch_records)
    run_worker(build_app(settings, KafkaConnection(told.broker), ownership))


if __name__ == "__main__":
    main()
