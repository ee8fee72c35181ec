"""How many partitions the touchpoints have, and hence shards there are."""

from __future__ import annotations

from streams.config import Config
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import kafka_connection


def touchpoint_partitions(config: Config) -> int:
    """Of the input topic. Raises as `streams.kafka.admin.TopicAdmin.topic`."""
    with TopicAdmin(kafka_connection(config)) as admin:
        return admin.topic(config.topic("touchpoints")).partitions
