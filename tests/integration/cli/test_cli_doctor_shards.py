"""`retention doctor` on what a real worker has left in Redis and Kafka, whole and broken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.structs import OffsetAndMetadata

from streams.errors import ExitCode
from tests.integration.cli.test_cli_doctor import OK, PROBLEM, SKIPPED, WARNING, Findings, examined
from tests.support.servers import ApacheKafka
from tests.support.world import World, world
from tests.support.world_logs import lengths, split, tape_log

ROOT = Path(__file__).resolve().parents[3]
WORKED, WAITING = split(tape_log(seed=5, customers=20, days=50), 0.5)


@pytest.fixture(scope="module")
def halfway(kafka: ApacheKafka, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Half of a log is done, the other half waits, and nobody is at work. Each test mends what it breaks."""
    directory = tmp_path_factory.mktemp("doctor")
    with world(kafka.bootstrap_servers, redis_url, f"{directory.name}-{time.time_ns()}", directory) as made:
        made.produce(WORKED)
        made.worker()
        made.wait(lambda: made.done(lengths(WORKED)))
        assert made.stop() == [ExitCode.OK]
        made.produce(WAITING)
        yield made


@pytest.fixture(autouse=True)
def its_settings(halfway: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in halfway.settings.items():
        monkeypatch.setenv(f"RETENTION_{name.upper()}", str(value))


@contextmanager
def changed(halfway: World, shard: int) -> Iterator[bytes]:
    """The key of a shard's meta, which the block may change."""
    key = f"{{{halfway.config.app}:{shard}}}:meta".encode()
    kept = halfway.redis.dump(key) or b""
    try:
        yield key
    finally:
        halfway.redis.restore(key, 0, kept, replace=True)


def problem(found: Findings, check: str, code: ExitCode, *words: str) -> None:
    """The check is the one problem, and tells what would end a worker, with its exit code."""
    assert [name for name, finding in found.items() if finding["status"] == PROBLEM] == [check]
    for word in (*words, f"exit code {int(code)}"):
        assert word in found[check]["told"]
    assert found[check]["remedy"]


def test_work_that_waits_for_a_worker_is_told(halfway: World) -> None:
    found = examined(ExitCode.OK)
    assert found["shards.state"]["told"] == "3 of 3 shards have state"
    assert all(found[f"shards.{check}"]["status"] == OK for check in ("settings", "log", "committed", "outbox"))
    assert found["shards.workers"]["status"] == WARNING
    assert f"no worker is running, {sum(lengths(WAITING)):,} records to read" in found["shards.workers"]["told"]


def test_settings_that_drifted_are_told_once_for_all_shards(halfway: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_LATENESS_S", "7")
    found = examined(ExitCode.FAILURE)
    problem(found, "shards.settings", ExitCode.SETTINGS_CHANGED, "shards 0-2: lateness is 7000, at creation")


def test_a_state_that_is_gone(halfway: World) -> None:
    with changed(halfway, 1) as key:
        halfway.redis.delete(key)
        found = examined(ExitCode.FAILURE)
    problem(found, "shards.state", ExitCode.META_MISSING, "shard 1: Kafka has offsets committed")
    assert "never start it afresh" in found["shards.state"]["remedy"]
    assert found["shards.settings"]["status"] == OK


def test_a_state_of_which_only_the_outputs_are_left(halfway: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_APP", f"{halfway.config.app}-other")
    found = examined(ExitCode.FAILURE)
    problem(found, "shards.state", ExitCode.META_MISSING, "shards 0-2: the output topics hold records")
    assert found["shards.log"]["status"] == SKIPPED


def test_a_state_of_another_release(halfway: World) -> None:
    with changed(halfway, 2) as key:
        body = halfway.redis.hget(key, "body")
        assert isinstance(body, bytes)
        halfway.redis.hset(key, "body", body.replace(b'"schema":1', b'"schema":7'))
        found = examined(ExitCode.FAILURE)
    problem(found, "shards.state", ExitCode.STATE_UNREADABLE, "meta of shard 2 has schema 7")


def test_a_redis_that_went_back_behind_the_committed_offsets(halfway: World) -> None:
    topic, next_offset = halfway.config.topic("touchpoints"), halfway.next_offsets()[0]
    admin = KafkaAdminClient(bootstrap_servers=halfway.config.bootstrap_servers)

    def commit(offset: int) -> None:
        admin.alter_group_offsets(halfway.config.app, {TopicPartition(topic, 0): OffsetAndMetadata(offset, "", -1)})

    commit(next_offset + 4)
    found = examined(ExitCode.OK)
    commit(next_offset)
    admin.close()
    assert found["shards.committed"]["status"] == WARNING
    assert "shard 0 by 4 records" in found["shards.committed"]["told"]


def test_a_worker_at_work_is_counted(halfway: World) -> None:
    halfway.worker(PYTHONPATH=str(ROOT))
    halfway.wait(lambda: halfway.done([a + b for a, b in zip(lengths(WORKED), lengths(WAITING), strict=True)]))
    found = examined(ExitCode.OK)
    assert halfway.stop() == [ExitCode.OK]
    assert found["shards.workers"]["told"] == "1 worker (group Stable), 0 records to read"
    assert found["shards.workers"]["status"] == OK


def test_a_log_that_lost_what_was_not_read(halfway: World) -> None:
    """The last one: what is deleted does not come back."""
    next_offset = halfway.next_offsets()[0]
    with changed(halfway, 0) as key:
        body = halfway.redis.hget(key, "body")
        assert isinstance(body, bytes)
        back = body.replace(f'"fence":{next_offset}'.encode(), f'"fence":{next_offset - 5}'.encode())
        assert back != body
        halfway.redis.hset(key, "body", back)
        admin = KafkaAdminClient(bootstrap_servers=halfway.config.bootstrap_servers)
        admin.delete_records({TopicPartition(halfway.config.topic("touchpoints"), 0): next_offset - 2})
        admin.close()
        found = examined(ExitCode.FAILURE)
    problem(found, "shards.log", ExitCode.LOG_TRUNCATED, "shard 0: the log starts at", "3 are gone")
