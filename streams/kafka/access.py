"""Named errors for a refused Kafka connection (TLS, login, ACLs), and the probe that tells which. None is waited for.

Both client libraries try again whatever the reason was that a connection could not be made, and then report that no
broker was reached. `access_fault` asks once more, and finds the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiokafka import errors as aio
from aiokafka.conn import create_conn
from aiokafka.protocol.admin import ApiVersionRequest
from kafka import errors as kafka

from streams.errors import EngineError, ExitCode
from streams.kafka.security import PLAINTEXT, SASL_PLAINTEXT, SASL_SSL, SSL, KafkaConnection
from streams.kafka.tokens import NoToken
from streams.security.settings import OAUTHBEARER
from streams.security.tls import fault, first_bytes, shake_hands, speaks_tls

LOOK_S = 5.0

_NUMBER = b"same"
_ASKED = b"\0\0\0\x0a" + b"\0\x12" + b"\0\0" + _NUMBER + b"\xff\xff"
"""The request ApiVersions, version 0: length, key, version, the number that the answer repeats, no client's name."""


class BrokerRefused(EngineError):
    """Kafka answered, but not as asked."""

    remedy = "see Kafka's answer above; permissions, quotas and topic settings are the usual reasons"


class KafkaTlsFailed(BrokerRefused):
    """No encrypted connection: one side does not accept the other's certificate, or does not speak TLS."""

    code = ExitCode.ACCESS_REFUSED
    remedy = (
        "renew an expired certificate; name the authority that signed the brokers' in RETENTION_KAFKA_CA_FILE, our own "
        "in RETENTION_KAFKA_CERTIFICATE_FILE and its key, and the brokers by the names in their certificates"
    )


class KafkaProtocolDiffers(BrokerRefused):
    """The port speaks TLS and we do not, or we do and it does not."""

    code = ExitCode.ACCESS_REFUSED
    remedy = "correct RETENTION_KAFKA_SECURITY_PROTOCOL, or name the port of the listener that speaks it"


class KafkaLoginFailed(BrokerRefused):
    """The broker does not believe that we are who we say."""

    code = ExitCode.ACCESS_REFUSED
    remedy = (
        "correct RETENTION_KAFKA_SASL_MECHANISM, RETENTION_KAFKA_USER and RETENTION_KAFKA_PASSWORD (or its _FILE), or "
        "the token's file or command"
    )


class KafkaRightMissing(BrokerRefused):
    """The principal may not do what the engine has to do. lacks: such as "Write on topic retention.triggers"."""

    code = ExitCode.ACCESS_REFUSED
    remedy = "grant it with kafka-acls; deploy/kafka/acls.sh has all the rights of each party"

    def __init__(self, told: str, lacks: Iterable[str] = ()) -> None:
        super().__init__(told)
        self.lacks = tuple(lacks)


_LOGIN = (
    aio.SaslAuthenticationFailed,
    aio.AuthenticationFailedError,
    aio.AuthenticationMethodNotSupported,
    aio.UnsupportedSaslMechanismError,
    aio.IllegalSaslStateError,
    kafka.SaslAuthenticationFailedError,
    kafka.UnsupportedSaslMechanismError,
    kafka.IllegalSaslStateError,
    NoToken,
)
_RIGHTS = {
    aio.TopicAuthorizationFailedError: "topic",
    aio.GroupAuthorizationFailedError: "group",
    aio.ClusterAuthorizationFailedError: "the cluster",
    aio.TransactionalIdAuthorizationFailed: "transactional id",
    kafka.TopicAuthorizationFailedError: "topic",
    kafka.GroupAuthorizationFailedError: "group",
    kafka.ClusterAuthorizationFailedError: "the cluster",
    kafka.TransactionalIdAuthorizationFailedError: "transactional id",
}
"""The kind of resource by the error."""

_USUAL = {"topic": "Read or Write", "group": "Read", "the cluster": "IdempotentWrite or Create"}
"""What is missing, where the caller does not say which operation it tried."""


def access_refused(
    error: BaseException, connection: KafkaConnection, doing: str, operation: str = ""
) -> BrokerRefused | None:
    """The named error if `error`, or what it was raised from, is about access; None otherwise.

    operation: of Kafka's ACLs, which `doing` takes.
    """
    where = f"Kafka at {connection.bootstrap_servers}, {doing}"
    seen: BaseException | None = error
    while seen is not None:
        for kind, resource in _RIGHTS.items():
            if isinstance(seen, kind):
                lacks = f"{operation or _USUAL.get(resource, 'Write')} on {resource}{_names(seen, resource)}"
                return KafkaRightMissing(f"{where}: {connection.principal} lacks {lacks}")
        if isinstance(seen, _LOGIN):
            return KafkaLoginFailed(f"{where}: {connection.principal} is not accepted: {seen}")
        seen = seen.__cause__
    if connection.encrypted and (told := fault(error)):
        return KafkaTlsFailed(f"{where}: {told}")
    return None


def rights_missing(connection: KafkaConnection, lacks: Iterable[str]) -> KafkaRightMissing:
    """lacks: such as "Write on topic retention.triggers"."""
    told = tuple(lacks)
    where = f"Kafka at {connection.bootstrap_servers}"
    return KafkaRightMissing(f"{where}: {connection.principal} lacks {', '.join(told)}", told)


def _names(error: BaseException, resource: str) -> str:
    """Which resource: the errors carry a name, a set of names, or a text."""
    if resource == "the cluster":
        return ""
    names: set[str] = set()
    for told in error.args:
        names |= {str(name) for name in (told if isinstance(told, (set, frozenset, list, tuple)) else [told])}
    names = {name for name in names if " " not in name}
    return f" {', '.join(sorted(names))}" if names else ""


def access_fault(connection: KafkaConnection) -> BrokerRefused | None:
    """Why no connection can be made, as far as it is about access; None: it can be made, or nobody answers at all.

    Blocks for up to LOOK_S per broker; in a thread of its own, since the caller may be in an event loop.
    """
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(lambda: asyncio.run(_looked(connection))).result()


async def async_access_fault(connection: KafkaConnection) -> BrokerRefused | None:
    """The same for a caller in an event loop, which has reached a broker before: it is not asked for its protocol."""
    if connection.protocol == PLAINTEXT:
        return None
    return await asyncio.to_thread(access_fault, connection)


async def refusal(
    error: BaseException, connection: KafkaConnection, doing: str, operation: str = ""
) -> BrokerRefused | None:
    """The named error if `error`, raised by aiokafka, is about access; asks once more where no broker was reached."""
    if refused := access_refused(error, connection, doing, operation):
        return refused
    # After a token was refused, aiokafka asserts that it has a broker.
    unreached = isinstance(error, (aio.KafkaConnectionError, AssertionError))
    return await async_access_fault(connection) if unreached else None


async def _looked(connection: KafkaConnection) -> BrokerRefused | None:
    for server in connection.servers:
        name, _, port = server.rpartition(":")
        host = name.strip("[]")
        try:
            async with asyncio.timeout(LOOK_S):
                if connection.encrypted:
                    await asyncio.to_thread(shake_hands, host, int(port), connection.tls)
                elif await asyncio.to_thread(speaks_tls, host, int(port)):
                    return _differs(server, connection, f"the port speaks TLS; {SSL} or {SASL_SSL} would fit")
                if connection.authenticates:
                    await _logged_in(connection, host, int(port))
            return None
        except (aio.KafkaError, OSError, ValueError, EOFError) as error:
            if connection.encrypted and await asyncio.to_thread(_answers_plainly, host, int(port)):
                told = f"the port does not speak TLS; {PLAINTEXT} or {SASL_PLAINTEXT} would fit"
                return _differs(server, connection, told)
            # ValueError: the other side does not keep to SCRAM's protocol.
            if refused := access_refused(error, connection, "connecting"):
                return refused
    return None


def _differs(server: str, connection: KafkaConnection, what: str) -> KafkaProtocolDiffers:
    told = f"Kafka at {server}, connecting: kafka_security_protocol is {connection.protocol}, and {what}"
    return KafkaProtocolDiffers(told)


def _answers_plainly(host: str, port: int) -> bool:
    """Whether Kafka answers there without TLS. A listener with SASL answers this request before the login too."""
    return first_bytes(host, port, _ASKED, 8)[4:] == _NUMBER


async def _logged_in(connection: KafkaConnection, host: str, port: int) -> None:
    told: dict[str, Any] = {name: value for name, value in connection.aiokafka().items() if name != "bootstrap_servers"}
    opened = await create_conn(host, port, request_timeout_ms=int(1000 * LOOK_S), **told)
    try:
        if connection.mechanism == OAUTHBEARER:
            # aiokafka takes a refused token for an accepted one; the next request shows it.
            answer = await opened.send(ApiVersionRequest())
            if answer.error_code == aio.IllegalSaslStateError.errno:
                raise aio.SaslAuthenticationFailed("the broker refuses the token")
    finally:
        opened.close()
