"""`retention doctor` on real servers: sound ones, and each of them broken in its way."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from streams.config import load
from streams.errors import ExitCode
from streams.kafka.access import BrokerRefused
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from streams.kafka.topics import ROLES, specs
from streams.local.embedded import EmbeddedRedis
from streams.local.processes import LOOPBACK, free_port
from streams.operations.doctor import CHECKS
from streams.operations.doctor.broker import BrokerChecks
from tests.integration.cli.conftest import Retention, run
from tests.support.cli_docs import undocumented
from tests.support.servers import ApacheKafka, Broker
from tests.support.stores import everything

OK, WARNING, PROBLEM, SKIPPED = "ok", "warning", "problem", "skipped"
Findings = dict[str, dict[str, Any]]
LIMITS = (
    *("broker.COORDINATOR_S", "broker.APPEAR_S", "kafka_section.CALL_S", "redis_section.CALL_S"),
    *("producing.LIMIT_S", "section.CALL_S", "section.SECTION_S"),
)


@pytest.fixture
def sound(retention: Retention, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Retention:
    """`retention` where everything is as it should be."""
    monkeypatch.setenv("RETENTION_REDIS_URL", redis_url)
    assert retention("topics", "create").exit_code == 0
    return retention


def examined(code: ExitCode, *words: str) -> Findings:
    """`doctor --json`, by check. On a busy machine servers that answer take longer than it usually waits for them."""
    with pytest.MonkeyPatch.context() as patience:
        for limit in LIMITS:
            patience.setattr(f"streams.operations.doctor.{limit}", 120.0)
        if "--bootstrap-servers" not in words:
            patience.setattr(BrokerChecks.__init__, "__defaults__", (60.0,))
            patience.setattr("streams.operations.doctor.broker.CONNECT_S", 60.0)
        result = run("doctor", "--json", *words)
    assert result.exit_code == code, result.output
    told = json.loads(result.stdout)
    assert undocumented("doctor", told) == []
    assert [finding["check"] for finding in told["checks"]] == list(CHECKS), "every check has one finding, in order"
    assert all(finding["remedy"] for finding in told["checks"] if finding["status"] in (WARNING, PROBLEM))
    assert told["counts"] == {
        status: sum(finding["status"] == status for finding in told["checks"])
        for status in (OK, WARNING, PROBLEM, SKIPPED)
    }
    assert (told["status"] == PROBLEM) is (code != ExitCode.OK)
    return {finding["check"]: finding for finding in told["checks"]}


def those(findings: Findings, status: str) -> list[str]:
    return [check for check, finding in findings.items() if finding["status"] == status]


def unreachable(kind: str) -> str:
    return f"{kind}{LOOPBACK}:{free_port()}"


def test_all_is_well_but_for_the_single_replica_and_what_the_embedded_broker_cannot_do(
    sound: Retention, broker: Broker
) -> None:
    found = examined(ExitCode.OK)
    real = isinstance(broker, ApacheKafka)
    embedded = ["kafka.transactions", "kafka.idempotence", "kafka.clock"]
    assert those(found, WARNING) == ([] if real else embedded) + ["topics.replicas"]
    without_shards = ["settings", "policy", "retention", "log", "committed", "churn_rate", "model"]
    assert those(found, SKIPPED) == [f"shards.{name}" for name in without_shards]
    assert found["shards.state"]["told"] == "no shard has worked yet"
    if real:
        assert "protocol of Kafka 4.1" in found["kafka.reachable"]["told"]
        assert "begun, filled and aborted" in found["kafka.transactions"]["told"]
        assert "this machine" in found["kafka.clock"]["told"]


def test_nothing_is_left_behind(sound: Retention, broker: Broker, redis_app: str, own_redis: EmbeddedRedis) -> None:
    examined(ExitCode.OK, "--redis-url", own_redis.url)
    with TopicAdmin(KafkaConnection(broker.bootstrap_servers)) as client:
        topics = [name for name in client._client.list_topics() if name.startswith(redis_app)]
    assert sorted(topics) == sorted(f"{redis_app}.{role}" for role in ROLES)
    for topic in topics:
        with TopicReader(KafkaConnection(broker.bootstrap_servers), topic) as reader:
            assert set(reader.bounds()[1].values()) == {0}
    assert everything(own_redis) == {}


def test_read_only_creates_no_topic_and_says_what_it_could_not_look_at(sound: Retention) -> None:
    found = examined(ExitCode.OK, "--read-only")
    assert {"kafka.idempotence", "kafka.clock"} <= set(those(found, SKIPPED))
    assert "--read-only" in found["kafka.clock"]["told"]


def test_each_check_is_a_line_and_the_remedy_stands_below_it(sound: Retention) -> None:
    result = sound("doctor")
    lines = result.stdout.splitlines()
    assert [line.split()[1] for line in lines if line.split()[0] in (OK, WARNING, PROBLEM, SKIPPED)] == list(CHECKS)
    below = lines[next(n for n, line in enumerate(lines) if "topics.replicas" in line) + 1]
    assert below.strip().startswith("fix: in production create the topics with --replication 3")
    assert lines[-1].endswith("7 skipped")
    assert result.stderr == ""


def test_missing_topics(retention: Retention, redis_url: str, redis_app: str) -> None:
    found = examined(ExitCode.FAILURE, "--redis-url", redis_url)
    assert those(found, PROBLEM) == ["topics.exist"]
    assert f"{redis_app}.learner" in found["topics.exist"]["told"]
    assert "retention topics create" in found["topics.exist"]["remedy"]
    assert found["shards.state"]["told"] == found["topics.time"]["told"] == "not checked: topics.exist comes first"
    assert found["redis.scripts"]["status"] == OK


def test_the_timestamp_type_of_the_other_mode(sound: Retention) -> None:
    found = examined(ExitCode.FAILURE, "--mode", "replay")
    assert "has message.timestamp.type=LogAppendTime; mode replay needs CreateTime" in found["topics.time"]["told"]
    assert "RETENTION_MODE" in found["topics.time"]["remedy"]


def test_a_broker_that_would_refuse_a_replays_times(
    sound: Retention, kafka: ApacheKafka, broker: Broker, redis_app: str
) -> None:
    found = examined(ExitCode.FAILURE, "--mode", "replay", "--bootstrap-servers", broker.bootstrap_servers)
    if broker is kafka:  # the embedded one reports only what it was given
        assert "message.timestamp.after.max.ms=" in found["topics.settings"]["told"]
    assert f"{redis_app}.touchpoints has retention.ms=" in found["topics.settings"]["told"] or broker is not kafka


def test_partition_counts_that_do_not_fit(retention: Retention, broker: Broker, redis_url: str, redis_app: str) -> None:
    two, three = (specs(load(topic_prefix=redis_app, partitions=count)) for count in (2, 3))
    made = [narrow if narrow.role == "triggers" else wide for narrow, wide in zip(two, three, strict=True)]
    with TopicAdmin(KafkaConnection(broker.bootstrap_servers)) as client:
        client.create(made)
    found = examined(ExitCode.FAILURE, "--redis-url", redis_url)
    assert those(found, PROBLEM) == ["topics.partitions"]
    told = f"{redis_app}.triggers has 2 partitions, {redis_app}.touchpoints has 3"
    assert found["topics.partitions"]["told"] == told


def test_an_unreachable_broker_does_not_keep_redis_from_being_looked_at(redis_url: str) -> None:
    address = unreachable("")
    found = examined(ExitCode.FAILURE, "--bootstrap-servers", address, "--redis-url", redis_url)
    assert those(found, PROBLEM) == ["kafka.reachable"]
    assert f"Kafka at {address} does not answer" in found["kafka.reachable"]["told"]
    assert all(found[check]["status"] == OK for check in CHECKS if check.startswith(("redis.", "local.")))
    assert found["shards.state"]["told"] == "not checked: kafka.reachable comes first"


def test_an_unreachable_redis_does_not_keep_kafka_from_being_looked_at(sound: Retention) -> None:
    url = unreachable("redis://user:secret@")
    result = sound("doctor", "--redis-url", url)
    assert "secret" not in result.output
    found = examined(ExitCode.FAILURE, "--redis-url", url)
    assert those(found, PROBLEM) == ["redis.reachable"]
    assert url.replace("user:secret", "***") in found["redis.reachable"]["told"]
    assert found["topics.exist"]["status"] == OK


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word, as a machine that hangs."""
    with socket.create_server((LOOPBACK, 0)) as server:
        kept = []

        def take() -> None:
            try:
                while True:
                    kept.append(server.accept()[0])
            except OSError:
                return

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            with closing(connection):
                pass


def test_servers_that_say_nothing_do_not_hold_it_up(silent: int) -> None:
    words = ["--bootstrap-servers", f"{LOOPBACK}:{silent}", "--redis-url", f"redis://{LOOPBACK}:{silent}/0"]
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *words, "doctor", "--json"],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == ExitCode.FAILURE, done.stderr
    told = {finding["check"]: finding["status"] for finding in json.loads(done.stdout)["checks"]}
    assert told["kafka.reachable"] == told["redis.reachable"] == PROBLEM


def test_a_misspelt_variable_is_pointed_out(sound: Retention, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_REDIS_ULR", "redis://user:secret@127.0.0.1/0")
    found = examined(ExitCode.OK)["local.environment"]
    assert found["status"] == WARNING
    assert "RETENTION_REDIS_ULR (RETENTION_REDIS_URL?)" in found["told"]
    assert "secret" not in found["told"]


def doctors_topics(broker: Broker, redis_app: str) -> list[str]:
    with TopicAdmin(KafkaConnection(broker.bootstrap_servers)) as client:
        return [name for name in client._client.list_topics() if name.startswith(f"{redis_app}.doctor-")]


def test_a_topic_whose_making_seemed_to_fail_is_deleted_all_the_same(
    sound: Retention, broker: Broker, redis_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = BrokerChecks.create_temporary

    def create_slowly(look: BrokerChecks, name: str) -> None:
        create(look, name)
        raise TimeoutError

    monkeypatch.setattr(BrokerChecks, "create_temporary", create_slowly)
    found = examined(ExitCode.OK)
    assert "none could be tried: no answer in time" in found["kafka.transactions"]["told"]
    assert "left" not in found["kafka.transactions"]["told"]
    assert doctors_topics(broker, redis_app) == []


def test_a_topic_that_a_slow_broker_may_still_make_is_named(
    sound: Retention, redis_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(look: BrokerChecks, name: str) -> None:
        raise TimeoutError

    monkeypatch.setattr(BrokerChecks, "create_temporary", no_answer)
    found = examined(ExitCode.OK)["kafka.transactions"]
    assert f"topic {redis_app}.doctor-" in found["told"]
    assert f"delete {redis_app}.doctor-" in found["remedy"]


def test_where_no_topic_may_be_made_the_transaction_is_not_tried_and_the_rest_is(
    sound: Retention, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(look: BrokerChecks, name: str) -> None:
        raise BrokerRefused(f"Kafka, creating {name}: TopicAuthorizationFailedError")

    monkeypatch.setattr(BrokerChecks, "create_temporary", refuse)
    found = examined(ExitCode.OK)
    assert found["kafka.transactions"]["status"] == WARNING
    assert "TopicAuthorizationFailedError" in found["kafka.transactions"]["told"]
    given = "was given" if isinstance(broker, ApacheKafka) else "was refused"
    assert given in found["kafka.transactions"]["told"]
    assert found["kafka.clock"]["told"] == "not checked: kafka.transactions comes first"
    assert found["shards.state"]["status"] == OK
