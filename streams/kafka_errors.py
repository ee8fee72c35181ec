"""Kafka's errors under names of ours, with the address and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.errors import KafkaError

from streams.errors import EngineError
from streams.kafka_access import BrokerRefused, access_fault, access_refused
from streams.kafka_security import KafkaConnection

CONNECT_TIMEOUT_MS = 5_000


class BrokerUnreachable(EngineError):
    """No Kafka broker answers."""

    remedy = "start Kafka, or name another with --bootstrap-servers or RETENTION_BOOTSTRAP_SERVERS"


@contextmanager
def kafka_named(connection: KafkaConnection, doing: str, operation: str = "") -> Iterator[None]:
    """Kafka's errors under names of ours, with the address. operation: of Kafka's ACLs, which `doing` takes.

    Raises BrokerUnreachable; BrokerRefused, which is one of streams/kafka_access.py where it is about access.
    """
    try:
        yield
    except KafkaError as error:
        if refused := access_refused(error, connection, doing, operation):
            raise refused from error
        text = str(error) or type(error).__name__
        where = f"Kafka at {connection.bootstrap_servers}"
        if error.retriable:
            # kafka-python tries again whatever the reason, and names none in the end.
            if refused := access_fault(connection):
                raise refused from error
            raise BrokerUnreachable(f"{where} does not answer ({doing}: {text})") from error
        raise BrokerRefused(f"{where}, {doing}: {text}") from error
