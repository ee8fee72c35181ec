"""One suite for every publisher: the fake, Apache Kafka with transactions, and the plain one on both brokers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.kafka.errors import KafkaUnavailable, ProducerFenced
from streams.kafka.security import KafkaConnection
from streams.kafka.tails import TailReader
from streams.kafka.transactions import supports_transactions
from streams.outbox.entry import Destination, Entry
from streams.outbox.fake import Failure, FakeLog, FakePublisher
from streams.outbox.kafka_publisher import KafkaPublisher, PlainPublisher, PublisherSettings
from streams.outbox.port import Publisher
from tests.support.servers import Broker

_fresh = itertools.count()
TRIGGERS, LOOPBACK = Destination("triggers", 0), Destination("touchpoints", 1)


def entry(count: int, destination: Destination = TRIGGERS, *, size: int = 5, time: int = 1_000) -> Entry:
    value = b"v%d" % count
    return Entry(*destination, count, f"id-{count}", b"anna", value.ljust(size, b"."), time)


@dataclass
class Bench:
    """Makes publishers of one application, and reads what a reader of the topics sees."""

    make: Callable[[int], Publisher]
    read: Callable[[Destination], Awaitable[list[tuple[int, str, bytes]]]]
    bootstrap: str = ""
    topics: dict[str, str] = field(default_factory=dict)
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def run(self, scenario: Callable[[Bench], Awaitable[None]]) -> None:
        async def whole() -> None:
            try:
                await scenario(self)
            finally:
                for close in self.closing:
                    await close()

        asyncio.run(asyncio.wait_for(whole(), 180))


def fake_bench() -> Bench:
    log = FakeLog()

    async def read(destination: Destination) -> list[tuple[int, str, bytes]]:
        return [(e.sequence, e.id, e.value) for e in log.entries(destination)]

    return Bench(lambda shard: FakePublisher(log, shard), read)


def kafka_bench(bootstrap: str, *, transactional: bool) -> Bench:
    app = f"publisher-contract-{next(_fresh)}"
    topics = {"triggers": f"{app}-triggers", "touchpoints": f"{app}-touchpoints"}
    asyncio.run(create_topics(bootstrap, topics.values()))
    settings = PublisherSettings(KafkaConnection(bootstrap), topics)
    tails: list[TailReader] = []  # made inside the test's loop
    started: list[Publisher] = []

    def make(shard: int) -> Publisher:
        if not tails:
            tails.append(TailReader(KafkaConnection(bootstrap), committed=transactional))
        publisher: Publisher
        if transactional:
            publisher = KafkaPublisher(settings, shard, tails[0], f"{app}-{shard}")
        else:
            publisher = PlainPublisher(settings, shard, tails[0])
        started.append(publisher)
        return publisher

    async def read(destination: Destination) -> list[tuple[int, str, bytes]]:
        records = await read_all(bootstrap, topics[destination.topic], destination.partition)
        return [(int(dict(r.headers)["count"]), dict(r.headers)["id"].decode(), r.value) for r in records]

    async def close() -> None:
        for publisher in started:
            await publisher.stop()
        for reader in tails:
            await reader.close()

    return Bench(make, read, bootstrap, topics, [close])


async def create_topics(bootstrap: str, names: Any) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1) for name in names])
    await admin.close()
    await asyncio.sleep(0.3)


async def read_all(bootstrap: str, topic: str, partition: int) -> list[Any]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        tp = TopicPartition(topic, partition)
        # Not the consumer's own end: the marker of a transaction comes after the answer to its commit.
        tails = TailReader(KafkaConnection(bootstrap), committed=False)
        end = (await tails.high_watermarks([tp]))[tp]
        await tails.close()
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        records: list[Any] = []
        while await consumer.position(tp) < end:
            records += (await consumer.getmany(tp, timeout_ms=100)).get(tp, [])
        return records
    finally:
        await consumer.stop()


ON_KAFKA = [pytest.param(name, marks=pytest.mark.kafka) for name in ("kafka", "plain on kafka")]


@pytest.fixture(params=["fake", *ON_KAFKA, "plain on tansu"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "fake":
        yield fake_bench()
    else:
        broker: Broker = request.getfixturevalue("tansu" if "tansu" in request.param else "kafka")
        yield kafka_bench(broker.bootstrap_servers, transactional=request.param == "kafka")


def test_what_is_sent_is_public_in_order_in_every_destination(bench: Bench) -> None:
    async def scenario(bench: Bench) -> None:
        publisher = bench.make(0)
        await publisher.start()
        await publisher.send([entry(1), entry(1, LOOPBACK), entry(2), entry(3)])
        await publisher.send([entry(4), entry(2, LOOPBACK)])
        assert [count for count, _, _ in await bench.read(TRIGGERS)] == [1, 2, 3, 4]
        assert [(c, i) for c, i, _ in await bench.read(LOOPBACK)] == [(1, "id-1"), (2, "id-2")]

    bench.run(scenario)


def test_entries_beyond_one_batch_stay_in_order(bench: Bench) -> None:
    async def scenario(bench: Bench) -> None:
        publisher = bench.make(0)
        await publisher.start()
        entries = [entry(n, size=9_000) for n in range(1, 101)] + [entry(101, size=500_000), entry(102)]
        await publisher.send(entries)
        assert [(c, v) for c, _, v in await bench.read(TRIGGERS)] == [(e.sequence, e.value) for e in entries]

    bench.run(scenario)


def test_sending_nothing_is_nothing(bench: Bench) -> None:
    async def scenario(bench: Bench) -> None:
        publisher = bench.make(0)
        await publisher.start()
        await publisher.send([])
        assert await publisher.public({TRIGGERS: 1}) == {}

    bench.run(scenario)


def test_public_tells_the_entries_from_a_count_on_and_always_the_last_one(bench: Bench) -> None:
    async def scenario(bench: Bench) -> None:
        publisher = bench.make(0)
        await publisher.start()
        for n in range(1, 8):
            await publisher.send([entry(n)])
        assert await publisher.public({TRIGGERS: 6}) == {TRIGGERS: [(6, "id-6"), (7, "id-7")]}
        assert await publisher.public({TRIGGERS: 1}) == {TRIGGERS: [(n, f"id-{n}") for n in range(1, 8)]}
        assert await publisher.public({TRIGGERS: 99, LOOPBACK: 1}) == {TRIGGERS: [(7, "id-7")]}

    bench.run(scenario)


def test_public_finds_an_own_entry_far_behind_those_of_another_sender(bench: Bench) -> None:
    async def scenario(bench: Bench) -> None:
        mine, other = bench.make(0), bench.make(1)
        await mine.start()
        await other.start()
        await mine.send([entry(1, LOOPBACK)])
        await other.send([entry(n, LOOPBACK) for n in range(1, 1_001)])
        assert await mine.public({LOOPBACK: 1}) == {LOOPBACK: [(1, "id-1")]}
        assert (await other.public({LOOPBACK: 1_000})) == {LOOPBACK: [(1_000, "id-1000")]}

    bench.run(scenario)


def test_public_steps_back_over_transaction_markers(bench: Bench) -> None:
    async def scenario(bench: Bench) -> None:
        publisher = bench.make(0)
        await publisher.start()
        await publisher.send([entry(1)])
        for _ in range(60):  # each leaves a marker in the trigger partition, and no record
            if isinstance(publisher, KafkaPublisher):
                await abort_one(publisher, bench)
        assert await publisher.public({TRIGGERS: 1}) == {TRIGGERS: [(1, "id-1")]}

    bench.run(scenario)


async def abort_one(publisher: KafkaPublisher, bench: Bench) -> None:
    producer = publisher._started()
    await producer.begin_transaction()
    await producer.send_and_wait(bench.topics["triggers"], b"never", partition=0)
    await producer.abort_transaction()


def test_a_stopped_publisher_is_unavailable_until_it_is_started_again(bench: Bench) -> None:
    async def scenario(bench: Bench) -> None:
        publisher = bench.make(0)
        await publisher.start()
        await publisher.send([entry(1)])
        await publisher.stop()
        with pytest.raises(KafkaUnavailable, match="start"):
            await publisher.send([entry(2)])
        await publisher.start()
        await publisher.send([entry(2)])
        assert [count for count, _, _ in await bench.read(TRIGGERS)] == [1, 2]
        await publisher.stop()
        await publisher.stop()

    bench.run(scenario)


def test_a_newer_owner_fences_the_older_one_and_only_in_its_own_shard(bench: Bench) -> None:
    async def scenario(bench: Bench) -> None:
        older, newer, neighbour = bench.make(0), bench.make(0), bench.make(1)
        if not older.transactional:
            pytest.skip("only transactions fence")
        await older.start()
        await neighbour.start()
        await older.send([entry(1)])
        await newer.start()
        with pytest.raises(ProducerFenced):
            await older.send([entry(2)])
        await newer.send([entry(2)])
        await neighbour.send([entry(1, LOOPBACK)])
        assert [count for count, _, _ in await bench.read(TRIGGERS)] == [1, 2]

    bench.run(scenario)


@pytest.mark.parametrize("failure", list(Failure))
def test_after_a_failed_send_the_tail_tells_what_is_missing(failure: Failure) -> None:
    async def scenario(bench: Bench) -> None:
        publisher = bench.make(0)
        assert isinstance(publisher, FakePublisher)
        await publisher.start()
        await publisher.send([entry(1)])
        publisher.failures.append(failure)
        with pytest.raises(KafkaUnavailable):
            await publisher.send([entry(2), entry(3)])
        await publisher.start()
        public = {count for count, _ in (await publisher.public({TRIGGERS: 2}))[TRIGGERS]}
        await publisher.send([entry(n) for n in (2, 3) if n not in public])
        assert [count for count, _, _ in await bench.read(TRIGGERS)] == [1, 2, 3]

    fake_bench().run(scenario)


# -- only on Apache Kafka


def test_an_open_transaction_of_the_former_owner_is_aborted_by_the_next_start(kafka: Broker) -> None:
    async def scenario(bench: Bench) -> None:
        older, newer = bench.make(0), bench.make(0)
        assert isinstance(older, KafkaPublisher)
        await older.start()
        producer = older._started()
        await producer.begin_transaction()
        await producer.send_and_wait(bench.topics["triggers"], b"half", partition=0)
        await newer.start()
        await newer.send([entry(1)])
        assert [count for count, _, _ in await bench.read(TRIGGERS)] == [1]

    kafka_bench(kafka.bootstrap_servers, transactional=True).run(scenario)


def test_an_entry_behind_another_senders_open_transaction_counts_as_public(kafka: Broker) -> None:
    """At read_committed it is hidden until that transaction ends; taken for missing it would be published twice."""

    async def scenario(bench: Bench) -> None:
        mine, other = bench.make(0), bench.make(1)
        assert isinstance(other, KafkaPublisher)
        await mine.start()
        await other.start()
        producer = other._started()
        await producer.begin_transaction()
        await producer.send_and_wait(bench.topics["touchpoints"], b"open", partition=1)
        await mine.send([entry(1, LOOPBACK)])
        asked = asyncio.ensure_future(mine.public({LOOPBACK: 1}))
        await asyncio.sleep(0.5)
        assert not asked.done()
        await producer.abort_transaction()
        assert await asked == {LOOPBACK: [(1, "id-1")]}

    kafka_bench(kafka.bootstrap_servers, transactional=True).run(scenario)


def test_a_transaction_with_a_refused_batch_is_not_committed(kafka: Broker) -> None:
    """aiokafka by itself commits the rest: a count would be missing for ever."""

    async def scenario(bench: Bench) -> None:
        publisher = bench.make(0)
        await publisher.start()
        with pytest.raises(KafkaUnavailable, match="takes no batch of 2,000,"):
            await publisher.send([entry(1, LOOPBACK), entry(1, size=2_000_000), entry(2)])
        await publisher.start()
        assert await bench.read(TRIGGERS) == []
        assert await bench.read(LOOPBACK) == []

    kafka_bench(kafka.bootstrap_servers, transactional=True).run(scenario)


def test_the_entrys_time_is_the_records_timestamp_only_in_replay(kafka: Broker) -> None:
    async def scenario(bench: Bench) -> None:
        for keep_time in (False, True):
            tails = TailReader(KafkaConnection(bench.bootstrap))
            settings = PublisherSettings(KafkaConnection(bench.bootstrap), bench.topics, keep_time=keep_time)
            publisher = KafkaPublisher(settings, 0, tails, "times")
            await publisher.start()
            await publisher.send([entry(1, time=1_234_567)])
            await publisher.stop()
            await tails.close()
        live, replayed = await read_all(bench.bootstrap, bench.topics["triggers"], 0)
        assert live.timestamp > 1_700_000_000_000
        assert replayed.timestamp == 1_234_567

    kafka_bench(kafka.bootstrap_servers, transactional=True).run(scenario)


def test_brokers_are_asked_whether_they_know_transactions(kafka: Broker, tansu: Broker) -> None:
    async def scenario() -> None:
        assert await supports_transactions(KafkaConnection(kafka.bootstrap_servers), "probe")
        assert not await supports_transactions(KafkaConnection(tansu.bootstrap_servers), "probe")
        nobody = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1")
        await nobody.stop()
        with pytest.raises(KafkaUnavailable):
            await supports_transactions(KafkaConnection("127.0.0.1:1"), "probe", timeout_s=3)

    asyncio.run(scenario())
