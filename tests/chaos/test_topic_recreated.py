"""The input topic is deleted under a live worker, and made anew; and a worker is stopped while Kafka is away."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from streams.errors import ExitCode
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import specs
from tests.support.prepared import Process
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld

AT_ONCE_S = 90.0
"""On a machine that is busy with other tests, too; five minutes is what Kafka's clients take by themselves."""
STOP_S = 25.0
"""Documented are two or three, on a machine that has nothing else to do; without an end it waits for ever."""


def _asked(world: World, worker: Process, path: str) -> tuple[int, dict[str, Any]]:
    address = re.search(r"readiness on (http://\S+)", world.log_of(worker))
    assert address, world.output()
    try:
        with urllib.request.urlopen(f"{address[1]}{path}", timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.slow
def test_a_topic_that_is_gone_is_told_and_one_made_anew_ends_the_worker_by_name(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka, metrics_port=0)
    topic = world.config.topic("touchpoints")
    worker = world.worker()
    world.wait(lambda: world.owned(worker) > 0 and "readiness on" in world.log_of(worker))
    world.wait(lambda: _asked(world, worker, "/ready")[0] == 200)
    with TopicAdmin(KafkaConnection(kafka.bootstrap_servers)) as admin:
        admin._client.delete_topics([topic])
        world.wait(lambda: _asked(world, worker, "/ready")[0] == 503, AT_ONCE_S)
        world.wait(lambda: "does not exist any more" in world.log_of(worker), AT_ONCE_S)
        assert f"topic {topic} does not exist any more" in _asked(world, worker, "/ready")[1]["reason"]
        status, health = _asked(world, worker, "/health")
        assert (status, health["healthy"]) == (503, False)
        assert f"topic {topic} does not exist any more" in health["topic"]
        admin.create(specs(world.config))
    assert world.ended(worker, AT_ONCE_S) == ExitCode.TOPIC_CHANGED, world.output()
    assert f"topic {topic} had id" in world.log_of(worker)


@pytest.mark.slow
def test_a_worker_is_stopped_in_seconds_while_kafka_is_away(own_kafka: ApacheKafka, make_world: MakeWorld) -> None:
    world = make_world(own_kafka)
    worker = world.worker()
    world.wait(lambda: world.owned(worker) > 0)
    own_kafka.kill()
    time.sleep(1)
    begun = time.monotonic()
    worker.terminate()
    assert world.ended(worker) == ExitCode.OK
    assert time.monotonic() - begun < STOP_S
