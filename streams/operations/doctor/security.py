"""Checks of secured connections: encryption, principal, expiry of certificates, rights."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import NamedTuple

from redis.exceptions import RedisError

from streams.config import Config
from streams.kafka.access import KafkaRightMissing
from streams.kafka.admin import TopicFacts
from streams.kafka.rights import lacking
from streams.kafka.security import KafkaConnection
from streams.operations.doctor.finding import Finding, ok, warning
from streams.security.tls import Tls, certificate_end, fault, shake_hands
from streams.store.redis.connection import Client
from streams.store.redis.security import RedisConnection

SOON = timedelta(days=30)
PLAIN = "PLAIN"

RENEW = "renew the certificate"


class Looked(NamedTuple):
    """What is there in words, what about it may cost you something, and what to do."""

    text: list[str]
    faults: list[str]
    remedies: list[str]

    def finding(self, check: str) -> Finding:
        text = "; ".join([*self.faults, *self.text])
        return warning(check, text, "; ".join(dict.fromkeys(self.remedies))) if self.faults else ok(check, text)


def kafka(connection: KafkaConnection, now: datetime) -> Finding:
    """The check kafka.security."""
    looked = Looked([connection.protocol, f"principal {connection.principal}"], [], [])
    places = [(host.strip("[]"), int(port)) for host, _, port in (s.rpartition(":") for s in connection.servers)]
    if connection.encrypted:
        _encrypted(looked, places, connection.tls, now)
        if not connection.tls.check_hostname:
            _fault(looked, "the names in certificates are not checked", "set RETENTION_KAFKA_CHECK_HOSTNAME=true")
    elif not all(_is_here(host) for host, _ in places):
        if connection.authenticates and connection.mechanism == PLAIN:
            _fault(looked, "the password crosses the network readable", "use SASL_SSL")
        _fault(looked, "not encrypted", "set RETENTION_KAFKA_SECURITY_PROTOCOL to SASL_SSL or SSL")
    return looked.finding("kafka.security")


async def redis(connection: RedisConnection, client: Client, places: list[tuple[str, int]], now: datetime) -> Finding:
    """The check redis.security. places: of the servers that were asked."""
    looked = Looked(["encrypted" if connection.encrypted else "plain", f"user {await _user(client)}"], [], [])
    if connection.encrypted:
        _encrypted(looked, places, connection.tls, now)
        if not connection.tls.check_hostname:
            _fault(looked, "the name in the certificate is not checked", "set RETENTION_REDIS_CHECK_HOSTNAME=true")
    elif not all(_is_here(host) for host, _ in places):
        _fault(looked, "not encrypted", "use rediss:// in RETENTION_REDIS_URL")
    return looked.finding("redis.security")


def rights(config: Config, connection: KafkaConnection, topics: Mapping[str, TopicFacts]) -> Finding:
    """The check topics.rights: what a worker may not do with its topics."""
    lacks = lacking(config, topics)
    if lacks:
        text = f"{connection.principal} lacks {', '.join(lacks)}: a worker of this principal would not start"
        return warning("topics.rights", text, KafkaRightMissing.remedy)
    if not any(facts.operations for facts in topics.values()):
        return ok("topics.rights", "the broker does not tell what this client may do")
    return ok("topics.rights", f"{connection.principal} may do all that a worker does with these topics")


def _encrypted(looked: Looked, places: list[tuple[str, int]], tls: Tls, now: datetime) -> None:
    for host, port in places:
        try:
            shaken = shake_hands(host, port, tls)
        except OSError as error:  # another of them has answered, or we were not here
            _fault(looked, f"{host}:{port} can't be looked at: {fault(error) or error}", "see what this server says")
            continue
        looked.text.append(f"{host}:{port} {shaken.version}")
        _lasts(looked, f"the certificate of {host}:{port}", shaken.until, now)
    if tls.certificate_file:
        _lasts(looked, f"our certificate {tls.certificate_file}", certificate_end(tls.certificate_file), now)


def _lasts(looked: Looked, whose: str, until: datetime, now: datetime) -> None:
    if until - now < SOON:
        days = (until - now).days
        ends = f"ends in {days} day{'s' if days != 1 else ''}" if until > now else "has expired"
        _fault(looked, f"{whose} {ends}, at {until:%Y-%m-%dT%H:%M:%SZ}", RENEW)
    else:
        looked.text.append(f"{whose} lasts until {until:%Y-%m-%d}")


def _fault(looked: Looked, what: str, remedy: str) -> None:
    looked.faults.append(what)
    looked.remedies.append(remedy)


async def _user(client: Client) -> str:
    try:
        text = await client.execute_command("ACL WHOAMI")
    except RedisError:  # before Redis 6, or a user that may not ask
        return "not told (ACL WHOAMI is refused)"
    return text.decode() if isinstance(text, bytes) else str(text)


def _is_here(host: str) -> bool:
    """Whether what is sent there does not leave this machine."""
    if host in ("", "localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def now() -> datetime:
    return datetime.now(UTC)
