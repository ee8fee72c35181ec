"""An operator stops marketing while customers turn away: with a shard that lags, one that is parked, and a kill -9."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from models.timeline.partitioning import partition_of
from models.timeline.stops import in_force
from streams.errors import ExitCode
from tests.support.cli_docs import undocumented
from tests.support.logs import chosen_policy, touchpoint
from tests.support.servers import ApacheKafka
from tests.support.world import Raw, World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, stand_still

SHARDS, PARKED = 3, 2
STOP = ("stop", "--purpose", "marketing", "--by", "ada", "--why", "wrong prices", "--json")


class Shop:
    """New customers all the time, who bought some seconds ago and stay silent: each is asked to come back at their
    tick. `flag_up`: when the flag of stops was first seen. `slowest`: the longest time from look to look at it."""

    def __init__(self, world: World) -> None:
        self._world, self._over, self._count = world, threading.Event(), 0
        self.flag_up = self.slowest = 0.0
        self._threads = [threading.Thread(target=work) for work in (self._sell, self._watch)]

    def _sell(self) -> None:
        while not self._over.wait(0.5):
            now = int(time.time() * 1000)
            log: list[list[Raw]] = [[] for _ in range(SHARDS)]
            for _ in range(12):
                self._count += 1
                name = f"buyer-{self._count:05d}"
                value = touchpoint("purchase", name, now - 6_000, {"amount": 20}, id=f"{name}-bought")
                log[partition_of(name, SHARDS)].append((name.encode(), value, now))
            self._world.produce(log)

    def _watch(self) -> None:
        looked = time.time()
        while not self._over.wait(0.02):
            before, looked = looked, time.time()
            self.slowest = max(self.slowest, looked - before)
            body: Any = self._world.redis.hget(f"{{{self._world.config.app}:stops}}:meta", "body")
            if not self.flag_up and body and b"wrong prices" in body:
                self.flag_up = time.time()

    @property
    def silent_from(self) -> float:
        """Nothing is published once the flag is up for two seconds; longer where the machine is so busy that even a
        look takes its time."""
        return self.flag_up + max(2.0, 20 * self.slowest)

    @contextmanager
    def open(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()


def published(world: World) -> list[list[tuple[float, dict[str, Any]]]]:
    """What stands on the triggers topic, by partition: when it was written (s), and what."""
    partitions = world.read("triggers")["triggers"]
    return [[(one.timestamp / 1000, json.loads(one.value)) for one in records] for records in partitions]


def times(world: World, shard: int) -> list[float]:
    return [at for at, one in published(world)[shard] if one["type"] == "trigger"]


def unsent_of(records: list[tuple[float, dict[str, Any]]]) -> set[str]:
    return {one["trigger"] for _, one in records if one["type"] == "unsent"}


def unsent(world: World) -> list[set[str]]:
    """By partition, the triggers that were held back."""
    return [unsent_of(records) for records in published(world)]


def stopped_in(world: World) -> list[bool]:
    bodies = [world.body(n) for n in range(SHARDS)]
    return [body is not None and bool(in_force(body.state).standing) for body in bodies]


@pytest.mark.slow
def test_a_stop_is_in_force_everywhere_within_ten_seconds(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    """One worker stands still meanwhile, so its shards lag; and one shard is parked over a policy it cannot read."""
    world = make_world(kafka, **{**LIVE, "session_timeout_s": 120, "request_timeout_s": 130})
    workers = [world.worker(), world.worker()]
    world.wait(lambda: all(world.bodies()) and sorted(map(world.owned, workers)) == [1, 2])
    stands_still = next(worker for worker in workers if world.owned(worker) == 2)
    shop = Shop(world)
    with shop.open():
        world.wait(lambda: all(len(times(world, shard)) > 3 for shard in range(SHARDS)))
        now = int(time.time() * 1000)
        world.produce([[], [], [(None, chosen_policy(now, now, "format = 999", format=999), now)]])
        world.wait(lambda: world.wrote(f"touchpoints {PARKED} is parked"))
        begun = time.time()
        assert world.command("stops").returncode == 0
        usual = time.time() - begun  # a second for a command; on a busy machine all takes so many times longer
        within = 10 * max(1.0, usual)
        stands_still.send_signal(signal.SIGSTOP)
        try:
            begun = time.time()
            done = world.command(*STOP, "--wait", "3")
            took = time.time() - begun
            world.wait(lambda: bool(shop.flag_up) and time.time() > shop.silent_from)
        finally:
            stands_still.send_signal(signal.SIGCONT)
        assert done.returncode == ExitCode.FAILURE, done.stderr
        told = json.loads(done.stdout)
        assert undocumented("stop", told) == []
        assert (told["flag"], told["again"]) == (True, False)
        lacking = set(told["not_read"])
        assert PARKED in lacking
        assert len(lacking) >= 2, "the shards of the worker that stands still have not come to it"
        world.wait(lambda: stopped_in(world) == [n != PARKED for n in range(SHARDS)])
        time.sleep(4)
    assert took < within + 3
    after = shop.silent_from
    for shard, records in enumerate(published(world)):
        # Nothing is published by then, whether the shard has come to the record or not.
        assert [one for at, one in records if one["type"] == "trigger" and at > after] == [], shard
        [(ordered, order)] = [(at, one) for at, one in records if one["type"] == "stopped"]
        assert ordered < begun + within
        assert order["number"] == told["stop"]["number"]
        assert (order["purposes"], order["why"]) == (["marketing"], "wrong prices")
    shown = json.loads(world.command("stops", "--json").stdout)
    assert undocumented("stops", shown) == []
    [stop] = shown["stops"]
    assert (stop["flag"], stop["shards"], stop["not_read"]) == (True, [0, 1], [PARKED])
    assert f"not read yet by shard {PARKED}" in world.command("stops").stdout


@pytest.mark.slow
def test_a_stop_that_was_killed_behind_the_flag_holds_is_ended_by_the_same_command_and_goes_on_after_resume(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka, **LIVE)
    assert "action 'vouchr' is none of those without a policy; give one of care, win_back" in _refused(world)
    world.worker()
    world.wait(lambda: all(world.bodies()))
    shop = Shop(world)
    with shop.open():
        world.wait(lambda: all(len(times(world, shard)) > 3 for shard in range(SHARDS)))
        killed = world.command(*STOP, RETENTION_CRASH_POINT="stop.flag")
        assert killed.returncode == ExitCode.CRASH_POINT
        world.wait(lambda: bool(shop.flag_up) and time.time() > shop.silent_from and all(unsent(world)))
        assert stopped_in(world) == [False] * SHARDS
        shown = world.command("stops").stdout
        assert "in force for publishers and senders; 0 shards decide by it; not read yet by shard 0, 1, 2" in shown
        again = json.loads(world.command(*STOP, "--wait", "120").stdout)
        assert (again["again"], again["not_read"]) == (True, [])
        assert stopped_in(world) == [True] * SHARDS
        time.sleep(4)
        held = time.time()
        ended = world.command("resume", "--purpose", "marketing", "--by", "ben", "--wait", "120", "--json")
        assert ended.returncode == 0, ended.stderr
        told = json.loads(ended.stdout)
        assert undocumented("resume", told) == []
        assert [one["number"] for one in told["ended"]] == [again["stop"]["number"]]
        world.wait(lambda: all(max(times(world, shard)) > held for shard in range(SHARDS)))
    assert world.command("stops").stdout == "nothing is stopped\n"
    assert world.command("resume", "--all").stdout == "nothing to do: no such stop is in force\n"
    for records in published(world):
        at = [at for at, one in records if one["type"] == "trigger"]
        assert not [one for one in at if shop.silent_from < one < held]
        assert not {one["id"] for _, one in records if one["type"] == "trigger"} & unsent_of(records)
    stand_still(world)
    world.check()
    verified = world.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _refused(world: World) -> str:
    world.worker()
    world.wait(lambda: all(world.bodies()))
    done = world.command("stop", "--action", "vouchr", "--by", "ada", "--why", "typed wrong")
    assert done.returncode == ExitCode.USAGE
    world.end()
    return done.stderr
