"""The Faust peer and the floor on a world's day, each with its own customers in a database of its own in Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import msgspec
import redis
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.floor import Parts, key_of
from benchmarks.peer_faust import from_history
from benchmarks.servers import APP, Servers, run_to_result
from benchmarks.world import World
from models.customer.layout import SLAB
from models.settings import SECOND
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import TopicSpec

T = TypeVar("T")

DATABASE = 1
CHUNK = 5_000
TIMEOUT_S = 600.0
TOPIC = f"{APP}.touchpoints"


class Ran(msgspec.Struct, frozen=True):
    """What a program says of itself. Moments are time.time(); cpu_s: of its process between them."""

    events: int
    began: float
    ended: float
    cpu_s: float
    triggers: int = 0

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / (self.ended - self.began)


class NotTheSameJob(Exception):
    """The peer said that it processed more events than Redis saw, or met an error on the way."""


def run_floor(servers: Servers, world: World, batch_records: int, parts: Parts = "all") -> Ran:
    """The floor over the whole day."""
    facts = world.facts
    with own_database(servers) as client:
        if parts == "all":
            value, homes = bytes(SLAB.itemsize), world.workload.homes
            pairs = zip(world.workload.keys, homes, strict=True)
            seed(client, ((key_of(key, home), value) for key, home in pairs), set_values)
        result = servers.directory / "floor.json"
        command = ["-m", "benchmarks.floor", "--broker", servers.bootstrap_servers, "--redis-url", own_url(servers)]
        command += ["--topic", TOPIC, "--starts", ",".join(map(str, facts.starts)), "--events", str(facts.touchpoints)]
        command += ["--batch-records", str(batch_records), "--parts", parts, "--result", str(result)]
        return msgspec.convert(run_to_result("the floor", command, {}, result, TIMEOUT_S), Ran)


def run_peer(servers: Servers, world: World, events: int) -> Ran:
    """The peer over the first `events` records of the day.

    Raises NotTheSameJob when Redis has not seen as many reads and writes as it says it made, or when it logged an
    error: Faust restarts an agent that raised, which takes seconds, and the peer would look slow.
    """
    directory = servers.directory / "peer"
    directory.mkdir(exist_ok=True)
    with TopicAdmin(KafkaConnection(servers.bootstrap_servers)) as admin:
        admin.create([TopicSpec("triggers", "peer.triggers", world.workload.partitions, 1, {})])
    asyncio.run(_start_at(servers.bootstrap_servers, "peer", world.facts.starts))
    with own_database(servers) as client:
        histories = ((b"peer:" + key, times) for key, times in world.workload.histories())
        seed(client, histories, _set_hashes)
        before = _calls(client)
        result = directory / "result.json"
        own = {
            "PEER_BROKER": servers.bootstrap_servers,
            "PEER_REDIS": own_url(servers),
            "PEER_TOPIC": TOPIC,
            "PEER_TRIGGERS": "peer.triggers",
            "PEER_EVENTS": str(events),
            "PEER_RESULT": str(result),
            "PEER_DIRECTORY": str(directory / "data"),
        }
        told = run_to_result("the peer", ["-m", "benchmarks.peer_faust"], own, result, TIMEOUT_S)
        reads, writes = (now - then for now, then in zip(_calls(client), before, strict=True))
        if reads < told["events"] or writes < told["events"] - told["duplicates"]:
            raise NotTheSameJob(f"the peer says {told['events']} events, Redis saw {reads} HGETALL and {writes} HSET")
        if "ERROR" in (log := result.with_suffix(".log").read_text(encoding="utf-8")):
            raise NotTheSameJob(f"the peer met an error:\n{log[-2_000:]}")
        return msgspec.convert(told, Ran)


@contextlib.contextmanager
def own_database(servers: Servers) -> Iterator[Any]:
    """A client of database 1, which is empty before and after."""
    client: Any = redis.Redis.from_url(own_url(servers))
    client.flushdb()
    try:
        yield client
    finally:
        client.flushdb()
        client.close()


def own_url(servers: Servers) -> str:
    return servers.redis_url.removesuffix("/0") + f"/{DATABASE}"


def _calls(client: Any) -> tuple[int, int]:
    """HGETALL and HSET that this Redis has seen so far."""
    stats = client.info("commandstats")
    reads, writes = (int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("hgetall", "hset"))
    return reads, writes


def seed(client: Any, rows: Iterable[tuple[bytes, T]], put: Callable[[Any, list[tuple[bytes, T]]], None]) -> None:
    """Write rows in pipelines, so that a warm start takes seconds."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        put(client, chunk)


def set_values(client: Any, rows: list[tuple[bytes, bytes]]) -> None:
    client.mset(dict(rows))


def _set_hashes(client: Any, rows: list[tuple[bytes, list[int]]]) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for key, times in rows:
            pipeline.hset(key, mapping=from_history([time / SECOND for time in times]))
        pipeline.execute()


async def _start_at(bootstrap_servers: str, group: str, starts: list[int]) -> None:
    """Commit offsets for a group that has no member, so that it begins there."""
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        at = {TopicPartition(TOPIC, partition): offset for partition, offset in enumerate(starts)}
        consumer.assign(list(at))
        await consumer.commit(at)
    finally:
        await consumer.stop()
