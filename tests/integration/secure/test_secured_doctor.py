"""`retention doctor` on secured servers: what it says of encryption, who we are, certificates and rights."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from streams.cli import main
from streams.config import load
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection, kafka_connection
from streams.kafka.topics import specs
from streams.operations.doctor import security
from streams.operations.doctor.finding import Status
from streams.store.redis.connection import connect
from streams.store.redis.security import redis_connection
from tests.integration.secure.conftest import APP
from tests.support.certificates import Authority
from tests.support.secured import SecuredKafka, SecuredRedis, environment

pytestmark = pytest.mark.kafka

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def doctor(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """The findings by check."""
    for name, value in environment({"partitions": 3, "mode": "replay", **settings}).items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(main, ["doctor", "--json"])
    return {finding["check"]: finding for finding in json.loads(done.output)["checks"]}


def test_an_operator_sees_how_safe_the_connections_are(
    secured_kafka: SecuredKafka, secured_redis: SecuredRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(bootstrap_servers=secured_kafka.plain, partitions=3, mode="replay")
    with TopicAdmin(kafka_connection(config)) as admin:
        admin.create(specs(config))
    found = doctor({**secured_kafka.settings("operator"), **secured_redis.settings()}, monkeypatch)
    for check, words in {
        "kafka.security": ("SASL_SSL", "principal User:operator", "TLSv1.3", "lasts until 2049-12-31"),
        "redis.security": ("encrypted", "user retention", "TLSv1.3", "lasts until 2049-12-31"),
        "kafka.transactions": ("begun, filled and aborted",),
        "redis.scripts": ("created, written, read and deleted",),
    }.items():
        assert found[check]["status"] == Status.OK, found[check]
        assert all(word in found[check]["told"] for word in words), found[check]
    assert found["topics.rights"]["status"] == Status.WARNING
    assert f"User:operator lacks Write on topic {APP}.decisions" in found["topics.rights"]["told"]


def test_a_principal_without_rights_is_told_them(
    secured_kafka: SecuredKafka, secured_redis: SecuredRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = doctor({**secured_kafka.settings("stranger"), **secured_redis.settings()}, monkeypatch)
    assert found["topics.exist"]["status"] == Status.PROBLEM
    assert f"User:stranger lacks Describe on topic {APP}." in found["topics.exist"]["told"]


@pytest.mark.parametrize(
    ("left", "status", "told"),
    [
        (timedelta(days=40), Status.OK, "lasts until"),
        (timedelta(days=29, hours=1), Status.WARNING, "ends in 29 days"),
        (timedelta(days=1, hours=1), Status.WARNING, "ends in 1 day,"),
    ],
)
def test_a_certificate_that_ends_soon_is_a_warning(
    secured_kafka: SecuredKafka, left: timedelta, status: Status, told: str
) -> None:
    end = datetime(2049, 12, 31, tzinfo=UTC)
    finding = security.kafka(kafka_connection(load(**secured_kafka.settings("worker"))), end - left)
    assert (finding.status, told in finding.text) == (status, True), finding


def test_our_own_certificate_is_looked_at_too(secured_redis: SecuredRedis, authority: Authority) -> None:
    certificate, key = authority.signed("short", ("20200101000000Z", "20490701000000Z"))
    own = {"redis_certificate_file": str(certificate), "redis_key_file": str(key)}
    connection = redis_connection(load(**secured_redis.settings(**own)))

    async def looked() -> security.Finding:
        client = connect(connection)
        try:
            places = [("127.0.0.1", secured_redis.port)]
            return await security.redis(connection, client, places, datetime(2049, 6, 19, tzinfo=UTC))
        finally:
            await client.aclose()

    finding = asyncio.run(looked())
    assert finding.status is Status.WARNING
    assert f"our certificate {certificate} ends in 12 days" in finding.text
    assert finding.remedy == "renew the certificate"


def test_what_leaves_this_machine_readable_is_a_warning() -> None:
    assert security.kafka(KafkaConnection("127.0.0.1:9092,localhost:9093,[::1]:9094"), NOW).status is Status.OK
    plain = security.kafka(KafkaConnection("kafka:9092"), NOW)
    assert (plain.status, plain.text.startswith("not encrypted")) == (Status.WARNING, True)
    password = security.kafka(KafkaConnection("kafka:9092", "SASL_PLAINTEXT", "PLAIN", "anna", "x"), NOW)
    assert "the password crosses the network readable" in password.text
