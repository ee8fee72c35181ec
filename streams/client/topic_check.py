"""Checks of the broker and of given settings before a client starts."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from pydantic import ValidationError

from streams.errors import EngineError, ExitCode
from streams.kafka.access import rights_missing
from streams.kafka.clients import admin as kafka_admin
from streams.kafka.errors import CONNECT_TIMEOUT_MS, TopicMissing, kafka_named
from streams.kafka.security import KafkaConnection, secured
from streams.kafka.topics import CREATE_TIME, TIMESTAMP_TYPE
from streams.security.settings import KafkaSecurity

logger = logging.getLogger(__name__)

_NO_ERROR, _NOT_AUTHORIZED = 0, 29
_OF_A_CONNECTION = ("security_", "ssl_", "sasl_", "proxy_", "socket_", "bootstrap_timeout_ms")


class SettingRefused(EngineError):
    """A setting was given that is of no use here, would undo what the client promises, or can't be used."""

    code = ExitCode.USAGE
    remedy = "correct the setting or leave it out; docs/clients.md lists the parameters"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that exists. keeps_time: it holds history, so records carry the time of their events; None where the
    broker does not say (the principal may not describe the topic's settings)."""

    name: str
    partitions: int
    keeps_time: bool | None


def refuse_own(given: Mapping[str, Any], own: Collection[str]) -> None:
    """Raises SettingRefused for each of `given` that the client sets itself."""
    if taken := sorted(set(given) & set(own)):
        text = ", ".join(f"{name}={given[name]!r}" for name in taken)
        raise SettingRefused(f"{text}: the client sets this itself, its guarantees rest on it")


def connection_of(where: str | KafkaConnection, settings: dict[str, Any]) -> KafkaConnection:
    """The connection: an address, and the security that `kafka_...` of the settings describe; they are taken out.

    Raises SettingRefused for what does not fit together.
    """
    security = {name: settings.pop(name) for name in list(settings) if name.startswith("kafka_")}
    if not isinstance(where, str):
        if security:
            raise SettingRefused(f"{', '.join(sorted(security))}: the connection that was given says it already")
        return where
    try:
        return secured(where, KafkaSecurity(**security))
    except ValidationError as error:
        text = [f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors(include_input=False)]
        raise SettingRefused("; ".join(text).replace("Value error, ", "")) from None


def find_topic(connection: KafkaConnection, name: str, given: Mapping[str, Any], *, ask_time: bool = False) -> Topic:
    """The topic. given: kafka-python settings, of which those of the connection are used.

    Raises BrokerUnreachable, BrokerRefused, TopicMissing. A producer or consumer that named a missing topic would
    create it on some brokers, with the wrong settings.
    """
    ours = {key: value for key, value in given.items() if key.startswith(_OF_A_CONNECTION)}
    with kafka_named(connection, "connecting"):
        admin = kafka_admin(connection, "retention-client", **{"bootstrap_timeout_ms": CONNECT_TIMEOUT_MS, **ours})
    try:
        with kafka_named(connection, f"describing {name}"):
            text = admin.describe_topics([name])
        if text and text[0]["error_code"] == _NOT_AUTHORIZED:
            raise rights_missing(connection, [f"Describe on topic {name}"])
        found = [topic for topic in text if topic["error_code"] == _NO_ERROR]
        if not found:
            raise TopicMissing(f"topic {name} does not exist on {connection.bootstrap_servers}")
        return Topic(name, len(found[0]["partitions"]), _keeps_time(admin, name) if ask_time else None)
    finally:
        admin.close()


def _keeps_time(admin: Any, name: str) -> bool | None:
    try:
        reported = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        settings = reported["topic"][name]
    except (KafkaError, KeyError) as error:
        logger.info("topic %s: its settings can't be read (%r); taken for a live topic", name, error)
        return None
    text = settings.get(TIMESTAMP_TYPE)
    return None if text is None else bool(text["value"] == CREATE_TIME)
