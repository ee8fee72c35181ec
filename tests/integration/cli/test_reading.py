"""Reading the end of a topic where not every offset is a record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer

from streams.kafka.admin import TopicAdmin
from streams.kafka.errors import TopicMissing
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from streams.kafka.topics import TopicSpec
from tests.support.servers import ApacheKafka, Broker


def a_topic(bootstrap_servers: str, name: str) -> str:
    with TopicAdmin(KafkaConnection(bootstrap_servers)) as admin:
        admin.create([TopicSpec("triggers", name, 2, 1, {})])
    return name


def transactions(bootstrap_servers: str, topic: str, sent: Sequence[tuple[bytes, bool]]) -> None:
    """Each value in a transaction of its own, committed or aborted."""

    async def run() -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers, transactional_id=f"{topic}-writer"
        ) as producer:
            for value, committed in sent:
                await producer.begin_transaction()
                await producer.send_and_wait(topic, value, partition=0)
                await (producer.commit_transaction() if committed else producer.abort_transaction())

    asyncio.run(run())


def test_the_last_records_are_found_behind_any_number_of_markers_and_aborted_ones(
    kafka: ApacheKafka, redis_app: str
) -> None:
    topic = a_topic(kafka.bootstrap_servers, redis_app)
    sent = [(b"first", True), (b"second", True), *[(b"aborted", False)] * 60]
    transactions(kafka.bootstrap_servers, topic, sent)
    with TopicReader(KafkaConnection(kafka.bootstrap_servers), topic) as reader:
        assert [read.value for read in reader.last(2)] == [b"first", b"second"]
        assert [read.value for read in reader.last(1)] == [b"second"]
        assert [read.value for read in reader.last(0)] == [b"first", b"second"]
        assert reader.new(0.2) == []
        transactions(kafka.bootstrap_servers, topic, [(b"third", True)])
        assert [read.value for read in reader.new(60.0)] == [b"third"]


def test_a_topic_that_does_not_exist_is_named(broker: Broker, redis_app: str) -> None:
    with TopicAdmin(KafkaConnection(broker.bootstrap_servers)) as admin, pytest.raises(TopicMissing, match=redis_app):
        admin.topic(redis_app)


def test_an_empty_topic_has_nothing_to_show(broker: Broker, redis_app: str) -> None:
    with TopicReader(KafkaConnection(broker.bootstrap_servers), a_topic(broker.bootstrap_servers, redis_app)) as reader:
        assert reader.last(5) == reader.last(0) == []
        assert reader.bounds() == ({0: 0, 1: 0}, {0: 0, 1: 0})
