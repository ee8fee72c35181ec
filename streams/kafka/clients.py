"""Factory of Kafka clients, for kafka-python and aiokafka.

Every client is built here (and Faust's app in streams/consumer/app.py), so that no connection is left without its
security. A setting that a caller adds wins over the connection's.
"""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from streams.kafka.closed_transport import mend
from streams.kafka.open import opened
from streams.kafka.security import KafkaConnection

mend()


def admin(connection: KafkaConnection, client_id: str, **settings: Any) -> Any:
    """kafka-python's admin client, connected. Raises kafka.errors.KafkaError, OSError."""
    return opened(KafkaAdminClient, **{"client_id": client_id, **connection.kafka_python(), **settings})


def reader(connection: KafkaConnection, *, isolation_level: str, **settings: Any) -> Any:
    """kafka-python's consumer without a group, which begins where it is told. Raises kafka.errors.KafkaError."""
    return opened(
        KafkaConsumer,
        **{
            "group_id": None,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "isolation_level": isolation_level,
            "allow_auto_create_topics": False,
            **connection.kafka_python(),
            **settings,
        },
    )


def member(connection: KafkaConnection, group: str, **settings: Any) -> Any:
    """kafka-python's consumer in a group. Raises kafka.errors.KafkaError."""
    return opened(KafkaConsumer, **{**connection.kafka_python(), **settings, "group_id": group})


def producer(connection: KafkaConnection, **settings: Any) -> Any:
    """kafka-python's producer. Raises kafka.errors.KafkaError."""
    return KafkaProducer(**{**connection.kafka_python(), **settings})


def async_producer(connection: KafkaConnection, **settings: Any) -> Any:
    """aiokafka's producer, not started; everything is acknowledged by all replicas in sync."""
    return AIOKafkaProducer(**{"acks": "all", **connection.aiokafka(), **settings})


def async_reader(connection: KafkaConnection, *, isolation_level: str, **settings: Any) -> Any:
    """aiokafka's consumer without a group, not started, for partitions that are assigned by hand."""
    return AIOKafkaConsumer(
        **{
            "isolation_level": isolation_level,
            "auto_offset_reset": "none",
            "enable_auto_commit": False,
            **connection.aiokafka(),
            **settings,
        }
    )


def async_metadata(connection: KafkaConnection, **settings: Any) -> Any:
    """aiokafka's client of the cluster's metadata, not started."""
    return AIOKafkaClient(**{**connection.aiokafka(), **settings})


async def async_connection(connection: KafkaConnection, host: str, port: int, **settings: Any) -> Any:
    """aiokafka's connection to one broker, made. Raises aiokafka.errors.KafkaError, OSError, TimeoutError."""
    told = {name: value for name, value in connection.aiokafka().items() if name != "bootstrap_servers"}
    return await create_conn(host, port, **{**told, **settings})
