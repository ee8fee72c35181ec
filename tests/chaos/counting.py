"""Drives counting workers and checks what they have left: topics, events, processes, the final state."""

from __future__ import annotations

import asyncio
import collections
import json
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from streams.outbox.entry import unpack
from tests.chaos.counting_worker import Body, Order, outputs_of
from tests.support.prepared import start

PATIENCE_S = 90.0
"""Only what has failed takes so long, on a machine that is busy with other tests too."""
WORKER = "import runpy; runpy.run_module('tests.chaos.counting_worker', run_name='__main__')"


class Worker:
    """One worker process; its output goes to a file of its own."""

    def __init__(self, order: Order, log: Path, crash_point: str = "", **changes: Any) -> None:
        asked = {**msgspec.to_builtins(order), **changes}
        self.log = log
        # A worker that dies in C code says where.
        environment = {**os.environ, "RETENTION_CRASH_POINT": crash_point, "PYTHONFAULTHANDLER": "1"}
        self.process = start(WORKER, environment, log, json.dumps(asked))

    @property
    def code(self) -> int | None:
        """Exit code; None while it runs."""
        return self.process.poll()

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def owns(self) -> set[int]:
        """The input partitions of its last takeover, by its own account."""
        takeovers = re.findall(r"took over .*; next offsets \{(.*)\}", self.said)
        return {int(shard) for shard in re.findall(r"(\d+):", takeovers[-1])} if takeovers else set()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(PATIENCE_S)

    def begun(self) -> bool:
        """Before that it has no handler for SIGTERM."""
        return self.code is not None or "Thread]: Starting" in self.said or "connecting to Kafka" in self.said

    def stop(self) -> int:
        """Graceful; its exit code. What it said is shown where the test then fails."""
        until(self.begun, lambda: self.said)
        self.signal(signal.SIGTERM)
        code = self.wait()
        print(f"== {self.log.name} ended with {code}\n{self.said[-4000:]}")
        return code


@dataclass
class Bench:
    """One application on its own topics."""

    order: Order
    partitions: int
    directory: Path
    started: int = 0
    workers: list[Worker] = None  # type: ignore[assignment]  # set in __post_init__

    def __post_init__(self) -> None:
        self.workers = []
        self._redis: Any = redis.Redis.from_url(self.order.redis)  # redis-py's types mix str and bytes

    @classmethod
    def create(cls, bootstrap: str, redis_url: str, app: str, directory: Path, partitions: int, **order: Any) -> Bench:
        asked = {"app": app, "bootstrap": bootstrap, "redis": redis_url, **order}
        asked |= {"input": f"{app}-in", "learner": f"{app}-learner"}
        bench = cls(msgspec.convert(asked, Order), partitions, directory)
        topics = [
            NewTopic(bench.order.input, partitions, 1),
            *(NewTopic(name, partitions, 1) for name in outputs_of(app).values()),
        ]
        asyncio.run(bench._create([*topics, NewTopic(bench.order.learner, 1, 1)]))
        return bench

    async def _create(self, topics: list[Any]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.order.bootstrap)
        await admin.start()
        await admin.create_topics(topics)
        await admin.close()
        await asyncio.sleep(0.5)

    def produce(self, events: int, rate: float = 0.0, first: int = 0) -> None:
        """Write events to the input, at `rate` per second (0: at once). Blocks."""
        asyncio.run(self._produce(events, rate, first))

    def produce_aside(self, events: int, rate: float) -> threading.Thread:
        """`produce` in a thread of its own."""
        thread = threading.Thread(target=self.produce, args=(events, rate), daemon=True)
        thread.start()
        return thread

    def produce_one(self, value: bytes) -> None:
        """One record in partition 0, whatever its value."""

        async def send() -> None:
            producer = AIOKafkaProducer(bootstrap_servers=self.order.bootstrap)
            await producer.start()
            await producer.send_and_wait(self.order.input, value, key=b"key", partition=0)
            await producer.stop()

        asyncio.run(send())

    async def _produce(self, events: int, rate: float, first: int) -> None:
        rng = random.Random(first)
        producer = AIOKafkaProducer(bootstrap_servers=self.order.bootstrap, linger_ms=5)
        await producer.start()
        try:
            start = time.monotonic()
            for n in range(first, first + events):
                partition = rng.randrange(self.partitions)
                key = b"c%d-%03d" % (partition, rng.randrange(200))
                await producer.send(self.order.input, b"%d" % n, key=key, partition=partition)
                if rate and n % 50 == 0:
                    await asyncio.sleep(max(0.0, start + (n - first) / rate - time.monotonic()))
            await producer.flush()
        finally:
            await producer.stop()

    def worker(self, crash_point: str = "", **changes: Any) -> Worker:
        self.started += 1
        worker = Worker(self.order, self.directory / f"worker-{self.started}.log", crash_point, **changes)
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        """Leave no process behind."""
        for worker in self.workers:
            if worker.code is None:
                worker.process.kill()
                worker.wait()

    def counted(self) -> int:
        """How many events the stored counts say."""
        return sum(sum(self.counts(shard).values()) for shard in range(self.partitions))

    def counts(self, shard: int) -> dict[bytes, int]:
        prefix = b"{%s:%d}:n:" % (self.order.app.encode(), shard)
        keys = list(self._redis.scan_iter(match=prefix + b"*", count=10_000))
        return {k[len(prefix) :]: int(v) for k, v in zip(keys, self._redis.mget(keys), strict=True)} if keys else {}

    def number(self, shard: int) -> int:
        """The shard's commit number."""
        return int(self._redis.hget(self.key(shard, "meta"), "number") or -1)

    def body(self, shard: int) -> Body | None:
        stored = self._redis.hget(self.key(shard, "meta"), "body")
        return None if stored is None else msgspec.msgpack.decode(stored, type=Body)

    def key(self, shard: int, name: str) -> str:
        return f"{{{self.order.app}:{shard}}}:{name}"

    def outbox(self, shard: int) -> list[Any]:
        return [unpack(value) for value in self._redis.lrange(self.key(shard, "outbox"), 0, -1)]

    def settled(self) -> bool:
        """All that was made is public and trimmed, and the group's committed offsets have followed the next offsets.

        They are committed once a second; a broker that has just come back refuses for some seconds, until its group
        coordinator has loaded. A worker that stops meanwhile leaves it to the next takeover.
        """
        if any(self.outbox(shard) for shard in range(self.partitions)):
            return False
        try:
            committed = asyncio.run(self.committed())
        except KafkaError:
            return False
        bodies = {shard: self.body(shard) for shard in range(self.partitions)}
        return all(body is not None and committed.get(shard) == body.next_offset for shard, body in bodies.items())

    def until_counted(self, events: int) -> None:
        until(lambda: self.counted() >= events, lambda: f"counted {self.counted()} of {events}")

    def differences(self, *, committed: bool = True, duplicates: bool = False) -> list[str]:
        """What is wrong in the final state, measured against the topics as they stand; [] when all is exact.

        duplicates: outputs may be there more than once (brokers without transactions).
        """
        inputs, ends = asyncio.run(self._read(self.order.input, self._read_to))
        made = sum(int(record.value) % 3 == 0 for records in inputs.values() for record in records)
        outputs, _ = asyncio.run(
            self._read(outputs_of(self.order.app)["triggers"], lambda read, _: sum(map(len, read.values())) >= made)
        )
        offsets = asyncio.run(self.committed()) if committed else {}
        wrong = []
        for shard in range(self.partitions):
            body = self.body(shard)
            want = collections.Counter(record.key for record in inputs[shard])
            made = [b"%d:%d" % (shard, r.offset) for r in inputs[shard] if int(r.value) % 3 == 0]
            public = [(int(dict(r.headers)["count"]), r.value) for r in outputs[shard]]
            if duplicates:
                public = list(dict.fromkeys(public))
            checks = {
                "counts": want == collections.Counter(self.counts(shard)),
                "outputs": public == list(enumerate(made, 1)),
                "fence": body is not None and body.next_offset == ends[shard],
                "outbox": self.outbox(shard) == [],
                "committed offset": not committed or (body is not None and offsets.get(shard) == body.next_offset),
            }
            state = f"{sum(self.counts(shard).values())} of {len(inputs[shard])}, {len(public)} of {len(made)} outputs"
            state += f", {body}, committed {offsets.get(shard)}, end {ends[shard]}"
            wrong += [f"shard {shard}: {name} ({state})" for name, right in checks.items() if not right]
        return wrong

    def _read_to(self, _: dict[int, list[Any]], positions: dict[int, int]) -> bool:
        """As far as the shards have read."""
        bodies = {shard: self.body(shard) for shard in range(self.partitions)}
        return all(body is None or positions[shard] >= body.next_offset for shard, body in bodies.items())

    async def _read(
        self, topic: str, enough: Callable[[dict[int, list[Any]], dict[int, int]], bool]
    ) -> tuple[dict[int, list[Any]], dict[int, int]]:
        """All readable records of each partition, and the position behind them.

        enough: whether all is there that must be; until then silence is only a slow broker.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.order.bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
        )
        await consumer.start()
        try:
            tps = [TopicPartition(topic, n) for n in range(self.partitions)]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            records: dict[int, list[Any]] = {tp.partition: [] for tp in tps}
            deadline, idle = time.monotonic() + PATIENCE_S, 0
            while idle < 4:  # not by end_offsets: the embedded broker's are too low
                got = await consumer.getmany(*tps, timeout_ms=250)
                for tp, batch in got.items():
                    records[tp.partition] += batch
                positions = {tp.partition: await consumer.position(tp) for tp in tps}
                waits = not enough(records, positions) and time.monotonic() < deadline
                idle = 0 if got or waits else idle + 1
            return records, positions
        finally:
            await consumer.stop()

    async def committed(self) -> dict[int, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.order.bootstrap)
        await admin.start()
        try:
            tps = [TopicPartition(self.order.input, n) for n in range(self.partitions)]
            offsets = await admin.list_consumer_group_offsets(self.order.app, partitions=tps)
        finally:
            await admin.close()
        return {tp.partition: o.offset for tp, o in offsets.items()}


def until(true: Callable[[], bool], what: Callable[[], str], timeout_s: float = PATIENCE_S) -> None:
    """Wait for a condition, or fail saying what is the matter."""
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what()}")
        time.sleep(0.1)
