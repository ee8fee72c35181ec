"""Topics and brokers that take smaller batches than we would send."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from models.outputs import DeadLetter, as_text, encode
from models.touchpoints import Rejected, event, limits, read
from streams.bootstrap.preflight import preflight
from streams.client import TouchpointPublisher
from streams.config import load
from streams.errors import TopicUnfit
from streams.history.replay import TapeRecord, replay
from streams.kafka.access import BrokerRefused
from streams.kafka.admin import TopicAdmin
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.security import KafkaConnection
from streams.kafka.tails import TailReader
from streams.kafka.topic_reader import TopicReader
from streams.kafka.topics import MESSAGE_BYTES, TopicSpec, specs
from streams.outbox.batch_sizes import LARGEST_ENTRY, RECORD_BYTES, EntryTooLarge
from streams.outbox.entry import Entry
from streams.outbox.kafka_publisher import KafkaPublisher, PublisherSettings
from tests.support.servers import ApacheKafka

SMALL = 20_000
ENTRIES = 100


def a_topic(kafka: ApacheKafka, name: str, most: int = SMALL) -> str:
    with TopicAdmin(KafkaConnection(kafka.bootstrap_servers)) as admin:
        admin.create([TopicSpec("triggers", name, 1, 1, {MESSAGE_BYTES: str(most), "retention.ms": "-1"})])
    return name


def allow(kafka: ApacheKafka, topic: str, most: int) -> None:
    with TopicAdmin(KafkaConnection(kafka.bootstrap_servers)) as admin:
        admin._client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, {MESSAGE_BYTES: str(most), "retention.ms": "-1"})]
        )


def entries(size: int = 1_000, count: int = ENTRIES) -> list[Entry]:
    return [Entry("triggers", 0, n, f"id-{n}", b"anna", b"x" * size, 1_000) for n in range(1, count + 1)]


def values(kafka: ApacheKafka, topic: str, fewest: int = 0) -> list[bytes]:
    """What can be read; waits for so many: the marker of a transaction comes after the answer to its commit."""
    deadline = time.monotonic() + 60
    with TopicReader(KafkaConnection(kafka.bootstrap_servers), topic) as reader:
        while len(found := reader.last(0)) < fewest and time.monotonic() < deadline:
            time.sleep(0.1)
    return [read.value for read in found]


async def sent(kafka: ApacheKafka, topic: str, what: list[Entry], limits: dict[str, int]) -> list[str]:
    """Send as `Outgoing` does, again and again; the refusals meanwhile."""
    tails = TailReader(KafkaConnection(kafka.bootstrap_servers))
    settings = PublisherSettings(KafkaConnection(kafka.bootstrap_servers), {"triggers": topic}, limits)
    publisher = KafkaPublisher(settings, 0, tails, topic)
    refusals: list[str] = []
    try:
        while True:
            await publisher.start()
            try:
                await publisher.send(what)
                return refusals
            except EntryTooLarge:
                raise
            except KafkaUnavailable as error:
                refusals.append(str(error))
    finally:
        await publisher.stop()
        await tails.close()


def test_batches_fit_a_topic_that_is_known_to_take_small_ones(kafka: ApacheKafka, redis_app: str) -> None:
    topic = a_topic(kafka, redis_app)
    assert asyncio.run(sent(kafka, topic, entries(), {topic: SMALL})) == []
    assert len(values(kafka, topic, ENTRIES)) == ENTRIES


def test_batches_shrink_when_a_topic_takes_less_than_was_known(kafka: ApacheKafka, redis_app: str) -> None:
    topic = a_topic(kafka, redis_app)
    refusals = asyncio.run(sent(kafka, topic, entries(), {}))
    assert 1 <= len(refusals) <= 5
    assert f"topic {topic} takes no batch of" in refusals[0]
    assert len(values(kafka, topic, ENTRIES)) == ENTRIES, "nothing of what was refused became public, and nothing twice"


def test_a_record_that_is_too_large_alone_is_named_with_the_remedy_and_goes_when_the_topic_takes_it(
    kafka: ApacheKafka, redis_app: str
) -> None:
    topic = a_topic(kafka, redis_app)
    with pytest.raises(EntryTooLarge, match=rf"{topic} takes no batch of 30,.*one record: raise max.message.bytes"):
        asyncio.run(sent(kafka, topic, entries(30_000, 1), {topic: SMALL}))
    allow(kafka, topic, 40_000)
    assert asyncio.run(sent(kafka, topic, entries(30_000, 1), {topic: SMALL})) == []
    assert len(values(kafka, topic, 1)) == 1


def test_a_worker_is_refused_an_output_that_does_not_take_its_largest_record(
    kafka: ApacheKafka, redis_app: str
) -> None:
    config = load(bootstrap_servers=kafka.bootstrap_servers, app=redis_app, topic_prefix=redis_app, partitions=1)
    with TopicAdmin(KafkaConnection(kafka.bootstrap_servers)) as admin:
        admin.create(specs(config))
    allow(kafka, f"{redis_app}.deadletters", SMALL)
    with pytest.raises(TopicUnfit, match=rf"{redis_app}.deadletters has max.message.bytes=20000.*kafka-configs.sh"):
        asyncio.run(preflight(config))


def worst_records() -> Iterator[bytes]:
    """Whose dead letters are the largest: as long as an event may be, and with long names, all of which must be
    escaped."""
    head = {"type": "\u0001" * limits.MAX_EVENT_ID, "id": "\u0001" * limits.MAX_EVENT_ID, "subject": "\U0001f600" * 128}
    whole = json.dumps({**head, "pad": ""})
    yield json.dumps({**head, "pad": "x" * (limits.MAX_EVENT_BYTES - len(whole))}).encode()
    yield b"{" * limits.MAX_EVENT_BYTES


@pytest.mark.parametrize("value", list(worst_records()), ids=["long names", "no JSON"])
def test_no_dead_letter_is_larger_than_what_is_asked_of_its_topic(value: bytes) -> None:
    assert len(value) == limits.MAX_EVENT_BYTES
    key = ("\U0001f600" * 128).encode()
    told = read(value, key, 0)
    assert isinstance(told, Rejected)
    names = (told.customer, told.type, told.event_id)
    letter = DeadLetter(
        told.code, told.reason, "t" * 249, 99_999, 1 << 60, 1 << 50, len(value), as_text(value), as_text(key), *names
    )
    assert len(encode(letter)) + len(key) + 2 * RECORD_BYTES < LARGEST_ENTRY["deadletters"]


def purchase(number: int) -> bytes:
    data = {"amount": 1.0}
    return event("purchase", id=f"o-{number}", source="shop", subject="anna", time_ms=1_700_000_000_000, data=data)


def test_a_replay_fits_its_batches_to_the_topic_and_names_a_record_that_is_too_large(
    kafka: ApacheKafka, redis_app: str
) -> None:
    topic = a_topic(kafka, redis_app)
    records = [TapeRecord(0, 1_700_000_000_000 + n, b"anna", purchase(n)) for n in range(500)]
    asyncio.run(replay(KafkaConnection(kafka.bootstrap_servers), topic, records, batch_bytes=SMALL))
    assert len(values(kafka, topic)) == 500
    large = [TapeRecord(0, 1_700_000_000_000, b"anna", b"x" * 30_000)]
    with pytest.raises(BrokerRefused, match=f"{topic} takes no record as large"):
        asyncio.run(replay(KafkaConnection(kafka.bootstrap_servers), topic, large, batch_bytes=SMALL))


def test_a_publisher_of_touchpoints_splits_what_the_topic_does_not_take_in_one(
    kafka: ApacheKafka, redis_app: str
) -> None:
    topic = a_topic(kafka, redis_app)
    with TouchpointPublisher(kafka.bootstrap_servers, topic) as publisher:
        for number in range(500):
            publisher.publish(purchase(number))
        assert publisher.flush().sent == 500
    assert values(kafka, topic) == [purchase(number) for number in range(500)]
