"""`retention rebuild` on real servers: Redis has lost the state, the log gives it back, nothing is said twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from streams.errors import ExitCode
from tests.support.servers import ApacheKafka, Broker
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, shopping, stand_still, triggers
from tests.support.world_logs import lengths, tape_log
from tests.support.world_traces import OUTPUT_ROLES


def lose(world: World, *namespaces: int | str) -> None:
    """Redis loses everything of these namespaces; without any, of all."""
    patterns = [f"{{{world.config.app}:{name}}}*" for name in namespaces] or [f"{{{world.config.app}:*"]
    for pattern in patterns:
        for key in list(world.redis.scan_iter(pattern, count=1000)):
            world.redis.delete(key)


def public(world: World) -> dict[str, list[list[Any]]]:
    """What is on the output topics."""
    return {
        role: [[(record.key, record.value) for record in records] for records in partitions]
        for role, partitions in world.read(*OUTPUT_ROLES).items()
    }


@pytest.mark.slow
def test_all_state_is_lost_and_made_anew_after_a_kill_to_the_same_bytes(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka)
    log = tape_log(seed=11, customers=40, days=120)
    world.run(log)
    stood, said = [world.records(n) for n in range(3)], public(world)
    lose(world)
    worker = world.worker()
    world.wait(lambda: world.log_of(worker).count("is parked, the others go on: MetaMissing") >= 3)
    assert "`retention rebuild` makes the state anew" in world.log_of(worker)
    assert world.stop() == [ExitCode.OK]
    killed = world.command("rebuild", RETENTION_CRASH_POINT="commit.b.written:25")
    assert killed.returncode == ExitCode.CRASH_POINT, killed.stderr
    worker = world.worker()
    world.wait(lambda: "is parked, the others go on: RebuildUnfinished" in world.log_of(worker))
    done = world.command("rebuild", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["shards"] == [0, 1, 2]
    assert summary["worded_differently"] == summary["gone_from_kafka"] == 0
    assert summary["compared"] > 0
    world.wait(lambda: world.done(lengths(log)))  # the same worker takes its shards over, each within a minute
    world.end()
    assert [world.records(n) for n in range(3)] == stood
    assert public(world) == said
    world.check()
    nothing = world.command("rebuild")
    assert nothing.returncode == ExitCode.FAILURE
    assert "all 3 shards and the learner have their state" in nothing.stderr


@pytest.mark.slow
def test_live_one_shard_is_made_anew_while_the_other_shards_go_on(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    world = make_world(kafka, **LIVE)
    worker = world.worker()
    world.wait(lambda: world.owned(worker) > 0)  # who is silent for long meanwhile has lapsed, and is asked for nothing
    shopping(world, 30)
    world.wait(lambda: len(triggers(world)) > 5)
    stand_still(world)
    stood, said = world.records(1), public(world)
    assert any(said["triggers"])
    lose(world, 1)
    done = world.command("rebuild", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["shards"] == [1]
    stand_still(world)
    assert world.records(1) == stood
    now = public(world)
    for role in OUTPUT_ROLES:
        assert [records[: len(before)] for records, before in zip(now[role], said[role], strict=True)] == said[role]
    world.check()


def test_a_log_whose_beginning_is_gone_can_t_be_rebuilt_from_and_the_way_is_told(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka)
    world.produce(tape_log(seed=2, customers=5, days=20))
    topic = world.config.topic("touchpoints")
    admin = KafkaAdminClient(bootstrap_servers=world.config.bootstrap_servers)
    admin.delete_records({TopicPartition(topic, 1): 3})
    admin.close()
    refused = world.command("rebuild")
    assert refused.returncode == ExitCode.LOG_TRUNCATED, refused.stderr
    assert f"{topic} is not whole any more: partition 1 starts at offset 3" in refused.stderr
    assert "restore a Redis backup" in refused.stderr
    assert not list(world.redis.scan_iter(f"{{{world.config.app}:*"))


@pytest.mark.slow
def test_on_any_broker_what_a_worker_left_is_made_anew(broker: Broker, make_world: MakeWorld) -> None:
    world = make_world(broker)
    log = tape_log(seed=3, customers=20, days=60)
    world.produce(log)
    world.worker()
    world.wait(lambda: world.done(lengths(log)))
    world.end()
    stood = [world.records(n) for n in range(3)]
    lose(world)
    done = world.command("rebuild")
    assert done.returncode == 0, done.stderr
    world.worker()
    world.wait(lambda: world.done(lengths(log)))
    world.end()
    assert [world.records(n) for n in range(3)] == stood
