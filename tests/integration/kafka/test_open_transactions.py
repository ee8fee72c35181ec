"""A producer upstream that has left its transaction open, on a real broker: what a worker and `doctor` see of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from kafka import KafkaProducer

from streams.kafka.admin import TopicAdmin
from streams.kafka.open_transactions import HELD_S, LogEnd
from streams.kafka.security import KafkaConnection
from streams.kafka.tails import TailReader
from streams.kafka.topics import TopicSpec
from streams.operations.doctor.broker import BrokerChecks
from streams.operations.doctor.finding import Finding, Status
from streams.operations.doctor.transactions import HeldUp, finding, held_up
from tests.support.servers import ApacheKafka, Broker


def a_topic(broker: Broker, name: str) -> str:
    with TopicAdmin(KafkaConnection(broker.bootstrap_servers)) as admin:
        admin.create([TopicSpec("touchpoints", name, 2, 1, {})])
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, enable_idempotence=False, acks="all")
    producer.send(name, b"before", partition=1).get(60)
    producer.close()
    return name


async def ends(broker: Broker, topic: str, *, committed: bool = True) -> list[LogEnd]:
    tails = TailReader(KafkaConnection(broker.bootstrap_servers), committed=committed)
    try:
        found = await tails.log_ends(TopicPartition(topic, number) for number in range(2))
    finally:
        await tails.close()
    return [found[TopicPartition(topic, number)] for number in range(2)]


@pytest.fixture
def look(kafka: ApacheKafka) -> Iterator[BrokerChecks]:
    made = BrokerChecks(KafkaConnection(kafka.bootstrap_servers))
    yield made
    made.close()


def test_records_behind_an_open_transaction_are_counted_and_its_producer_is_named(
    kafka: ApacheKafka, redis_app: str, look: BrokerChecks
) -> None:
    topic = a_topic(kafka, redis_app)

    async def scenario() -> tuple[list[LogEnd], list[HeldUp]]:
        async with (
            AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, transactional_id=f"{redis_app}-crm") as crm,
            AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as shop,
        ):
            await crm.begin_transaction()
            await crm.send_and_wait(topic, b"open", partition=1)
            for _ in range(3):
                await shop.send_and_wait(topic, b"waits", partition=1)
            seen = await ends(kafka, topic), await asyncio.to_thread(held_up, look, topic, 2)
            await crm.abort_transaction()
        return seen

    seen, held = asyncio.run(scenario())
    assert seen == [LogEnd(0, 0), LogEnd(5, 1)]
    (one,) = held
    assert (one.partition, one.offset, one.records) == (1, 1, 4)
    assert one.by == f"the producer with transactional.id '{redis_app}-crm'"
    assert one.seconds is not None
    assert -5 < one.seconds < 300
    assert finding(topic, [one._replace(seconds=1.0)]).status is Status.OK, "it has just begun"
    told = finding(topic, [one._replace(seconds=HELD_S)])
    assert told.status is Status.PROBLEM
    assert f"{topic}[1]: 4 records from offset 1 on wait behind an open transaction of the producer" in told.text
    deadline = time.monotonic() + 60
    while asyncio.run(ends(kafka, topic)) != [LogEnd(0, 0), LogEnd(6, 6)] and time.monotonic() < deadline:
        time.sleep(0.1)  # the marker of the abort comes after its answer
    assert asyncio.run(ends(kafka, topic)) == [LogEnd(0, 0), LogEnd(6, 6)]
    assert held_up(look, topic, 2) == []


def test_where_nobody_holds_anything_up_nothing_is_said(broker: Broker, redis_app: str) -> None:
    topic = a_topic(broker, redis_app)
    seen = asyncio.run(ends(broker, topic, committed=isinstance(broker, ApacheKafka)))
    assert seen == [LogEnd(0, 0), LogEnd(1, 1)]
    made = BrokerChecks(KafkaConnection(broker.bootstrap_servers))
    try:
        found = finding(topic, held_up(made, topic, 2))
    finally:
        made.close()
    assert found == Finding("topics.transactions", Status.OK, f"no open transaction holds up {topic}")
