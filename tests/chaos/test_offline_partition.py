"""A broker of two dies: the shards whose partition it led wait by name, all others go on, and it comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from streams.kafka.topics import FOREVER, LOG_APPEND_TIME, RETENTION, TIMESTAMP_TYPE
from tests.support.servers import ApacheKafka, kafka_jars
from tests.support.world import PATIENCE_S, World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, shopping, stand_still

OFFLINE = 1
INTERNAL = {"__consumer_offsets", "__transaction_state"}


@contextmanager
def _second(own_kafka: ApacheKafka, directory: Path) -> Iterator[ApacheKafka]:
    """A broker more, once the world's and the internal topics lie on the first one."""
    producer = KafkaProducer(bootstrap_servers=own_kafka.bootstrap_servers, transactional_id="first")
    producer.init_transactions()
    producer.close()
    consumer = KafkaConsumer("none", bootstrap_servers=own_kafka.bootstrap_servers, group_id="first")
    admin, deadline = KafkaAdminClient(bootstrap_servers=own_kafka.bootstrap_servers), time.monotonic() + PATIENCE_S
    while not set(admin.list_topics()) >= INTERNAL:
        assert time.monotonic() < deadline
        consumer.poll(200)
    admin.close()
    consumer.close()
    broker = ApacheKafka(directory, kafka_jars(), joins=own_kafka).start()
    try:
        yield broker
    finally:
        broker.stop()


def _lead_by_second(world: World) -> None:
    """One partition of the input lies on the second broker, all else on the first."""
    topic = world.config.topic("touchpoints")
    admin = KafkaAdminClient(bootstrap_servers=world.config.bootstrap_servers)
    admin.delete_topics([topic])
    world.wait(lambda: topic not in admin.list_topics())
    brokers = {n: [2 if n == OFFLINE else 1] for n in range(world.config.partitions)}
    settings = {TIMESTAMP_TYPE: LOG_APPEND_TIME, RETENTION: FOREVER}
    admin.create_topics({topic: {"assignments": brokers, "configs": settings}}, wait_for_metadata=True)
    admin.close()


def _moved(world: World, since: list[int]) -> list[bool]:
    return [now > before for now, before in zip(world.next_offsets(), since, strict=True)]


@pytest.mark.slow
def test_the_shard_without_a_leader_waits_by_name_the_others_go_on_and_it_comes_back(
    own_kafka: ApacheKafka, make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(own_kafka, **LIVE)
    with _second(own_kafka, tmp_path / "second") as second:
        _lead_by_second(world)
        _one_broker_dies(world, second)


def _one_broker_dies(world: World, second: ApacheKafka) -> None:
    topic, others = world.config.topic("touchpoints"), [n != OFFLINE for n in range(world.config.partitions)]
    shopping(world, 10)
    world.worker()
    world.wait(lambda: all(_moved(world, [4] * len(others))))
    second.kill()
    world.rest(lambda: world.next_offsets()[OFFLINE])  # what has been fetched is applied
    stood = world.next_offsets()
    world.wait(lambda: _moved(world, stood) == others)
    joined = world.worker()  # in a takeover too
    world.wait(lambda: f"no leader: {topic} {OFFLINE}" in world.output())
    stood = world.next_offsets()
    world.wait(lambda: _moved(world, stood) == others)
    second.restart()
    stood = world.next_offsets()
    world.wait(lambda: all(_moved(world, stood)))
    assert joined.poll() is None
    assert "is parked" not in world.output()
    stand_still(world)
    world.check()
