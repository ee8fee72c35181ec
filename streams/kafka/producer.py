"""Factory of kafka-python's producer: idempotent where the broker allows it, closed reliably.

This module reaches behind its public face where it has no public way (3.0.12): whether the broker has granted
idempotence, and whether the session still stands, is told nowhere; `close` raises over undelivered records and leaves
its thread sending them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from kafka.errors import BrokerResponseError, KafkaConfigurationError, KafkaError

from streams.errors import EngineError
from streams.kafka.clients import producer as kafka_producer
from streams.kafka.errors import CONNECT_TIMEOUT_MS, BrokerUnreachable, kafka_named
from streams.kafka.security import KafkaConnection

logger = logging.getLogger(__name__)

LINGER_MS, BATCH_BYTES = 20, 128 << 10
REQUEST_TIMEOUT_MS = 15_000
RECONNECT_MOST_MS = 1_000
"""kafka-python's default lets half a minute pass before it looks for a broker that has come back."""

OWN: Final = (
    *("bootstrap_servers", "enable_idempotence", "acks", "retries", "max_in_flight_requests_per_connection"),
    *("transactional_id", "partitioner", "key_serializer", "value_serializer", "delivery_timeout_ms"),
)
GRANT_S, LOOK_S = 10.0, 0.005
CLOSE_S = 5.0
_AN_ANSWER = "InitProducerIdResponse"
"""How kafka-python begins to tell a refusal; any other failure of the request is not the broker's answer."""


class IdempotenceRefused(EngineError):
    """The broker does not grant an idempotent producer."""

    remedy = (
        "allow the principal to write to the topic (before Kafka 2.8: IdempotentWrite on the cluster), or accept that "
        "a retry may write an event twice, which the engine drops by its id: idempotent=None or False"
    )


def open_producer(
    connection: KafkaConnection, idempotent: bool | None, delivery_timeout_s: float, given: Mapping[str, Any]
) -> tuple[Any, bool]:
    """A producer, and whether it is idempotent.

    idempotent: True insists, False does without, None takes what the broker grants. Raises IdempotenceRefused,
    BrokerUnreachable, BrokerRefused.
    """
    delivery_ms = int(1000 * delivery_timeout_s)
    settings = {
        "client_id": "retention-publisher",
        "linger_ms": LINGER_MS,
        "batch_size": BATCH_BYTES,
        "request_timeout_ms": max(1, min(REQUEST_TIMEOUT_MS, delivery_ms - LINGER_MS)),
        "reconnect_backoff_max_ms": RECONNECT_MOST_MS,
        "bootstrap_timeout_ms": CONNECT_TIMEOUT_MS,
        "max_block_ms": CONNECT_TIMEOUT_MS,
        "allow_auto_create_topics": False,
        **given,
        "acks": "all",
        "delivery_timeout_ms": delivery_ms,
    }
    if idempotent is not False:
        producer, refused = _idempotent(connection, settings)
        if producer is not None:
            return producer, True
        text = f"Kafka at {connection.bootstrap_servers} does not grant an idempotent producer: {refused}"
        if idempotent:
            raise IdempotenceRefused(text)
        logger.warning("%s; a retry may write an event twice, which the engine drops by its id", text)
    with kafka_named(connection, "connecting"):
        # One request at a time: without idempotence a retry could overtake the batch behind it.
        settings |= {"enable_idempotence": False, "max_in_flight_requests_per_connection": 1}
        return kafka_producer(connection, **settings), False


def _idempotent(connection: KafkaConnection, settings: Mapping[str, Any]) -> tuple[Any, str]:
    with kafka_named(connection, "connecting"):
        try:
            producer = kafka_producer(connection, enable_idempotence=True, **settings)
        except KafkaConfigurationError as error:  # a broker before 0.11
            return None, str(error)
    manager = producer._transaction_manager
    deadline = time.monotonic() + GRANT_S
    while not manager.has_producer_id():
        if manager.has_fatal_error() or time.monotonic() > deadline:
            cause = manager.last_error
            close_producer(producer)
            if isinstance(cause, BrokerResponseError) or _AN_ANSWER in str(cause):
                return None, str(cause)
            # A slow broker is never taken for one without idempotence.
            where = f"Kafka at {connection.bootstrap_servers}"
            raise BrokerUnreachable(f"{where} does not answer (asking for a producer id: {cause})")
        time.sleep(LOOK_S)
    return producer, ""


def is_unusable(producer: Any) -> bool:
    """Whether the producer will never send again: its session has ended for good, or it has given up its id.

    kafka-python (3.0.12) gives the id up when a batch that it had sent before expires, and never asks for another:
    from then on nothing is sent, and nothing expires.
    """
    manager = producer._transaction_manager
    if manager is None:
        return False
    return bool(manager.has_fatal_error() or not (manager.has_producer_id() or manager.is_bumping_epoch()))


def close_producer(producer: Any) -> None:
    """Close without waiting for deliveries; afterwards every future is settled and nothing more is sent."""
    producer._sender.force_close()
    producer._sender.join(CLOSE_S)
    try:
        producer.close(timeout=CLOSE_S)
    except KafkaError as error:
        logger.warning("closing the producer: %r", error)
