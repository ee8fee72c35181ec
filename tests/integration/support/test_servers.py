"""The brokers of the tests behave as the engine's tests rely on."""

from __future__ import annotations

import time
import uuid
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from tests.support.servers import ApacheKafka, Broker


def make_topic(bootstrap_servers: str, **settings: str) -> str:
    topic = f"touchpoints-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    # Records of 1970 are beyond any retention: Apache Kafka would delete them within a second.
    admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"retention.ms": "-1", **settings})])
    admin.close()
    return topic


def produce(bootstrap_servers: str, topic: str, values: list[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    for value in values:
        producer.send(topic, value, partition=0, timestamp_ms=1_000, headers=[("h", value)]).get(60)
    producer.close()


def read(bootstrap_servers: str, topic: str, count: int) -> list[tuple[int, int, bytes, list[tuple[str, bytes]]]]:
    """(offset, timestamp, value, headers) of the first `count` records.

    Polled: kafka-python's iterator waits without an end, and now and then misses the word that a fetch has ended.
    """
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic, 0)])
    records: list[Any] = []
    deadline = time.monotonic() + 90
    while len(records) < count and time.monotonic() < deadline:
        for polled in consumer.poll(timeout_ms=500, max_records=count - len(records)).values():
            records += polled
    consumer.close()
    return [(record.offset, record.timestamp, record.value, record.headers) for record in records]


def test_records_come_back_with_timestamp_and_headers(broker: Broker) -> None:
    topic = make_topic(broker.bootstrap_servers)
    produce(broker.bootstrap_servers, topic, [b"a", b"b"])
    assert read(broker.bootstrap_servers, topic, 2) == [
        (0, 1_000, b"a", [("h", b"a")]),
        (1, 1_000, b"b", [("h", b"b")]),
    ]


def test_apache_kafka_stamps_records_with_its_own_time_where_the_topic_says_so(kafka: ApacheKafka) -> None:
    topic = make_topic(kafka.bootstrap_servers, **{"message.timestamp.type": "LogAppendTime"})
    produce(kafka.bootstrap_servers, topic, [b"a"])
    assert read(kafka.bootstrap_servers, topic, 1)[0][1] > 1_000


def test_apache_kafka_keeps_acknowledged_records_through_a_kill(own_kafka: ApacheKafka) -> None:
    topic = make_topic(own_kafka.bootstrap_servers)
    produce(own_kafka.bootstrap_servers, topic, [b"a"])
    own_kafka.kill()
    own_kafka.restart()
    produce(own_kafka.bootstrap_servers, topic, [b"b"])
    assert [record[2] for record in read(own_kafka.bootstrap_servers, topic, 2)] == [b"a", b"b"]
