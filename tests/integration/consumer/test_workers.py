"""Real workers in processes of their own: rebalances, outages, and what they exit with."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from streams.errors import ExitCode
from streams.local.embedded import EmbeddedRedis
from tests.chaos.counting import PATIENCE_S, Bench, Worker, until
from tests.chaos.counting_worker import Order
from tests.support.servers import ApacheKafka, Broker

ALL = {0, 1, 2}


@pytest.fixture
def bench(kafka: ApacheKafka, redis_url: str, redis_app: str, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench.create(kafka.bootstrap_servers, redis_url, redis_app, tmp_path, partitions=len(ALL))
    yield bench
    bench.end()


def until_shared(workers: list[Worker]) -> None:
    """Until the workers own all shards, each by one."""

    def shared() -> bool:
        owned = [shard for worker in workers for shard in worker.owns()]
        return sorted(owned) == sorted(ALL) and all(worker.owns() for worker in workers)

    until(shared, lambda: "\n".join(worker.said for worker in workers))


def until_ended(worker: Worker) -> int:
    until(lambda: worker.code is not None, lambda: worker.said)
    assert worker.code is not None
    return worker.code


def test_a_rebalance_ends_a_shards_long_wait(bench: Bench) -> None:
    first = bench.worker(wait_shard=0)
    until(lambda: first.owns() == ALL, lambda: first.said)
    bench.produce(300)
    until(lambda: bench.counted() > 0, lambda: first.said)
    second = bench.worker()  # waits for nothing
    until_shared([first, second])  # the wait alone lasts ten minutes
    assert first.stop() == ExitCode.OK
    bench.until_counted(300)
    until(bench.settled, lambda: second.said)
    assert second.stop() == ExitCode.OK
    assert bench.differences() == []


@pytest.mark.slow
def test_a_join_that_waits_for_a_hung_worker_is_no_stall_and_a_stop_meanwhile_ends_well(bench: Bench) -> None:
    bench.order.session_timeout_s, bench.order.stall_s = 30.0, 4.0
    first, second = bench.worker(), bench.worker()
    until_shared([first, second])
    second.signal(signal.SIGSTOP)
    third = bench.worker()  # the group is joined anew; for twenty seconds the broker waits for the second
    until(third.begun, lambda: third.said)
    time.sleep(2 * bench.order.stall_s)
    assert first.code is None, first.said
    assert not third.owns(), "the broker did not wait: make the session longer"
    assert first.stop() == ExitCode.OK
    until(lambda: third.owns() == ALL, lambda: third.said)


@pytest.mark.slow
def test_workers_joining_and_leaving_in_a_storm_stall_no_shard(bench: Bench) -> None:
    bench.order.stall_s = 5.0
    resident = bench.worker()
    producing = bench.produce_aside(6_000, 400)
    leaving = []
    while producing.is_alive():
        guest = bench.worker()
        until(guest.begun, lambda: guest.said)  # noqa: B023 - called at once
        time.sleep(random.uniform(0.0, 2.0))  # in the join, in the takeover, or at work
        leaving.append(guest.stop())
    bench.until_counted(6_000)
    until(bench.settled, lambda: resident.said)
    assert resident.stop() == ExitCode.OK
    assert set(leaving) == {ExitCode.OK}
    assert bench.differences() == []


def test_the_learners_partition_moves_to_the_worker_that_remains(bench: Bench) -> None:
    first, second = bench.worker(), bench.worker()
    until_shared([first, second])
    one = "LEARNER runs" in first.said
    owner, other = (first, second) if one else (second, first)
    before = other.said.count("LEARNER runs")
    owner.process.kill()
    until(lambda: other.said.count("LEARNER runs") > before, lambda: other.said)


def test_the_committed_offset_is_the_fence_when_a_worker_stops_right_after_its_last_write(bench: Bench) -> None:
    for begun in range(0, 2_500, 500):
        worker = bench.worker()
        bench.produce(500, first=begun)
        bench.until_counted(begun + 500)
        assert worker.stop() == ExitCode.OK
        if "the last offsets were not committed in time" not in worker.said:  # a second, and a broker may take longer
            break
    next_offsets = {shard: body.next_offset for shard in ALL if (body := bench.body(shard))}
    assert asyncio.run(bench.committed()) == next_offsets


def test_on_either_broker_two_workers_share_the_shards(
    broker: Broker, redis_url: str, redis_app: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    transactions = "kafka" in request.node.callspec.params["broker"]
    bench = Bench.create(broker.bootstrap_servers, redis_url, redis_app, tmp_path, len(ALL), transactions=transactions)
    try:
        workers = [bench.worker(), bench.worker()]
        until_shared(workers)
        bench.produce(600)
        bench.until_counted(600)
        until(bench.settled, lambda: workers[0].said)
        assert bench.differences(duplicates=not transactions) == []
    finally:
        bench.end()


# -- outages


def test_a_takeover_waits_for_redis_and_goes_on_when_it_is_back(
    kafka: ApacheKafka, own_redis: EmbeddedRedis, redis_app: str, tmp_path: Path
) -> None:
    bench = Bench.create(kafka.bootstrap_servers, own_redis.url, redis_app, tmp_path, len(ALL))
    try:
        bench.produce(200)
        own_redis.kill()
        worker = bench.worker()
        until(lambda: "reading the meta" in worker.said, lambda: worker.said)
        own_redis.restart()
        bench.until_counted(200)
        assert worker.stop() == ExitCode.OK
    finally:
        bench.end()


@pytest.mark.slow
def test_a_worker_outlives_its_broker(own_kafka: ApacheKafka, redis_url: str, redis_app: str, tmp_path: Path) -> None:
    bench = Bench.create(own_kafka.bootstrap_servers, redis_url, redis_app, tmp_path, len(ALL))
    try:
        worker = bench.worker()
        bench.produce(1_000)
        until(lambda: bench.counted() > 100, lambda: worker.said)
        own_kafka.kill()
        time.sleep(2)
        own_kafka.restart()
        bench.until_counted(1_000)
        bench.produce(500, first=1_000)
        bench.until_counted(1_500)
        until(bench.settled, lambda: worker.said)
        assert worker.stop() == ExitCode.OK
        assert bench.differences() == []
    finally:
        bench.end()


# -- exit codes


def counted_and_stopped(bench: Bench) -> None:
    worker = bench.worker()
    bench.produce(300)
    bench.until_counted(300)
    assert worker.stop() == ExitCode.OK


def lose_meta(bench: Bench) -> None:
    redis.Redis.from_url(bench.order.redis).delete(bench.key(1, "meta"))


def recreate_topic(bench: Bench) -> None:
    async def recreate(admin: AIOKafkaAdminClient) -> None:
        await admin.delete_topics([bench.order.input])
        async with asyncio.timeout(PATIENCE_S):
            while bench.order.input in await admin.list_topics():  # noqa: ASYNC110 - Kafka signals nothing
                await asyncio.sleep(0.1)
        made = await admin.create_topics([NewTopic(bench.order.input, len(ALL), 1)])
        assert [error[1] for error in made.topic_errors] == [0], made

    with_admin(bench, recreate)


def grow_topic(bench: Bench) -> None:
    async def grow(admin: AIOKafkaAdminClient) -> None:
        from aiokafka.admin import NewPartitions

        await admin.create_partitions({bench.order.input: NewPartitions(total_count=len(ALL) + 1)})

    with_admin(bench, grow)


def truncate_log(bench: Bench) -> None:
    bench.produce(300, first=300)

    async def truncate(admin: AIOKafkaAdminClient) -> None:
        body = bench.body(0)
        assert body is not None
        await admin.delete_records({TopicPartition(bench.order.input, 0): RecordsToDelete(body.next_offset + 5)})

    with_admin(bench, truncate)


def with_admin(bench: Bench, work: Callable[[Any], Any]) -> None:
    async def run() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=bench.order.bootstrap)
        await admin.start()
        try:
            await work(admin)
        finally:
            await admin.close()

    asyncio.run(run())


@pytest.mark.parametrize("damage", [recreate_topic, grow_topic])
def test_a_takeover_of_another_topic_ends_with_its_code(bench: Bench, damage: Callable[[Bench], None]) -> None:
    counted_and_stopped(bench)
    damage(bench)
    worker = bench.worker()
    assert until_ended(worker) == ExitCode.TOPIC_CHANGED
    assert "remedy" in worker.said


@pytest.mark.parametrize(
    ("damage", "shard", "told"),
    [(lose_meta, 1, "parked, the others go on: MetaMissing"), (truncate_log, 0, "LogTruncated")],
)
def test_a_shard_whose_takeover_would_skip_something_is_parked_and_the_others_go_on(
    bench: Bench, damage: Callable[[Bench], None], shard: int, told: str
) -> None:
    counted_and_stopped(bench)
    damage(bench)
    worker = bench.worker()
    until(lambda: told in worker.said and worker.owns() == ALL - {shard}, lambda: worker.said)
    assert "remedy" in worker.said
    stood = bench.body(shard)
    others = {other: bench.number(other) for other in ALL - {shard}}
    bench.produce(300, first=1_000)
    until(lambda: all(bench.number(n) > number for n, number in others.items()), lambda: worker.said)
    assert bench.body(shard) == stood
    assert worker.stop() == ExitCode.OK


def test_a_restored_meta_is_taken_over_without_a_restart(bench: Bench) -> None:
    counted_and_stopped(bench)
    server = redis.Redis.from_url(bench.order.redis)
    kept: Any = server.dump(bench.key(1, "meta"))
    lose_meta(bench)
    worker = bench.worker()
    until(lambda: "parked, the others go on: MetaMissing" in worker.said, lambda: worker.said)
    bench.produce(300, first=300)
    server.restore(bench.key(1, "meta"), 0, kept)
    bench.until_counted(600)
    until(bench.settled, lambda: worker.said)
    assert worker.stop() == ExitCode.OK
    assert bench.differences() == []


def test_a_redis_that_went_back_ends_the_worker_at_its_next_write(bench: Bench) -> None:
    worker = bench.worker()
    bench.produce(300)
    bench.until_counted(300)
    until(bench.settled, lambda: worker.said)
    for shard in ALL:
        redis.Redis.from_url(bench.order.redis).hincrby(bench.key(shard, "meta"), "number", -1)
    bench.produce(30, first=300)
    assert until_ended(worker) == ExitCode.STORE_WENT_BACK


def test_a_takeover_longer_than_the_request_timeout_ends_no_worker(bench: Bench) -> None:
    worker = bench.worker(check_delay_s=9, request_timeout_s=5.0)
    bench.produce(100)
    bench.until_counted(100)
    assert worker.stop() == ExitCode.OK


def test_a_takeover_that_hangs_is_parked_and_tried_again(bench: Bench) -> None:
    worker = bench.worker(check_delay_s=60, step_s=2.0)
    parked = re.compile(r"(\d+) is parked, the others go on: TakeoverFailed")
    until(lambda: {int(shard) for shard in parked.findall(worker.said)} == ALL, lambda: worker.said)
    assert worker.stop() == ExitCode.OK


def test_a_shard_that_neither_waits_nor_works_ends_the_worker(bench: Bench) -> None:
    worker = bench.worker(stall_shard=1, stall_s=2.0)
    bench.produce(300)
    assert until_ended(worker) == ExitCode.STALLED


def test_a_main_loop_that_raises_parks_its_shard_and_skips_nothing(bench: Bench) -> None:
    worker = bench.worker()
    until(lambda: worker.owns() == ALL, lambda: worker.said)
    bench.produce_one(b"no number")
    until(lambda: "in 0 is parked, the others go on: ShardFailed" in worker.said, lambda: worker.said)
    assert "ValueError" in worker.said
    stood = bench.body(0)
    others = {other: bench.number(other) for other in ALL - {0}}
    bench.produce(300)
    until(lambda: all(bench.number(n) > number for n, number in others.items()), lambda: worker.said)
    assert bench.body(0) == stood
    assert worker.stop() == ExitCode.OK


def test_a_worker_waits_for_a_broker_that_is_not_there_yet(
    own_kafka: ApacheKafka, redis_url: str, redis_app: str, tmp_path: Path
) -> None:
    bench = Bench.create(own_kafka.bootstrap_servers, redis_url, redis_app, tmp_path, len(ALL))
    try:
        bench.produce(200)
        own_kafka.stop()
        worker = bench.worker()
        until(lambda: "connecting to Kafka" in worker.said, lambda: worker.said)
        own_kafka.restart()
        bench.until_counted(200)
        assert worker.stop() == ExitCode.OK
    finally:
        bench.end()


def test_a_worker_that_waits_for_its_broker_can_be_stopped(redis_url: str, redis_app: str, tmp_path: Path) -> None:
    order = Order(app=redis_app, bootstrap="127.0.0.1:1", redis=redis_url, input="in", learner="learner")
    worker = Worker(order, tmp_path / "worker.log")
    try:
        until(lambda: "connecting to Kafka" in worker.said, lambda: worker.said)
        assert worker.stop() == ExitCode.OK
    finally:
        worker.process.kill()
