"""Latency: from the moment a touchpoint is published until a reader at read_committed holds the trigger it opened.

A live engine (LogAppendTime, real time) gets a paced load of mixed touchpoints; one in twenty is the first visit of a
customer who has bought before, and opens an episode, since the thresholds are set so low that every estimate is above
them. A few have their weekly tick in the seconds before that visit: their episode opens at the tick (the trigger says
so, `at.due`), and the visit is no measurement. Publisher and reader share one clock: this process's. Everything runs on
this machine, the load and its reader too.

    python -m benchmarks.latency --quick
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from aiokafka import TopicPartition

from benchmarks.mix import mix
from benchmarks.options import RESULTS, Options, parsed, printed
from benchmarks.servers import Servers, Worker
from benchmarks.workload import Workload
from benchmarks.world import catch_up, publish
from models.outputs import Trigger, Withdrawal
from models.timeline.partitioning import partition_of
from models.touchpoints import event
from streams.config import Config
from streams.history.replay import TapeRecord
from streams.kafka.clients import async_producer, async_reader
from streams.kafka.security import kafka_connection

PARTITIONS = 4
KNOWN = 20_000
OPENS_EVERY = 20
SLOT_S = 0.01
START_S, WARM_S, DRAIN_S = 0.5, 3.0, 10.0
LIVE = {
    "mode": "live",
    "partitions": PARTITIONS,
    # Whoever is scored at all is at risk: what is measured is the way of a trigger, not the model.
    "enter": 0.02,
    "exit": 0.01,
}

Say = Callable[[str], None]

_decode = msgspec.json.Decoder(Trigger | Withdrawal).decode


def measure(options: Options, say: Say) -> dict[str, Any]:
    """Percentiles with the engine's transactions, and those of a worker that publishes without."""
    told: dict[str, Any] = {"latency_rate": options.latency_rate, "latency_seconds": options.latency_s}
    for figure, program in (("latency", ()), ("latency_plain", ("-m", "benchmarks.plain_worker"))):
        seen = _one(options, program)
        told |= {f"{figure}_{name}": value for name, value in seen.items()}
        times = f"p50 {seen['p50_ms']:.0f} ms, p99 {seen['p99_ms']:.0f} ms"
        say(f"  {figure}: {times}, {seen['triggers']:,.0f} triggers, {seen['missing']:.0f} missing")
    return told


def percentiles(seconds: list[float], missing: int) -> dict[str, float]:
    """In milliseconds. missing: triggers that did not come before the end of the wait."""
    if not seconds:
        raise ValueError("no trigger was received: give the load more time, or look at the worker's log")
    values = np.percentile(np.array(seconds) * 1000, (50, 90, 99, 100))
    named = dict(zip(("p50_ms", "p90_ms", "p99_ms", "max_ms"), map(float, values), strict=True))
    return {**named, "triggers": len(seconds), "missing": missing}


def _one(options: Options, program: tuple[str, ...]) -> dict[str, float]:
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="latency-", dir=RESULTS) as name,
        Servers(Path(name), appendfsync=options.appendfsync) as servers,
    ):
        own = {**LIVE, **options.own}
        config = servers.create_topics(own)
        openers = int((options.latency_s + WARM_S) * options.latency_rate / OPENS_EVERY) + 1
        known = min(KNOWN, options.workload.customers)
        people = [b"c-%08d" % number for number in range(known + openers)]
        with Worker(Path(name), servers.settings(own), program=program) as worker:
            # All have bought; those who are known have visited, too: their episodes are open.
            played = publish(config, (_touch(kind, who) for kind, who in _before(people, known)))
            catch_up(servers, worker, [played.ends[n] for n in range(PARTITIONS)])
            return asyncio.run(Load(config, people, known, options).run())


def _before(people: list[bytes], known: int) -> Iterator[tuple[str, bytes]]:
    yield from (("purchase", who) for who in people)
    yield from (("visit", who) for who in people[:known])


def _touch(kind: str, who: bytes, time_ms: int | None = None) -> TapeRecord:
    now = time_ms or int(time.time() * 1000)
    name, data = f"{kind}-{who.decode()}-{now}", {"amount": 20.0} if kind == "purchase" else {"channel": "web"}
    value = event(kind, id=name, source="/benchmark", subject=who.decode(), time_ms=now, data=data)
    return TapeRecord(partition_of(who, PARTITIONS), now, who, value)


class Planned(NamedTuple):
    """A touchpoint of the load. at: seconds after the start. opens: whose episode it will open; it is measured."""

    at: float
    record: TapeRecord
    opens: bytes | None


class Load:
    """A paced load, and the reader of its triggers. known: so many of the people have visited before."""

    def __init__(self, config: Config, people: list[bytes], known: int, options: Options) -> None:
        self._config, self._people, self._known, self._options = config, people, known, options
        # Of each customer who visits for the first time, when the visit was published, and when its trigger came.
        self._published: dict[bytes, float] = {}
        self._received: dict[bytes, float] = {}
        self._at_tick: set[bytes] = set()  # whose episode a tick opened
        self._answers: list[asyncio.Future[Any]] = []
        self._behind_s = 0.0
        self._all_out = False

    def _plan(self) -> list[Planned]:
        """Everything that will be published, made beforehand: the load must not be what is slow."""
        rate, seconds = self._options.latency_rate, self._options.latency_s + WARM_S
        count = int(seconds * rate)
        begins = int((time.time() + START_S) * 1000)
        at = begins + np.arange(count) * 1000 // rate
        known = Workload(customers=self._known, events=count, partitions=PARTITIONS)
        rng = np.random.default_rng([known.seed, 4])
        kinds = [kind for kind in mix(known.seed) if kind.name != "consent_changed"]
        weights = np.array([kind.weight for kind in kinds])
        which = rng.choice(len(kinds), count, p=weights / weights.sum())
        mixed = known.events_of(rng, kinds, which, rng.integers(0, self._known, count), at)
        fresh = iter(self._people[self._known :])
        plan = []
        for n in range(count):
            who = next(fresh) if n % OPENS_EVERY == 0 else None
            record = _touch("visit", who, int(at[n])) if who else next(mixed)
            plan.append(Planned(n / rate, record, who if n / rate >= WARM_S else None))
        return plan

    async def run(self) -> dict[str, float]:
        connection = kafka_connection(self._config)
        producer = async_producer(connection, max_batch_size=256 << 10)
        reader = async_reader(connection, isolation_level="read_committed")
        await producer.start()
        await reader.start()
        try:
            parts = [TopicPartition(self._config.topic("triggers"), number) for number in range(PARTITIONS)]
            reader.assign(parts)
            # From the first one on: some have their tick before the load begins, and no trigger at their visit.
            await reader.seek_to_beginning(*parts)
            reading = asyncio.ensure_future(self._read(reader))
            await self._publish(producer, self._plan())
            await asyncio.gather(*self._answers)
            self._all_out = True
            await reading  # never cancelled: what a poll has in hand would be lost
            await self._drain(reader)
        finally:
            await reader.stop()
            await producer.stop()
        seconds = [self._received[who] - at for who, at in self._published.items() if who in self._received]
        return {
            **percentiles(seconds, len(self._awaited())),
            "opened_at_tick": len(self._published.keys() & self._at_tick),
            "load_behind_ms": self._behind_s * 1000,
        }

    def _awaited(self) -> set[bytes]:
        return self._published.keys() - self._received.keys() - self._at_tick

    async def _publish(self, producer: Any, plan: list[Planned]) -> None:
        """A produce request per partition and slot, each sent when its time has come."""
        began, first = time.perf_counter() + START_S / 2, 0
        per_slot = max(1, round(SLOT_S * self._options.latency_rate))
        while first < len(plan):
            slot = plan[first : first + per_slot]
            first += per_slot
            ahead = began + slot[0].at - time.perf_counter()
            if ahead > 0:
                await asyncio.sleep(ahead)
            self._behind_s = max(self._behind_s, -ahead)
            now = time.perf_counter()
            for partition in range(PARTITIONS):
                own = [planned for planned in slot if planned.record.partition == partition]
                if own:
                    await self._send(producer, partition, own, now)

    async def _send(self, producer: Any, partition: int, own: list[Planned], now: float) -> None:
        batch = producer.create_batch()
        for planned in own:
            batch.append(timestamp=None, key=planned.record.key, value=planned.record.value)
        self._published.update((planned.opens, now) for planned in own if planned.opens)
        self._answers.append(await producer.send_batch(batch, self._config.topic("touchpoints"), partition=partition))

    async def _read(self, reader: Any) -> None:
        while not self._all_out:
            await self._take(reader)

    async def _take(self, reader: Any) -> None:
        found = await reader.getmany(timeout_ms=200)
        now = time.perf_counter()
        for records in found.values():
            for record in records:
                if not _decode(record.value).at.due:
                    self._received.setdefault(record.key, now)
                elif record.key not in self._received:
                    self._at_tick.add(record.key)

    async def _drain(self, reader: Any) -> None:
        """Wait for the last triggers."""
        deadline = time.perf_counter() + DRAIN_S
        while time.perf_counter() < deadline and self._awaited():
            await self._take(reader)


if __name__ == "__main__":
    printed(measure(parsed(__doc__ or ""), print))
