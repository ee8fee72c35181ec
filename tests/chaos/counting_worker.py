"""A worker of the smallest engine there is, for tests of the transport: it counts records per key.

Every third value makes an output. Counts, fence and outbox are one write; so whatever the chaos, the counts must be
exact and every output public once and in order. Run: ``python counting_worker.py '{"bootstrap": ..., ...}'``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import suppress
from typing import Any

import msgspec
from faust.types import TP

from streams.consumer.app import build_app, run_worker
from streams.consumer.ownership import Ownership
from streams.consumer.settings import TransportSettings
from streams.errors import LogTruncated, MetaMissing, TopicChanged
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.kafka.tails import TailReader
from streams.kafka.topics import OUTPUTS
from streams.outbox.entry import Entry, pack, unpack
from streams.outbox.fake import stored
from streams.outbox.kafka_publisher import KafkaPublisher, PlainPublisher, PublisherSettings
from streams.outbox.port import Publisher
from streams.outbox.relay import Outgoing
from streams.store import StoreChanges
from streams.store.checkpoint import Checkpoint
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore

IDLE_S = 0.5


class Order(msgspec.Struct, kw_only=True):
    """What the driver asks of a worker."""

    app: str
    bootstrap: str
    redis: str
    input: str
    learner: str
    work_s: float = 0.01
    wait_shard: int = -1
    """This shard waits ten minutes with each batch, as for a version that does not come."""
    stall_shard: int = -1
    """This shard never asks for its second batch."""
    transactions: bool = True
    session_timeout_s: float = 4.0
    heartbeat_s: float = 0.5
    request_timeout_s: float = 30.0
    stall_s: float = 10.0
    step_s: float = 30.0
    check_delay_s: float = 0.0


def outputs_of(app: str) -> dict[str, str]:
    """Topics by role. Only triggers are made; a takeover reads the tails of all."""
    return {role: f"{app}-{role}" for role in OUTPUTS}


class Body(msgspec.Struct):
    """The meta's body: the cut, the outputs made so far, and the topic this state belongs to."""

    next_offset: int
    outputs: int
    topic_id: str
    partitions: int


class CountingShard:
    reads = True

    def __init__(self, order: Order, store: RedisStore, tails: TailReader, tp: TP, generation: int) -> None:
        self.tp, self.generation, self.next_offset, self.busy = tp, generation, 0, False
        self._order, self._store, self._shard = order, store, tp.partition
        self._checkpoint = Checkpoint(store, str(self._shard))
        publisher: Publisher
        settings = PublisherSettings(KafkaConnection(order.bootstrap), outputs_of(order.app))
        if order.transactions:
            publisher = KafkaPublisher(settings, self._shard, tails, f"{order.app}-{self._shard}")
        else:
            publisher = PlainPublisher(settings, self._shard, tails)
        self._outgoing = Outgoing(publisher, self._shard, expires=False)
        self._inbox: asyncio.Queue[list[Any]] = asyncio.Queue()
        self._body: Body | None = None
        self.release: Any = None

    async def peek(self) -> bool:
        return self._stands(await self._checkpoint.read())

    async def mint(self) -> None:
        self._stands(await self._checkpoint.mint())

    def _stands(self, meta: Any) -> bool:
        if meta is not None:
            self._body = msgspec.msgpack.decode(meta.body, type=Body)
            self.next_offset = self._body.next_offset
        return meta is not None

    async def check(self, facts: LogFacts) -> None:
        await asyncio.sleep(self._order.check_delay_s)
        if self._body is None:
            if facts.committed:
                raise MetaMissing(f"shard {self._shard}: Kafka has {facts.committed}, Redis has no meta")
            self._body = Body(facts.start, 0, facts.topic_id, facts.partitions)
            self._stands(await self._checkpoint.create(msgspec.msgpack.encode(self._body)))
        if (facts.topic_id, facts.partitions) != (self._body.topic_id, self._body.partitions):
            raise TopicChanged(f"shard {self._shard}: {self._body} was made for another topic than {facts}")
        if not facts.start <= self.next_offset <= facts.end:
            raise LogTruncated(
                f"shard {self._shard}: next offset {self.next_offset} is outside {facts.start} to {facts.end}"
            )

    async def recover(self) -> None:
        assert self._body is not None
        outbox = [unpack(value) for value in await self._store.outbox(str(self._shard))]
        await self._outgoing.start(stored(outbox), {"triggers": self._body.outputs})
        await self._write({}, [])

    def has_read(self, offset: int) -> None: ...

    def hand_over(self, records: list[Any]) -> None:
        self.busy = True
        self._inbox.put_nowait(records)

    async def run(self) -> None:
        publishing = asyncio.ensure_future(self._outgoing.run())
        working = asyncio.ensure_future(self._work())
        try:
            done, _ = await asyncio.wait({publishing, working}, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for task in (publishing, working):
                task.cancel()
            await asyncio.wait({publishing, working})

    async def _work(self) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    records = await self._inbox.get()
            except TimeoutError:
                if self._outgoing.trimmable:
                    await self._write({}, [])
                continue
            if self._order.wait_shard == self._shard:
                await asyncio.sleep(600)
            await asyncio.sleep(self._order.work_s)
            await self._apply(records)
            self.busy = False
            if self._order.stall_shard != self._shard:
                self.release(self)

    async def _apply(self, records: list[Any]) -> None:
        assert self._body is not None
        assert records[0].offset >= self.next_offset, (
            f"offset {records[0].offset} is behind the next offset {self.next_offset}"
        )
        await self._outgoing.wait_for_capacity(5_000)
        names = list(dict.fromkeys(b"n:" + record.key for record in records))
        counts = dict(zip(names, map(int_of, await self._store.load(str(self._shard), names)), strict=True))
        outputs = []
        for record in records:
            counts[b"n:" + record.key] += 1
            if int(record.value) % 3 == 0:
                self._body.outputs += 1
                where = f"{self._shard}:{record.offset}"
                outputs.append(Entry("triggers", self._shard, self._body.outputs, where, record.key, where.encode(), 0))
        self._body.next_offset = records[-1].offset + 1
        await self._write(counts, outputs)
        self._outgoing.add(outputs)

    async def _write(self, counts: dict[bytes, int], outputs: list[Entry]) -> None:
        assert self._body is not None
        trim = self._outgoing.trimmable
        await self._checkpoint.write(
            msgspec.msgpack.encode(self._body),
            StoreChanges(
                values=[(name, b"%d" % count) for name, count in counts.items()],
                outbox=[pack(entry) for entry in outputs],
                trim=trim,
            ),
        )
        self._outgoing.trimmed(trim)
        self.next_offset = self._body.next_offset

    async def ended(self) -> None:
        await self._outgoing.stop()


def int_of(value: bytes | None) -> int:
    return int(value or 0)


class IdleLearner:
    """Owns the learner's partition and does nothing with it."""

    reads, busy, next_offset = False, False, 0

    def __init__(self, tp: TP, generation: int) -> None:
        self.tp, self.generation = tp, generation

    async def peek(self) -> bool:
        return False

    async def mint(self) -> None: ...

    async def check(self, facts: LogFacts) -> None: ...

    async def recover(self) -> None: ...

    def has_read(self, offset: int) -> None: ...

    def hand_over(self, records: list[Any]) -> None:
        raise AssertionError("records of the learner's partition were fetched")

    async def run(self) -> None:
        print("LEARNER runs", flush=True)
        await asyncio.Event().wait()

    async def ended(self) -> None: ...


def main(order: Order) -> None:
    logging.basicConfig(stream=sys.stdout, level="INFO", format="%(asctime)s %(process)d %(name)s %(message)s")
    for noisy in ("faust", "mode", "aiokafka", "kafka"):
        logging.getLogger(noisy).setLevel("ERROR")
    store = RedisStore(connect(order.redis), order.app)
    tails: list[TailReader] = []

    def factory(tp: TP, generation: int) -> Any:
        if tp.topic == order.learner:
            return IdleLearner(tp, generation)
        if not tails:
            tails.append(TailReader(KafkaConnection(order.bootstrap), committed=order.transactions))
        shard = CountingShard(order, store, tails[0], tp, generation)
        shard.release = ownership.release
        return shard

    ownership = Ownership(factory, stall_s=order.stall_s, step_s=order.step_s)
    settings = TransportSettings(
        app=order.app,
        input_topic=order.input,
        learner_topic=order.learner,
        session_timeout_s=order.session_timeout_s,
        heartbeat_s=order.heartbeat_s,
        request_timeout_s=order.request_timeout_s,
        rebalance_timeout_s=20,
        batch_records=100,
        stall_s=order.stall_s,
    )
    run_worker(build_app(settings, KafkaConnection(order.bootstrap), ownership))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(msgspec.convert(json.loads(sys.argv[1]), Order))
