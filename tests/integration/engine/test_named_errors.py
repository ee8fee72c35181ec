"""Nothing is skipped: where log, store or settings are not what they were, the worker ends by name, or parks
the shards concerned by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from streams.errors import ExitCode
from tests.support.servers import ApacheKafka, Broker
from tests.support.world import PATIENCE_S, World, world
from tests.support.world_fixtures import MakeWorld
from tests.support.world_logs import lengths, split, tape_log
from tests.support.world_traces import OUTPUT_ROLES

BEFORE, AFTER = split(tape_log(seed=11, customers=30, days=70), 0.5)


def _worked(world: World) -> World:
    """The first half of the log is done, the second is waiting, nobody is at work."""
    world.produce(BEFORE)
    world.worker()
    world.wait(lambda: world.done(lengths(BEFORE)))
    world.end()
    world.produce(AFTER)
    return world


@pytest.fixture(scope="module")
def halfway(kafka: ApacheKafka, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Shared: each test breaks something, sees the error, and mends it; the last one lets the engine go on."""
    directory = tmp_path_factory.mktemp("halfway")
    with world(kafka.bootstrap_servers, redis_url, f"{directory.name}-{time.time_ns()}", directory) as made:
        yield _worked(made)


@contextmanager
def _admin(world: World) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=world.config.bootstrap_servers)
    yield admin
    admin.close()


@contextmanager
def _mended(world: World, *keys: str | bytes) -> Iterator[None]:
    """Whatever the block does to these keys is undone."""
    kept = {key: world.redis.dump(key) or b"" for key in keys}
    try:
        yield
    finally:
        for key, value in kept.items():
            world.redis.restore(key, 0, value, replace=True)


def _stands(world: World) -> list[Any]:
    return [(world.records(n), body and body.state) for n, body in enumerate(world.bodies())]


def _ends_with(world: World, code: ExitCode, *told: str, **environment: str) -> None:
    """A worker ends with the code, says why and what to do, and has applied nothing."""
    stood = _stands(world)
    worker = world.worker(**environment)
    assert world.ended(worker) == code, world.output()
    said = world.log_of(worker)
    for words in (*told, "remedy: "):
        assert words in said, f"{words!r} is not in\n{said}"
    assert _stands(world) == stood


def _parks(world: World, shards: Sequence[int], error: str, *told: str, untouched: bool = True) -> None:
    """A worker parks these shards, says why and what to do, and does not end. untouched: nothing was applied to it."""
    stood = world.bodies()
    worker = world.worker()
    topic = world.config.topic("touchpoints")
    for shard in shards:
        parked = f"{topic} {shard} is parked, the others go on: {error}: "
        world.wait(lambda parked=parked: parked in world.log_of(worker))  # type: ignore[misc]  # a lambda's default
    said = world.log_of(worker)
    for words in (*told, "remedy: "):
        assert words in said, f"{words!r} is not in\n{said}"
    assert world.stop() == [ExitCode.OK]
    if untouched:
        assert [world.body(shard) for shard in shards] == [stood[shard] for shard in shards]


def _goes_on_without_its_learner(world: World, told: str) -> None:
    """The learner stands still and says why and what to do; the worker lives, and the learner's state is as it was."""
    body = world.redis.hget(_meta(world, "learner"), "body")
    worker = world.worker()
    world.wait(lambda: "the learner stands still" in world.log_of(worker))
    said = world.log_of(worker)
    for words in (told, "remedy: "):
        assert words in said, f"{words!r} is not in\n{said}"
    assert world.stop() == [ExitCode.OK]
    assert world.redis.hget(_meta(world, "learner"), "body") == body


def _meta(world: World, place: int | str) -> str:
    return f"{{{world.config.app}:{place}}}:meta"


def _change_body(world: World, place: int | str, change: Callable[[bytes], bytes]) -> None:
    body = world.redis.hget(_meta(world, place), "body")
    assert isinstance(body, bytes)
    assert change(body) != body
    world.redis.hset(_meta(world, place), "body", change(body))


def test_a_missing_meta_where_kafka_has_a_committed_offset(halfway: World) -> None:
    with _mended(halfway, _meta(halfway, 1)):
        halfway.redis.delete(_meta(halfway, 1))
        _parks(halfway, [1], "MetaMissing", "shard 1: Kafka has offset", "remedy: restore the Redis backup")
        assert not halfway.redis.exists(_meta(halfway, 1)), "it was started afresh"


def test_a_missing_meta_where_only_the_outputs_are_left(halfway: World) -> None:
    metas = [_meta(halfway, n) for n in range(3)]
    with _mended(halfway, *metas):
        halfway.redis.delete(*metas)
        with _admin(halfway) as admin:
            # A member that was killed leaves it once its session is over.
            _until(lambda: bool(admin.delete_groups([halfway.config.app])) and halfway.committed() == {})
        _parks(halfway, [0, 1, 2], "MetaMissing", "hold its outputs")
        assert not halfway.redis.exists(*metas), "they were started afresh"


def test_a_changed_setting(halfway: World) -> None:
    told = "lateness is 7000, at creation 3600000"
    _ends_with(halfway, ExitCode.SETTINGS_CHANGED, told, RETENTION_LATENESS_S="7")


def test_a_changed_mode(halfway: World) -> None:
    told = "has message.timestamp.type=CreateTime; mode live needs LogAppendTime"
    _ends_with(halfway, ExitCode.TOPIC_UNFIT, told, RETENTION_MODE="live")
    # Changing the topic as well does not help: the log so far has other times.
    _set_time(halfway, "LogAppendTime")
    _ends_with(halfway, ExitCode.SETTINGS_CHANGED, "mode is 'live', at creation 'replay'", RETENTION_MODE="live")
    _set_time(halfway, "CreateTime")


def _set_time(world: World, kind: str) -> None:
    settings = {"message.timestamp.type": kind}
    with _admin(world) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, world.config.topic("touchpoints"), settings)])


def test_a_changed_horizon_that_also_makes_another_model(halfway: World) -> None:
    _ends_with(halfway, ExitCode.SETTINGS_CHANGED, "horizon is", RETENTION_HORIZON_DAYS="29")


def test_a_record_of_an_unknown_schema_version(halfway: World) -> None:
    customer = next(key for key, _, _ in reversed(AFTER[0]) if key and key in halfway.records(0))
    key = f"{{{halfway.config.app}:0}}:c:".encode() + customer
    newer = bytes([9]) + halfway.records(0)[customer][1:]
    with _mended(halfway, key):
        halfway.redis.set(key, newer)
        told = "schema version 9; this release reads", "remedy: run the newer release"
        _parks(halfway, [0], "NewerRelease", *told, untouched=False)
        assert halfway.redis.get(key) == newer, "the record was overwritten"


def test_a_shard_state_of_an_unknown_schema(halfway: World) -> None:
    with _mended(halfway, _meta(halfway, 2)):
        _change_body(halfway, 2, lambda body: body.replace(b'"schema":1', b'"schema":7'))
        worker = halfway.worker()
        assert halfway.ended(worker) == ExitCode.STATE_UNREADABLE
        assert "meta of shard 2 has schema 7; this release reads 1 to 5 | remedy: " in halfway.log_of(worker)


def test_a_corrupted_learner(halfway: World) -> None:
    with _mended(halfway, _meta(halfway, "learner")):
        _change_body(halfway, "learner", lambda body: body.replace(b'"learned":', b'"learned":1', 1))
        _goes_on_without_its_learner(halfway, "the learner's state: the checksum")


def test_when_all_is_mended_the_engine_goes_on_as_if_nothing_had_been(halfway: World) -> None:
    ends = [a + b for a, b in zip(lengths(BEFORE), lengths(AFTER), strict=True)]
    halfway.worker()
    halfway.wait(lambda: halfway.done(ends))
    assert halfway.stop() == [ExitCode.OK]
    halfway.check()


def test_a_log_whose_start_passed_the_fence(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    world = _worked(make_world(kafka))
    next_offset = world.next_offsets()[0]
    with _admin(world) as admin:
        admin.delete_records({TopicPartition(world.config.topic("touchpoints"), 0): next_offset + 3})
    _parks(
        world, [0], "LogTruncated", f"the log starts at {next_offset + 3}, the next offset is {next_offset}: 3 are gone"
    )


def test_a_log_that_retention_emptied_whose_last_offset_was_a_marker(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    world = make_world(kafka)
    world.produce(BEFORE)
    tp = TopicPartition(world.config.topic("touchpoints"), 0)
    with _upstream(world) as producer:
        key, value, timestamp = AFTER[0][0]
        producer.begin_transaction()
        producer.send(tp.topic, value, key=key, partition=0, timestamp_ms=timestamp)
        producer.commit_transaction()
        last = len(BEFORE[0])
        world.worker()
        world.wait(lambda: (body := world.body(0)) is not None and body.read_to == last + 2)
        assert world.stop() == [ExitCode.OK]
        assert world.next_offsets()[0] == last + 1
        with _admin(world) as admin:
            admin.delete_records({tp: last + 2})
        world.worker()
        key, value, timestamp = AFTER[0][1]
        producer.begin_transaction()
        producer.send(tp.topic, value, key=key, partition=0, timestamp_ms=timestamp)
        producer.commit_transaction()
        world.wait(lambda: world.next_offsets()[0] == last + 3)
    assert world.stop() == [ExitCode.OK]
    assert not world.wrote("is parked")


@contextmanager
def _upstream(world: World) -> Iterator[KafkaProducer]:
    """A producer of touchpoints that uses transactions."""
    producer = KafkaProducer(bootstrap_servers=world.config.bootstrap_servers, transactional_id=world.config.app)
    producer.init_transactions()
    yield producer
    producer.close()


def test_a_topic_recreated_under_the_fence(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    world = _worked(make_world(kafka))
    with _admin(world) as admin:
        admin.delete_topics([world.config.topic("touchpoints")])
        _until(lambda: world.config.topic("touchpoints") not in admin.list_topics())
    world.create_topics()
    world.produce(BEFORE)  # as many records as before: offsets and log end tell nothing
    _ends_with(world, ExitCode.TOPIC_CHANGED, "topic id is", "restore the old topic")


def test_a_grown_partition_count(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    world = _worked(make_world(kafka))
    touchpoints = world.config.topic("touchpoints")
    with _admin(world) as admin:
        admin.create_partitions({touchpoints: 4})
    _ends_with(world, ExitCode.TOPIC_UNFIT, f"has 3 partitions, {touchpoints} has 4")
    with _admin(world) as admin:
        admin.create_partitions({world.config.topic(role): 4 for role in OUTPUT_ROLES})
    _ends_with(world, ExitCode.TOPIC_CHANGED, "4 partitions, at creation 3", "RETENTION_TOPIC_PREFIX")
    both = [world.worker(), world.worker()]
    # One of them may own nothing but the learner, which stands still until the other has ended and it gets the shards.
    assert {world.ended(worker) for worker in both} == {ExitCode.TOPIC_CHANGED}, world.output()
    assert world.body(3) is None, "a shard was created that can't be"


def test_missing_topics(broker: Broker, redis_url: str, redis_app: str, tmp_path: Path) -> None:
    made = World(broker.bootstrap_servers, redis_url, redis_app, tmp_path)
    worker = made.worker()
    assert made.ended(worker) == ExitCode.TOPIC_UNFIT, made.output()
    assert f"{redis_app}.touchpoints" in made.log_of(worker)
    assert "remedy: create the topics with `retention topics create`" in made.log_of(worker)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
