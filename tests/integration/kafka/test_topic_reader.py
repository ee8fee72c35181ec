"""The ends of a topic on a real broker: also behind the end of a transaction, and without waiting for more to come."""

from __future__ import annotations

import time
from typing import Any

import pytest
from kafka import KafkaProducer

from streams.kafka import topic_reader
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from streams.kafka.topics import TopicSpec
from tests.support.servers import ApacheKafka

PARTITIONS, TRANSACTIONS = 4, 3
LOOK_S = 120.0


def test_the_end_of_a_transaction_is_an_end_that_nobody_waits_for(
    kafka: ApacheKafka, redis_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_reader, "LOOK_S", LOOK_S)
    connection = KafkaConnection(kafka.bootstrap_servers)
    with TopicAdmin(connection) as admin:
        admin.create([TopicSpec("decisions", redis_app, PARTITIONS, 1, {})])
    producer: Any = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, transactional_id=redis_app)
    producer.init_transactions()
    for _ in range(TRANSACTIONS):
        producer.begin_transaction()
        for partition in range(PARTITIONS):
            producer.send(redis_app, b"value", partition=partition)
        producer.commit_transaction()
    producer.close()
    whole = dict.fromkeys(range(PARTITIONS), 2 * TRANSACTIONS)
    with TopicReader(connection, redis_app) as topic:
        deadline = time.monotonic() + 60.0
        while topic.bounds()[1] != whole:  # the markers of the last come after its answer
            assert time.monotonic() < deadline
        began = time.monotonic()
        for _ in range(3):
            starts, ends = topic.bounds()
            assert starts == dict.fromkeys(range(PARTITIONS), 0)
            assert ends == whole, "a record and a marker each"
        assert time.monotonic() - began < LOOK_S / 2, "a look that waits for a record lasts until LOOK_S is over"
        assert len(topic.last(0)) == PARTITIONS * TRANSACTIONS
