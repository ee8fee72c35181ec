"""Redis or Kafka goes away under a live worker: it pauses and goes on, and does not end."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from streams.local.embedded import EmbeddedRedis
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_logs import lengths, tape_log

AWAY_S = 3


def _goes_on(world: World, *outages: Callable[[], None]) -> None:
    """Outages at some places of the log; the same worker finishes."""
    log = tape_log(seed=14)
    world.produce(log)
    worker = world.worker()
    for number, outage in enumerate(outages, start=1):
        enough = sum(lengths(log)) * number / (len(outages) + 1)
        world.wait(lambda enough=enough: sum(world.next_offsets()) > enough)  # type: ignore[misc]  # a lambda's default
        outage()
    world.wait(lambda: world.done(lengths(log)))
    assert worker.poll() is None
    world.end()
    world.check()


@pytest.mark.slow
def test_redis_is_killed_and_shut_down_and_comes_back(
    kafka: ApacheKafka, own_redis: EmbeddedRedis, make_world: MakeWorld
) -> None:
    def away(end: Callable[[], None]) -> None:
        end()
        time.sleep(AWAY_S)
        own_redis.start()

    world = make_world(kafka, redis=own_redis.url, batch_records=25)
    _goes_on(world, lambda: away(own_redis.kill), lambda: away(own_redis.stop))


@pytest.mark.slow
def test_kafka_is_killed_and_shut_down_and_comes_back(own_kafka: ApacheKafka, make_world: MakeWorld) -> None:
    def away(end: Callable[[], None]) -> None:
        end()
        time.sleep(AWAY_S)
        own_kafka.start()

    _goes_on(make_world(own_kafka, batch_records=25), lambda: away(own_kafka.kill), lambda: away(own_kafka.stop))
