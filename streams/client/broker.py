"""What both clients ask of the broker before they start, and which settings of kafka-python they keep to themselves."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from streams.errors import EngineError, ExitCode
from streams.kafka_errors import CONNECT_TIMEOUT_MS, TopicMissing, kafka_named
from streams.topics import CREATE_TIME, TIMESTAMP_TYPE

logger = logging.getLogger(__name__)

_NO_ERROR = 0
_OF_A_CONNECTION = ("security_", "ssl_", "sasl_", "proxy_", "socket_", "bootstrap_timeout_ms")


class SettingRefused(EngineError):
    """A setting of kafka-python was given that would undo what the client promises, or that can't be used."""

    code = ExitCode.USAGE
    remedy = "leave the setting out; docs/clients.md lists the parameters that take its place"


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
        told = ", ".join(f"{name}={given[name]!r}" for name in taken)
        raise SettingRefused(f"{told}: the client sets this itself, its guarantees rest on it")


def find_topic(bootstrap_servers: str, name: str, given: Mapping[str, Any], *, ask_time: bool = False) -> Topic:
    """The topic. given: kafka-python settings, of which those of the connection are used.

    Raises BrokerUnreachable, BrokerRefused, TopicMissing. A producer or consumer that named a missing topic would
    create it on some brokers, with the wrong settings.
    """
    connection = {key: value for key, value in given.items() if key.startswith(_OF_A_CONNECTION)}
    with kafka_named(bootstrap_servers, "connecting"):
        admin: Any = KafkaAdminClient(
            bootstrap_servers=bootstrap_servers.split(","),
            client_id="retention-client",
            **{"bootstrap_timeout_ms": CONNECT_TIMEOUT_MS, **connection},
        )
    try:
        with kafka_named(bootstrap_servers, f"describing {name}"):
            found = [topic for topic in admin.describe_topics([name]) if topic["error_code"] == _NO_ERROR]
        if not found:
            raise TopicMissing(f"topic {name} does not exist on {bootstrap_servers}")
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
    told = settings.get(TIMESTAMP_TYPE)
    return None if told is None else bool(told["value"] == CREATE_TIME)
