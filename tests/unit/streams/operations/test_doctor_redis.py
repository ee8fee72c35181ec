"""What is said of a Redis, from what it tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams.config import load
from streams.operations.doctor.clocks import ClockReading
from streams.operations.doctor.finding import Finding, Status
from streams.operations.doctor.redis import clock, every, eviction, memory, persistence, reachable, replicas
from streams.operations.doctor.redis_nodes import RedisNode

MIB = 1 << 20
Check = Callable[[RedisNode], Finding]
SOUND = {
    "redis_version": "7.0.15",
    "cluster_enabled": 0,
    "role": "master",
    "connected_slaves": 0,
    "maxmemory": 100 * MIB,
    "maxmemory_policy": "noeviction",
    "used_memory": 10 * MIB,
    "total_system_memory": 1000 * MIB,
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "rdb_last_bgsave_status": "ok",
}
DURABLE = {"appendonly": "yes", "appendfsync": "always", "min-replicas-to-write": "0"}


def node(
    info: dict[str, Any] | None = None, settings: dict[str, str] | None = DURABLE, name: str = "a", ahead_s: float = 0.0
) -> RedisNode:
    return RedisNode(name, {**SOUND, **(info or {})}, settings, ClockReading(100.0 + ahead_s, 100.0, 100.0))


def test_a_sound_redis_is_fine() -> None:
    for check in (persistence, eviction, memory, replicas, clock):
        assert check(node()).status is Status.OK


@pytest.mark.parametrize(
    ("told", "status"), [("6.0.20", Status.PROBLEM), ("6.2.14", Status.OK), ("7.0.15", Status.OK), ("8.2.0", Status.OK)]
)
def test_a_redis_older_than_the_scripts_is_a_problem(told: str, status: Status) -> None:
    found = reachable(load(redis_url="redis://u:secret@h/0"), [node({"redis_version": told})])
    assert found.status is status
    assert told in found.text
    assert "secret" not in found.text


def test_valkey_is_called_by_its_name() -> None:
    found = reachable(load(), [node({"redis_version": "7.2.4", "valkey_version": "8.0.1"})])
    assert "Valkey 8.0.1" in found.text


@pytest.mark.parametrize(
    ("settings", "status", "words"),
    [
        ({"appendonly": "yes", "appendfsync": "always"}, Status.OK, "always"),
        ({"appendonly": "yes", "appendfsync": "everysec"}, Status.WARNING, "everysec"),
        ({"appendonly": "no", "appendfsync": "always"}, Status.WARNING, "appendonly no"),
        (None, Status.WARNING, "CONFIG is refused; appendonly yes"),
    ],
)
def test_what_a_crash_may_lose_is_a_warning(settings: dict[str, str] | None, status: Status, words: str) -> None:
    found = persistence(node(settings=settings))
    assert (found.status, words in found.text) == (status, True)


def test_a_disk_that_takes_no_writes_is_a_problem() -> None:
    found = persistence(node({"aof_last_write_status": "err"}))
    assert found.status is Status.PROBLEM
    assert "aof_last_write_status is err" in found.text


@pytest.mark.parametrize(
    ("policy", "limit", "status"),
    [
        ("noeviction", 0, Status.OK),
        ("allkeys-lru", 100 * MIB, Status.PROBLEM),
        ("allkeys-lru", 0, Status.WARNING),
        ("volatile-ttl", 100 * MIB, Status.WARNING),
    ],
)
def test_a_redis_that_throws_records_away_is_a_problem(policy: str, limit: int, status: Status) -> None:
    found = eviction(node({"maxmemory_policy": policy, "maxmemory": limit}))
    assert found.status is status
    assert (found.remedy == "set maxmemory-policy noeviction") is (status is not Status.OK)


@pytest.mark.parametrize(
    ("used", "limit", "status"),
    [
        (79 * MIB, 100 * MIB, Status.OK),
        (80 * MIB, 100 * MIB, Status.WARNING),
        (96 * MIB, 100 * MIB, Status.PROBLEM),
        (96 * MIB, 0, Status.OK),
        (900 * MIB, 0, Status.WARNING),
    ],
)
def test_little_room_is_told_before_there_is_none(used: int, limit: int, status: Status) -> None:
    assert memory(node({"used_memory": used, "maxmemory": limit})).status is status


def test_a_replica_takes_no_writes() -> None:
    found = replicas(node({"role": "slave", "master_host": "primary", "master_port": 6379}))
    assert found.status is Status.PROBLEM
    assert "primary:6379" in found.text


@pytest.mark.parametrize(("needed", "status"), [("0", Status.WARNING), ("1", Status.OK)])
def test_replicas_that_need_not_confirm_may_lack_the_last_commits(needed: str, status: Status) -> None:
    found = replicas(node({"connected_slaves": 2}, {**DURABLE, "min-replicas-to-write": needed}))
    assert found.status is status
    assert "2 replicas" in found.text


@pytest.mark.parametrize(("ahead_s", "status"), [(0.5, Status.OK), (-30.0, Status.WARNING), (7200.0, Status.WARNING)])
def test_a_clock_that_the_engine_does_not_use_is_never_a_problem(ahead_s: float, status: Status) -> None:
    assert clock(node(ahead_s=ahead_s)).status is status


@pytest.mark.parametrize(
    ("check", "status"),
    [
        (persistence, Status.WARNING),
        (eviction, Status.WARNING),
        (memory, Status.SKIPPED),
        (replicas, Status.SKIPPED),
        (clock, Status.OK),
    ],
)
def test_what_redis_does_not_tell_is_neither_fine_nor_a_problem(check: Check, status: Status) -> None:
    silent = RedisNode("a", {}, None, ClockReading(100.0, 100.0, 100.0))
    assert check(silent).status is status
    assert silent.clustered is None


def test_a_version_that_is_not_told_is_a_warning() -> None:
    found = reachable(load(), [RedisNode("a", {}, None, None)])
    assert found.status is Status.WARNING
    assert "6.2 or later" in found.remedy


def test_of_several_nodes_those_that_are_not_fine_are_named() -> None:
    bad = {"maxmemory_policy": "allkeys-lru"}
    nodes = [node(name="one"), node(bad, name="two"), node({**bad, "maxmemory": 0}, name="three")]
    found = every(nodes, eviction)
    assert found.status is Status.PROBLEM
    assert "two: " in found.text
    assert "one: " not in found.text
    assert every([node(name="one"), node(name="two")], eviction).status is Status.OK
