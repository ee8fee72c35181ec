"""One shard's state is damaged under two live workers: it stands still alone, and goes on when it is repaired."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

from models.timeline.partitioning import partition_of
from streams.errors import ExitCode
from streams.local.processes import free_ports
from tests.integration.engine.test_waits_are_told import health
from tests.support.logs import touchpoint
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, send, stand_still

SHARDS, POISONED = 3, 1
PARKED_S = 12
LONGEST_REST_S = 4.0
"""A rebalance is under way when two workers start; afterwards a clock record moves each shard twice a second. Longer
where the machine is so busy that a look or a purchase takes its time: by `SLOWER` of it."""
SLOWER = 5


def customer_of(shard: int) -> str:
    return next(name for n in range(100) if partition_of(name := f"customer-{n}", SHARDS) == shard)


def buy(world: World) -> None:
    """One purchase in each shard."""
    now = int(time.time() * 1000)
    for customer in map(customer_of, range(SHARDS)):
        send(world, customer, touchpoint("purchase", customer, now, {"amount": 20}), now)


class Rests:
    """The longest time for which each shard has not moved, from now on. slowest: the longest from look to look."""

    def __init__(self, world: World) -> None:
        self._world, self._over = world, threading.Event()
        self.longest: dict[int, float] = Counter()
        self.slowest = 0.0
        self._watching = threading.Thread(target=self._watch)
        self._watching.start()

    def _watch(self) -> None:
        moved = [looked := time.monotonic()] * SHARDS
        before = self._world.next_offsets()
        while not self._over.wait(0.1):
            now, after = time.monotonic(), self._world.next_offsets()
            self.slowest, looked = max(self.slowest, now - looked), now
            for shard in range(SHARDS):
                if after[shard] != before[shard]:
                    moved[shard] = now
                self.longest[shard] = max(self.longest[shard], now - moved[shard])
            before = after

    def end(self) -> dict[int, float]:
        self._over.set()
        self._watching.join()
        return self.longest


def test_a_damaged_record_parks_its_shard_alone_and_its_repair_needs_no_restart(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka, **LIVE)
    ports = free_ports(2)
    first = world.worker(RETENTION_METRICS_PORT=str(ports[0]))
    world.wait(lambda: world.owned(first) == SHARDS)
    buy(world)
    key = f"{{{world.config.app}:{POISONED}}}:c:{customer_of(POISONED)}"
    world.wait(lambda: bool(world.redis.exists(key)))
    world.end()
    whole: Any = world.redis.get(key)
    world.redis.set(key, whole[:-3])

    workers = [world.worker(RETENTION_METRICS_PORT=str(port)) for port in ports]
    world.wait(lambda: sum(max(0, world.owned(worker)) for worker in workers) >= SHARDS - 1)
    buy(world)
    world.wait(lambda: world.wrote(f"touchpoints {POISONED} is parked, the others go on: StateUnreadable"))
    stood, rests = world.next_offsets()[POISONED], Rests(world)
    slowest = 0.0
    for _ in range(PARKED_S):
        begun = time.monotonic()
        buy(world)
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(1)
    longest = rests.end()
    assert world.next_offsets()[POISONED] == stood
    assert world.redis.get(key) == whole[:-3]
    limit_s = LONGEST_REST_S + SLOWER * max(slowest, rests.slowest)
    assert max(longest[shard] for shard in range(SHARDS) if shard != POISONED) < limit_s
    assert [worker.poll() for worker in workers] == [None, None], "no worker ends over it"
    (told,) = (told for port in ports for told in health(port).get("parked", ()))
    assert (told["shard"], told["error"]) == (str(POISONED), "state_unreadable")
    assert "remedy: " in told["reason"]
    assert sorted(health(port)["healthy"] for port in ports) == [False, True]

    world.redis.set(key, whole)
    world.wait(lambda: world.next_offsets()[POISONED] > stood)
    world.wait(lambda: all(health(port)["healthy"] for port in ports))
    assert world.stop() == [ExitCode.OK, ExitCode.OK]
    stand_still(world)
    world.check()
