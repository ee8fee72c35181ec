"""`retention doctor` on each kind of Redis that is not what the engine needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.embedded import EmbeddedRedis
from streams.errors import ExitCode
from streams.processes import LOOPBACK
from tests.integration.cli.test_cli_doctor import OK, PROBLEM, WARNING, Findings, examined, unreachable
from tests.stores import admin, cluster_node

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
