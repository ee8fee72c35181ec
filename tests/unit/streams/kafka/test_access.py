"""What an error of a Kafka client says about access, and what it does not."""

from __future__ import annotations

import ssl

import pytest
from aiokafka import errors as aio
from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials
from kafka import errors as kafka

from streams.consumer.security import broker_settings
from streams.errors import ExitCode
from streams.kafka.access import (
    KafkaLoginFailed,
    KafkaRightMissing,
    KafkaTlsFailed,
    access_fault,
    access_refused,
    rights_missing,
)
from streams.kafka.security import KafkaConnection
from streams.kafka.tokens import NoToken, TokenSource
from streams.local.processes import free_port
from streams.security.tls import fault

ANNA = KafkaConnection("kafka:9093", "SASL_SSL", "SCRAM-SHA-256", "anna", "geheim")


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (aio.TopicAuthorizationFailedError("t"), "Read or Write on topic t"),
        (aio.TopicAuthorizationFailedError({"b", "a"}), "Read or Write on topic a, b"),
        (kafka.TopicAuthorizationFailedError({"a"}), "Read or Write on topic a"),
        (aio.GroupAuthorizationFailedError("g"), "Read on group g"),
        (kafka.GroupAuthorizationFailedError("FindCoordinatorResponse error for g"), "Read on group"),
        (aio.TransactionalIdAuthorizationFailed("app-0"), "Write on transactional id app-0"),
        (aio.ClusterAuthorizationFailedError("x"), "IdempotentWrite or Create on the cluster"),
        (kafka.ClusterAuthorizationFailedError(), "IdempotentWrite or Create on the cluster"),
    ],
)
def test_a_missing_right_is_named_by_operation_resource_and_principal(error: Exception, lacks: str) -> None:
    found = access_refused(error, ANNA, "working")
    assert isinstance(found, KafkaRightMissing)
    assert found.args[0] == f"Kafka at kafka:9093, working: User:anna lacks {lacks}"
    assert found.code is ExitCode.ACCESS_REFUSED


def test_the_operation_that_was_tried_is_said() -> None:
    found = access_refused(aio.TopicAuthorizationFailedError("t"), ANNA, "publishing", "Write")
    assert "User:anna lacks Write on topic t" in str(found)
    assert rights_missing(ANNA, ["Write on topic t"]).lacks == ("Write on topic t",)


@pytest.mark.parametrize(
    "error",
    [
        aio.SaslAuthenticationFailed("no"),
        aio.UnsupportedSaslMechanismError("no"),
        kafka.SaslAuthenticationFailedError("no"),
        NoToken("no"),
    ],
    ids=repr,
)
def test_a_login_that_fails_is_named_also_as_the_cause_of_another_error(error: Exception) -> None:
    wrapped = aio.KafkaError("sender task")
    wrapped.__cause__ = error
    for told in (error, wrapped):
        found = access_refused(told, ANNA, "connecting")
        assert isinstance(found, KafkaLoginFailed)
        assert "User:anna is not accepted" in str(found)
        assert "geheim" not in str(found)


@pytest.mark.parametrize(
    "error",
    [aio.KafkaConnectionError("x"), kafka.KafkaTimeoutError("x"), TimeoutError(), ssl.SSLEOFError("x"), OSError("x")],
    ids=repr,
)
def test_what_does_not_answer_is_not_refused(error: Exception) -> None:
    assert access_refused(error, ANNA, "connecting") is None
    assert fault(error) is None


def test_a_certificate_that_is_not_accepted_is_named() -> None:
    error = ssl.SSLCertVerificationError("x")
    error.verify_message = "certificate has expired"
    found = access_refused(error, ANNA, "connecting")
    assert isinstance(found, KafkaTlsFailed)
    assert "the server's certificate is not accepted: certificate has expired" in str(found)


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_SSL"])
def test_where_nobody_listens_nothing_is_refused(protocol: str) -> None:
    assert access_fault(KafkaConnection(f"127.0.0.1:{free_port()}", protocol, "PLAIN", "anna", "x")) is None


def test_faust_is_told_the_same() -> None:
    def credentials(*told: str) -> object:
        settings = broker_settings(KafkaConnection("a:1,b:2", *told, tokens=TokenSource(file="token")))
        assert settings["broker"] == ["kafka://a:1", "kafka://b:2"]
        return settings["broker_credentials"]

    assert credentials("PLAINTEXT") is None
    assert isinstance(credentials("SSL"), SSLCredentials)
    assert isinstance(credentials("SASL_SSL", "OAUTHBEARER"), OAuthCredentials)
    scram = credentials("SASL_SSL", "SCRAM-SHA-512", "anna", "geheim")
    assert isinstance(scram, SASLCredentials)
    assert (scram.username, scram.password, scram.mechanism.value) == ("anna", "geheim", "SCRAM-SHA-512")
    assert scram.protocol.value == "SASL_SSL"
    plain = credentials("SASL_PLAINTEXT", "PLAIN", "anna", "geheim")
    assert isinstance(plain, SASLCredentials)
    assert (plain.ssl_context, plain.protocol.value) == (None, "SASL_PLAINTEXT")
