"""`retention doctor` on each kind of Redis that is not what the engine needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.errors import ExitCode
from streams.local.embedded import EmbeddedRedis
from streams.local.processes import LOOPBACK
from tests.integration.cli.test_cli_doctor import OK, PROBLEM, SKIPPED, WARNING, Findings, examined, unreachable
from tests.support.stores import admin, cluster_node, everything

StartRedis = Callable[..., EmbeddedRedis]


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[StartRedis]:
    """Redis servers with settings of the test's own, which end with it."""
    started: list[EmbeddedRedis] = []

    def start(**told: Any) -> EmbeddedRedis:
        directory = tmp_path / f"redis-{len(started)}"
        started.append(EmbeddedRedis(directory, **told).start())
        return started[-1]

    yield start
    for server in started:
        server.stop()


def redis_only(url: str, *words: str) -> Findings:
    """With a Kafka that is not there: only what is said of Redis counts."""
    return examined(ExitCode.FAILURE, "--bootstrap-servers", unreachable(""), "--redis-url", url, *words)


def test_a_redis_that_throws_records_away(start_redis: StartRedis) -> None:
    server = start_redis(settings={"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"})
    found = redis_only(server.url)
    assert found["redis.eviction"]["status"] == PROBLEM
    assert "allkeys-lru with maxmemory 100 MiB" in found["redis.eviction"]["told"]
    assert found["redis.eviction"]["remedy"] == "set maxmemory-policy noeviction"


def test_a_redis_that_keeps_nothing(start_redis: StartRedis) -> None:
    found = redis_only(start_redis(appendonly=False).url)
    assert found["redis.persistence"]["status"] == WARNING
    assert "appendonly no" in found["redis.persistence"]["told"]
    assert "appendfsync always" in found["redis.persistence"]["remedy"]


def test_a_redis_that_is_nearly_full(start_redis: StartRedis) -> None:
    server = start_redis(appendonly=False, settings={"maxmemory": "20mb"})
    with admin(server) as client:
        for number in range(16):
            client.set(f"filler-{number}", b"x" * ((1 << 20) - 1024))  # a little more would be rounded up
    assert redis_only(server.url)["redis.memory"]["status"] in (WARNING, PROBLEM)


def test_a_replica(start_redis: StartRedis) -> None:
    primary = start_redis()
    replica = start_redis(settings={"replicaof": f"{LOOPBACK} {primary.port}"})
    found = redis_only(replica.url)
    assert found["redis.replicas"]["status"] == PROBLEM
    assert f"{LOOPBACK}:{primary.port}" in found["redis.replicas"]["told"]


def test_a_user_who_may_neither_ask_for_settings_nor_run_scripts(start_redis: StartRedis) -> None:
    server = start_redis()
    with admin(server) as client:
        client.execute_command("ACL", "SETUSER", "narrow", "on", ">secret", "~*", "+@all", "-config", "-@scripting")
    found = redis_only(f"redis://narrow:secret@{LOOPBACK}:{server.port}/0")
    assert found["redis.scripts"]["status"] == PROBLEM
    assert "permissions" in found["redis.scripts"]["remedy"]
    assert found["redis.persistence"]["status"] == WARNING
    assert "CONFIG is refused" in found["redis.persistence"]["told"]
    assert found["redis.eviction"]["status"] == OK


def user(server: EmbeddedRedis, *rules: str) -> str:
    """The address for a user of these rights."""
    with admin(server) as client:
        client.execute_command("ACL", "SETUSER", "narrow", "on", ">secret", "~*", *rules)
    return f"redis://narrow:secret@{LOOPBACK}:{server.port}/0"


def test_a_user_who_may_not_ask_for_anything_dangerous(start_redis: StartRedis) -> None:
    found = redis_only(user(start_redis(), "+@all", "-@dangerous"))
    redis = {check.partition(".")[2]: finding for check, finding in found.items() if check.startswith("redis.")}
    assert {check: finding["status"] for check, finding in redis.items()} == {
        **dict.fromkeys(("reachable", "cluster", "persistence", "eviction"), WARNING),
        **dict.fromkeys(("replicas", "memory"), SKIPPED),
        **dict.fromkeys(("security", "scripts", "clock"), OK),
    }
    assert "INFO is refused" in redis["reachable"]["told"]


@pytest.mark.parametrize(
    ("command", "words"), [*((c, c) for c in ("zrange", "zadd", "ltrim", "lrange", "mget")), ("zcount", "due count of")]
)
def test_a_user_who_lacks_a_right_that_only_a_shard_at_work_would_miss(
    start_redis: StartRedis, command: str, words: str
) -> None:
    server = start_redis()
    found = redis_only(user(server, "+@all", f"-{command}"))
    assert found["redis.scripts"]["status"] == PROBLEM
    assert words in found["redis.scripts"]["told"].lower()
    assert "permissions" in found["redis.scripts"]["remedy"]
    assert everything(server) == {}


def test_keys_that_may_be_left_are_named(start_redis: StartRedis) -> None:
    server = start_redis()
    found = redis_only(user(server, "+@all", "-unlink"), "--app", "loyalty")
    assert found["redis.scripts"]["status"] == PROBLEM
    places = {key.decode().partition(":")[2].partition("}")[0] for key in everything(server)}
    assert len(places) == 1
    assert f"keys of namespace '{places.pop()}' may be left" in found["redis.scripts"]["told"]


def test_read_only_writes_nothing_to_redis_and_says_what_it_ran(start_redis: StartRedis) -> None:
    server = start_redis()
    found = redis_only(server.url, "--read-only")
    assert found["redis.scripts"]["status"] == OK
    assert "only mint" in found["redis.scripts"]["told"]
    with admin(server) as client:
        assert "cmdstat_hset" not in client.info("commandstats")
    found = redis_only(server.url)
    assert "created, written, read and deleted" in found["redis.scripts"]["told"]
    with admin(server) as client:
        assert client.info("commandstats")["cmdstat_hset"]["calls"] > 0
    assert everything(server) == {}


def test_a_wrong_password(start_redis: StartRedis) -> None:
    server = start_redis()
    with admin(server) as client:
        client.config_set("requirepass", "right")
    found = redis_only(f"redis://:wrong@{LOOPBACK}:{server.port}/0")
    assert found["redis.reachable"]["status"] == PROBLEM
    assert "wrong" not in found["redis.reachable"]["told"].replace("WRONGPASS", "")
    assert "password" in found["redis.reachable"]["remedy"]


def test_the_cluster_flag_must_be_what_redis_is(tmp_path: Path, redis_url: str) -> None:
    node = cluster_node(tmp_path / "cluster")
    try:
        found = redis_only(node.url)
        assert found["redis.cluster"]["status"] == PROBLEM
        assert found["redis.cluster"]["remedy"] == "set RETENTION_REDIS_CLUSTER=true"
        found = redis_only(node.url, "--redis-cluster", "true")
        assert found["redis.cluster"]["told"] == "cluster_state ok, 1 primaries"
        assert found["redis.scripts"]["status"] == OK
        with admin(node) as client:
            client.execute_command("CLUSTER", "DELSLOTS", 0)
        found = redis_only(node.url, "--redis-cluster", "true")
        assert found["redis.cluster"]["status"] == PROBLEM
    finally:
        node.stop()
    found = redis_only(redis_url, "--redis-cluster", "true")
    assert "is no node of a cluster" in found["redis.cluster"]["told"]
