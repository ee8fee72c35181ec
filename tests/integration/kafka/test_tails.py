"""The tails of many shards on a real broker: quickly, each by itself, and after a start that was cancelled."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from streams.kafka import log_requests
from streams.kafka.admin import TopicAdmin
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.security import KafkaConnection
from streams.kafka.tails import TailReader
from streams.kafka.topics import TopicSpec
from tests.support.servers import ApacheKafka


def published(kafka: ApacheKafka, topic: str, shards: int, entries: int, size: int = 10) -> str:
    """A topic in which each shard has published so many entries to its own partition."""
    with TopicAdmin(KafkaConnection(kafka.bootstrap_servers)) as admin:
        admin.create([TopicSpec("triggers", topic, shards, 1, {})])

    async def publish() -> None:
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, acks="all", linger_ms=5) as producer:
            for shard in range(shards):
                for n in range(1, entries + 1):
                    last = await producer.send(topic, b"v" * size, partition=shard, headers=headers(shard, n))
            await producer.flush()
            await last

    asyncio.run(publish())
    return topic


def headers(sender: int, n: int) -> list[tuple[str, bytes]]:
    return [("count", str(n).encode()), ("id", b"id-%d" % n), ("sender", str(sender).encode())]


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.003, 0.006])
def test_a_reading_that_is_cancelled_in_its_first_start_does_not_harm_the_next(
    kafka: ApacheKafka, redis_app: str, after_s: float
) -> None:
    topic = published(kafka, redis_app, 1, 3)

    async def scenario() -> Any:
        tails, tp = TailReader(KafkaConnection(kafka.bootstrap_servers)), TopicPartition(topic, 0)
        first = asyncio.ensure_future(tails.read(0, {tp: 3}))
        await asyncio.sleep(after_s)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        try:
            return await tails.read(0, {tp: 3})
        finally:
            await tails.close()

    assert asyncio.run(scenario()) == {TopicPartition(topic, 0): [(3, "id-3")]}


def test_sixty_tails_are_read_together_and_wait_for_nothing(
    kafka: ApacheKafka, redis_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second for each that is waited for: Kafka is asked for no bytes, and answers at once."""
    monkeypatch.setattr(log_requests, "WAIT_MS", 1_000)
    topic = published(kafka, redis_app, 60, 3)

    async def scenario() -> float:
        tails = TailReader(KafkaConnection(kafka.bootstrap_servers))
        begun = time.monotonic()
        try:
            read = [tails.read(shard, {TopicPartition(topic, shard): 2}) for shard in range(60)]
            found = await asyncio.gather(*read)
        finally:
            await tails.close()
        assert found == [{TopicPartition(topic, n): [(2, "id-2"), (3, "id-3")]} for n in range(60)]
        return time.monotonic() - begun

    assert asyncio.run(scenario()) < 60 * 1.0 / 2


def test_a_tail_behind_an_open_transaction_holds_up_no_other(kafka: ApacheKafka, redis_app: str) -> None:
    topic = published(kafka, redis_app, 3, 3)

    async def scenario() -> None:
        tails = TailReader(KafkaConnection(kafka.bootstrap_servers))
        async with AIOKafkaProducer(
            bootstrap_servers=kafka.bootstrap_servers, transactional_id=f"{redis_app}-crm"
        ) as crm:
            await crm.begin_transaction()
            await crm.send_and_wait(topic, b"open", partition=1)
            held = asyncio.ensure_future(tails.read(1, {TopicPartition(topic, 1): 3}))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(25):  # the third waits for thirty seconds
                for shard in (0, 2):
                    assert await tails.read(shard, {TopicPartition(topic, shard): 3})
            assert not held.done(), "what is behind the open transaction is not known yet"
            await crm.abort_transaction()
        assert await held == {TopicPartition(topic, 1): [(3, "id-3")]}
        await tails.close()

    asyncio.run(scenario())


def test_a_partition_whose_broker_says_nothing_holds_up_no_other(
    kafka: ApacheKafka, redis_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker is a socket that takes connections and never answers, and leads partition 1."""
    silence_s = 8.0
    monkeypatch.setattr(log_requests, "REQUEST_S", silence_s)
    topic = published(kafka, redis_app, 3, 3)

    async def scenario() -> None:
        silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        tails = TailReader(KafkaConnection(kafka.bootstrap_servers))
        assert await tails.log_ends([TopicPartition(topic, 0)])
        cluster = tails._requests._metadata.cluster
        leader, address = cluster.leader_for_partition, cluster.broker_metadata
        cluster.leader_for_partition = lambda tp: 99 if tp.partition == 1 else leader(tp)
        cluster.broker_metadata = lambda node: (
            SimpleNamespace(host="127.0.0.1", port=port) if node == 99 else address(node)
        )
        begun = time.monotonic()
        lost = [asyncio.ensure_future(tails.read(1, {TopicPartition(topic, 1): 3})) for _ in range(20)]
        await asyncio.sleep(0.05)
        for shard in (0, 2):
            assert await tails.read(shard, {TopicPartition(topic, shard): 3})
        assert not any(one.done() for one in lost)
        told = await asyncio.gather(*lost, return_exceptions=True)
        assert all(isinstance(error, KafkaUnavailable) for error in told), told
        assert time.monotonic() - begun < 5 * silence_s, "who stood in the queue does not find out once more"
        ends = await tails.log_ends(TopicPartition(topic, shard) for shard in range(3))
        assert sorted(tp.partition for tp in ends) == [0, 2]
        await tails.close()
        silent.close()

    asyncio.run(scenario())


def test_a_long_tail_is_read_to_its_end_whatever_the_time(kafka: ApacheKafka, redis_app: str) -> None:
    """The limit is for a read that gets no further. Redis may have gone back by any number of entries."""
    topic = published(kafka, redis_app, 1, 600, size=100_000)
    limit_s, each_s = 2.5, 0.1  # of some fifty answers, so that all of them together take longer than the limit

    async def scenario() -> tuple[float, Any]:
        tails = TailReader(KafkaConnection(kafka.bootstrap_servers), timeout_s=limit_s)
        fetch = tails._requests.fetch

        async def slow(positions: Any) -> Any:
            await asyncio.sleep(each_s)
            return await fetch(positions)

        tails._requests.fetch = slow  # type: ignore[method-assign]  # a broker that takes its time
        begun = time.monotonic()
        try:
            found = await tails.read(0, {TopicPartition(topic, 0): 1})
        finally:
            await tails.close()
        return time.monotonic() - begun, found[TopicPartition(topic, 0)]

    seconds, found = asyncio.run(scenario())
    assert seconds > limit_s, "the tail is too short to show anything"
    assert [sequence for sequence, _ in found] == list(range(1, 601))


def test_a_broker_that_was_away_is_found_again(own_kafka: ApacheKafka, redis_app: str) -> None:
    topic = published(own_kafka, redis_app, 1, 3)

    async def scenario() -> None:
        tails, since = TailReader(KafkaConnection(own_kafka.bootstrap_servers)), {TopicPartition(topic, 0): 3}
        assert await tails.read(0, since)
        own_kafka.kill()
        with pytest.raises(KafkaUnavailable):
            await tails.read(0, since)
        await asyncio.to_thread(own_kafka.restart)
        async with asyncio.timeout(120):
            while True:
                try:
                    assert await tails.read(0, since) == {TopicPartition(topic, 0): [(3, "id-3")]}
                    break
                except KafkaUnavailable:
                    await asyncio.sleep(0.2)
        await tails.close()

    asyncio.run(scenario())


def test_a_reader_that_nobody_tells_who_leads_starts_anew(
    kafka: ApacheKafka, redis_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka's task that asks has ended: whoever waits for its answer would wait for ever."""
    look_s = log_requests.LOOK_S
    topic, other = published(kafka, redis_app, 1, 3), published(kafka, f"{redis_app}-b", 1, 3)

    async def scenario() -> None:
        tails = TailReader(KafkaConnection(kafka.bootstrap_servers))
        assert await tails.read(0, {TopicPartition(topic, 0): 3})
        tails._requests._metadata._sync_task.cancel()
        monkeypatch.setattr(log_requests, "LOOK_S", 0.3)
        with pytest.raises(KafkaUnavailable):
            await tails.read(0, {TopicPartition(other, 0): 3})
        monkeypatch.setattr(log_requests, "LOOK_S", look_s)
        assert await tails.read(0, {TopicPartition(other, 0): 3}) == {TopicPartition(other, 0): [(3, "id-3")]}
        await tails.close()

    asyncio.run(scenario())


def test_a_batch_that_is_damaged_on_the_brokers_disk_is_told(own_kafka: ApacheKafka, redis_app: str) -> None:
    """Its consumer tries it again for ever, and the shard looks as if it had nothing to do."""
    topic = published(own_kafka, redis_app, 2, 3)
    own_kafka.stop()
    [segment] = own_kafka.directory.rglob(f"{topic}-0/00000000000000000000.log")
    stored = bytearray(segment.read_bytes())
    stored[stored.rindex(b"vvvvvvvvvv")] ^= 1
    segment.write_bytes(stored)
    own_kafka.restart()

    async def scenario() -> None:
        tails = TailReader(KafkaConnection(own_kafka.bootstrap_servers))
        whole, damaged = TopicPartition(topic, 1), TopicPartition(topic, 0)
        assert sorted(await tails.log_ends([whole, damaged])) == [damaged, whole]
        told = await tails.unreadable({whole: 0, damaged: 0})
        assert list(told) == [damaged]
        assert "Invalid CRC" in told[damaged]
        await tails.close()

    asyncio.run(scenario())
