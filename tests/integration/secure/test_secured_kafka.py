"""Kafka with TLS, SASL and ACLs: all of it runs with the rights of deploy/kafka/acls.sh, and what is wrong is named."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePatternFilter,
    ResourceType,
)

from models.touchpoints import event
from streams.cli import main
from streams.client import SettingRefused, TouchpointPublisher, TriggerConsumer, connection_from_environment
from streams.config import Config, load
from streams.errors import ExitCode
from streams.kafka.access import KafkaLoginFailed, KafkaProtocolDiffers, KafkaRightMissing, KafkaTlsFailed
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection, kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.kafka.topics import TopicSpec, specs
from streams.kafka.transactions import supports_transactions
from streams.operations.access.places import ENGLISH
from streams.operations.access.where import places_of
from streams.own_page.publishing import Publishing
from tests.integration.secure.conftest import APP
from tests.support.certificates import Authority
from tests.support.secured import FILES_PASSWORD, PASSWORDS, REKEYED, SecuredKafka, SecuredRedis, environment
from tests.support.servers import PROJECT
from tests.support.world import World, world
from tests.support.world_logs import lengths, split, tape_log

pytestmark = pytest.mark.kafka

MAP = PROJECT / "docs" / "examples" / "maps" / "debezium" / "map.toml"


@pytest.fixture(scope="module")
def engine(
    secured_kafka: SecuredKafka, secured_redis: SecuredRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Topics and an engine; the test looks through the plain listener, workers come through the secured one."""
    with world(secured_kafka.plain, secured_redis.plain, APP, tmp_path_factory.mktemp("engine")) as made:
        yield made


def test_the_engine_is_exactly_once_over_encrypted_connections_through_a_kill(
    engine: World, secured_kafka: SecuredKafka, secured_redis: SecuredRedis
) -> None:
    told = environment({**secured_kafka.settings("worker"), **secured_redis.settings()})
    log = tape_log(seed=7, customers=30, days=70)
    before, after = split(log, 0.5)
    engine.produce(before)
    first = engine.worker(**told)
    engine.wait(lambda: sum(engine.next_offsets()) > 0, 90)
    engine.produce(after)
    engine.kill(first)
    engine.worker(**told)
    engine.wait(lambda: engine.done(lengths(log)), 90)
    engine.end()
    engine.check()
    assert not any(password in engine.output() for password in (*PASSWORDS.values(), FILES_PASSWORD))


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
def test_both_libraries_log_in_by_every_mechanism_with_a_password(
    engine: World, secured_kafka: SecuredKafka, mechanism: str
) -> None:
    both_reach(secured_kafka.settings("worker", mechanism))


def both_reach(settings: dict[str, Any]) -> None:
    """kafka-python sees the topics, aiokafka gets a producer id."""
    config = load(**settings, app=APP, topic_prefix=APP, partitions=3)
    connection = kafka_connection(config)
    with TopicAdmin(connection) as admin:
        assert len(admin.describe(spec.name for spec in specs(config))) == 6
    assert asyncio.run(supports_transactions(connection, f"{APP}-probe"))


@pytest.mark.parametrize(
    ("listener", "protocol", "told"),
    [
        ("secure", "PLAINTEXT", "speaks TLS; SSL or SASL_SSL"),
        ("secure", "SASL_PLAINTEXT", "speaks TLS; SSL or SASL_SSL"),
        ("plain", "SSL", "does not speak TLS; PLAINTEXT or SASL_PLAINTEXT"),
        ("plain", "SASL_SSL", "does not speak TLS; PLAINTEXT or SASL_PLAINTEXT"),
    ],
)
def test_a_protocol_that_the_port_does_not_speak_is_named_with_those_that_would_fit(
    secured_kafka: SecuredKafka, listener: str, protocol: str, told: str
) -> None:
    settings = secured_kafka.settings("worker", kafka_security_protocol=protocol)
    unused = {"SSL": ("kafka_ca_file",), "SASL": ("kafka_sasl_mechanism", "kafka_user", "kafka_password")}
    left = {name for part, names in unused.items() if part not in protocol for name in names}
    given = {name: value for name, value in settings.items() if name not in left}
    connection = kafka_connection(load(**{**given, "bootstrap_servers": getattr(secured_kafka, listener)}))
    with pytest.raises(KafkaProtocolDiffers, match=f"kafka_security_protocol is {protocol}, .* {told}") as raised:
        TopicAdmin(connection).__enter__()
    assert "RETENTION_KAFKA_SECURITY_PROTOCOL" in str(raised.value)


def a_token(subject: str) -> str:
    """Unsigned, as the broker of these tests takes them."""

    def part(data: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    now = int(time.time())
    return f"{part({'alg': 'none'})}.{part({'sub': subject, 'iat': now, 'exp': now + 3600})}."


def by_token(secured_kafka: SecuredKafka, **source: str) -> dict[str, Any]:
    none = {"kafka_user": "", "kafka_password": ""}
    return secured_kafka.settings("worker", "OAUTHBEARER", **none, **source)


def test_a_token_comes_from_a_file_or_from_a_command(
    engine: World, secured_kafka: SecuredKafka, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(a_token("worker") + "\n")
    both_reach(by_token(secured_kafka, kafka_token_file=str(file)))
    both_reach(by_token(secured_kafka, kafka_token_command=f"cat '{file}'"))


def test_a_client_certificate_says_who_we_are(
    engine: World, secured_kafka: SecuredKafka, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.signed("worker", password="key-geheim")
    secret = tmp_path / "secret"
    secret.write_text("key-geheim\n")
    both_reach(mutual(secured_kafka, certificate, key, kafka_key_password_file=str(secret)))


def mutual(secured_kafka: SecuredKafka, certificate: Path, key: Path, **more: str) -> dict[str, Any]:
    return {
        "bootstrap_servers": secured_kafka.mutual,
        "kafka_security_protocol": "SSL",
        "kafka_ca_file": str(secured_kafka.authority.ca),
        "kafka_certificate_file": str(certificate),
        "kafka_key_file": str(key),
        **more,
    }


def refused(settings: dict[str, Any], error: type[Exception], *words: str) -> None:
    """Both libraries name what is wrong, and no secret."""
    connection = kafka_connection(load(**settings, app=APP, topic_prefix=APP))
    with pytest.raises(error) as blocking:
        TopicAdmin(connection, timeout_ms=1_000)
    with pytest.raises(error) as asynchronous:
        asyncio.run(supports_transactions(connection, f"{APP}-probe", timeout_s=5))
    for raised in (blocking, asynchronous):
        told = str(raised.value)
        assert all(word in told for word in (*words, "remedy: ")), told
        assert "nonsense" not in told


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN"])
def test_a_wrong_password_is_named(secured_kafka: SecuredKafka, mechanism: str) -> None:
    settings = secured_kafka.settings("worker", mechanism, kafka_password="nonsense")
    refused(settings, KafkaLoginFailed, "User:worker is not accepted", "RETENTION_KAFKA_PASSWORD")


def test_a_refused_token_is_named(secured_kafka: SecuredKafka) -> None:
    told = "the token's principal is not accepted"
    refused(by_token(secured_kafka, kafka_token_command="echo nonsense"), KafkaLoginFailed, told)


def test_a_token_that_does_not_come_is_named(secured_kafka: SecuredKafka) -> None:
    settings = by_token(secured_kafka, kafka_token_command="false nonsense")
    refused(settings, KafkaLoginFailed, "kafka_token_command false ended with exit code 1")


def test_a_foreign_authority_is_named(secured_kafka: SecuredKafka, foreign: Authority) -> None:
    settings = secured_kafka.settings("worker", kafka_ca_file=str(foreign.ca))
    refused(settings, KafkaTlsFailed, "certificate is not accepted", "RETENTION_KAFKA_CA_FILE")


def test_an_expired_certificate_is_named(secured_kafka: SecuredKafka) -> None:
    settings = secured_kafka.settings("worker", bootstrap_servers=secured_kafka.expired)
    refused(settings, KafkaTlsFailed, "certificate has expired")


def test_a_client_certificate_of_a_foreign_authority_is_named(secured_kafka: SecuredKafka, foreign: Authority) -> None:
    refused(mutual(secured_kafka, *foreign.signed("worker")), KafkaTlsFailed, "does not accept this client")


def test_a_host_that_the_certificate_does_not_name_is_refused_unless_told_otherwise(
    engine: World, secured_kafka: SecuredKafka, authority: Authority
) -> None:
    port = secured_kafka.secure.partition(":")[2]
    other = secured_kafka.settings("worker", bootstrap_servers=f"localhost:{port}")
    refused(other, KafkaTlsFailed, "not valid for 'localhost'")
    both_reach({**other, "kafka_check_hostname": False})


def ends(engine: World, settings: dict[str, Any], *words: str) -> None:
    """A worker ends with the exit code of access, and says why in one line."""
    worker = engine.worker(**environment(settings))
    assert engine.ended(worker, 120) == ExitCode.ACCESS_REFUSED, engine.output()
    said = engine.log_of(worker)
    named = [line for line in said.splitlines() if "remedy: " in line]
    assert len(named) == 1, said
    assert all(word in named[0] for word in words), named[0]


def test_a_worker_with_a_wrong_password_ends_with_its_name(engine: World, secured_kafka: SecuredKafka) -> None:
    ends(engine, secured_kafka.settings("worker", kafka_password="nonsense"), "KafkaLoginFailed", "User:worker")


def test_a_worker_says_every_right_on_topics_that_it_lacks(engine: World, secured_kafka: SecuredKafka) -> None:
    lacks = "User:operator lacks Write on topic retention.decisions, Write on topic retention.examples"
    ends(engine, secured_kafka.settings("operator"), "KafkaRightMissing", lacks)


@contextmanager
def without(secured_kafka: SecuredKafka, kind: ResourceType) -> Iterator[None]:
    """The worker has no right on this kind of resource."""
    admin = KafkaAdminClient(bootstrap_servers=secured_kafka.plain)
    every = ResourcePatternFilter(kind, None, ACLResourcePatternType.ANY)
    wanted = ACLFilter("User:worker", "*", ACLOperation.ANY, ACLPermissionType.ANY, every)
    try:
        found, _ = admin.describe_acls(wanted)
        admin.delete_acls([wanted])
        yield
        admin.create_acls(found)
    finally:
        admin.close()


def test_a_worker_without_its_transactional_ids_says_so(engine: World, secured_kafka: SecuredKafka) -> None:
    with without(secured_kafka, ResourceType.TRANSACTIONAL_ID):
        ends(engine, secured_kafka.settings("worker"), "User:worker lacks Write on transactional id retention-probe")


def test_a_worker_without_its_group_says_so(engine: World, secured_kafka: SecuredKafka) -> None:
    with without(secured_kafka, ResourceType.GROUP):
        ends(engine, secured_kafka.settings("worker"), "User:worker lacks Read on group retention")


def retention(settings: dict[str, Any], *arguments: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    for name, value in environment({"app": APP, "topic_prefix": APP, "partitions": 3, **settings}).items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(main, list(arguments))
    return done.exit_code, done.output


def test_topics_create_says_which_right_is_missing(
    secured_kafka: SecuredKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**secured_kafka.settings("stranger"), "topic_prefix": "new"}
    code, told = retention(settings, "topics", "create", monkeypatch=monkeypatch)
    assert code == ExitCode.ACCESS_REFUSED, told
    assert "User:stranger lacks" in told
    assert "Create on topic new.touchpoints" in told
    assert "deploy/kafka/acls.sh" in told


def test_who_rekeys_a_topic_does_so_with_its_own_rights_and_reads_no_other(
    engine: World, secured_kafka: SecuredKafka
) -> None:
    with TopicAdmin(KafkaConnection(secured_kafka.plain)) as admin:
        admin.create([TopicSpec("any", REKEYED, 1, 1, {})])
    own = environment(secured_kafka.settings("rekey"))
    options = ("--map", str(MAP), "--instance", "a", "--idle", "1", "--json")
    done = engine.command("rekey", REKEYED, *options, **own)
    assert done.returncode == 0, done.stderr
    with TopicReader(KafkaConnection(secured_kafka.plain), f"{APP}.rekey-deadletters") as reader:
        assert reader.last(0) == [], "it may make the topic"
    done = engine.command("rekey", f"{APP}.decisions", *options, **own)
    assert done.returncode == ExitCode.ACCESS_REFUSED, done.stderr
    assert "User:rekey lacks" in done.stderr


def test_an_operator_may_create_the_topics(secured_kafka: SecuredKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {**secured_kafka.settings("operator"), "topic_prefix": f"{APP}.more"}
    code, told = retention(settings, "topics", "create", monkeypatch=monkeypatch)
    assert code == 0, told


def a_visit(number: int) -> bytes:
    now = int(time.time() * 1000)
    return event("visit", id=f"v-{number}", source="shop", subject="anna", time_ms=now, data={})


def topics_told(config: Config) -> list[str]:
    """Until when what topics hold of a customer is kept."""
    return [one.until for one in places_of(config, None, ENGLISH)]


def test_other_teams_publish_and_read_with_their_own_rights_and_no_others(
    engine: World, secured_kafka: SecuredKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream, downstream = (secured_kafka.settings(name) for name in ("upstream", "downstream"))
    where = upstream.pop("bootstrap_servers")
    with TouchpointPublisher(where, f"{APP}.touchpoints", **upstream) as publisher:
        publisher.publish(a_visit(1))
    assert publisher.report.sent == 1
    assert publisher.idempotent
    for name, value in environment(downstream).items():
        monkeypatch.setenv(name, value)
    connection = connection_from_environment()
    with TriggerConsumer(connection, f"{APP}.triggers", group=APP, idle_s=0.5) as consumer:
        assert isinstance(list(consumer), list)
    with pytest.raises(KafkaRightMissing, match=r"User:downstream lacks Describe on topic retention\.touchpoints"):
        TouchpointPublisher(connection, f"{APP}.touchpoints")
    with pytest.raises(KafkaRightMissing, match=r"User:upstream lacks Describe on topic retention\.triggers"):
        TriggerConsumer(where, f"{APP}.triggers", group=APP, **upstream)
    own = load(**secured_kafka.settings("own_page"), app=APP, topic_prefix=APP)
    with Publishing(own) as page:
        assert asyncio.run(page.publish_all([a_visit(2)])) > 0
    for roles in (topics_told(own), topics_told(load(**secured_kafka.settings("operator"), app=APP, topic_prefix=APP))):
        assert "as long as the broker keeps it" not in roles
    with (
        TriggerConsumer(kafka_connection(own), f"{APP}.triggers", group=APP, idle_s=0.5) as consumer,
        pytest.raises(KafkaRightMissing, match=r"User:own_page lacks Read on "),
    ):
        list(consumer)
    with pytest.raises(SettingRefused, match="kafka_user is '', and PLAIN needs a user"):
        TouchpointPublisher(where, kafka_security_protocol="SASL_PLAINTEXT", kafka_sasl_mechanism="PLAIN")
