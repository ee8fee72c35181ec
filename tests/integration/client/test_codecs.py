"""Whatever codec a producer or a topic's `compression.type` chooses: every client of ours reads and writes it."""

from __future__ import annotations

from typing import Any

import pytest
from kafka import KafkaProducer

from streams.client import SettingRefused, TouchpointPublisher
from streams.kafka.admin import TopicAdmin
from streams.kafka.errors import CodecMissing
from streams.kafka.offsets_at_time import first_offsets
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import LOG_APPEND_TIME, TIMESTAMP_TYPE, TopicSpec
from tests.integration.client.conftest import ClientTopics, a_purchase, a_trigger, encoded
from tests.support.servers import ApacheKafka, Broker

CODECS = ["gzip", "snappy", "lz4", "zstd"]
EVENTS = 50  # some kilobytes: enough for a batch that is worth compressing


@pytest.mark.parametrize("codec", CODECS)
def test_what_a_publisher_compresses_is_read_by_every_reader(place: ClientTopics, codec: str) -> None:
    with TouchpointPublisher(place.servers, place.touchpoints, compression_type=codec) as publisher:
        for number in range(EVENTS):
            publisher.publish(a_purchase(number))
    assert sorted(read.value for read in place.read(place.touchpoints)) == sorted(map(a_purchase, range(EVENTS)))
    assert first_offsets(KafkaConnection(place.servers), place.touchpoints, 3, 0) == [0, 0, 0]


@pytest.mark.parametrize("codec", CODECS)
def test_triggers_in_a_topic_that_compresses_are_consumed(kafka: ApacheKafka, redis_app: str, codec: str) -> None:
    place = ClientTopics(kafka.bootstrap_servers, redis_app)
    settings = {"compression.type": codec, TIMESTAMP_TYPE: LOG_APPEND_TIME}
    with TopicAdmin(KafkaConnection(place.servers)) as admin:
        admin.create([TopicSpec("triggers", place.triggers, 1, 1, settings)])
    place.write(encoded(range(EVENTS)))
    with place.consumer() as consumer:
        assert list(consumer) == [a_trigger(number) for number in range(EVENTS)]


def test_a_codec_that_there_is_not_is_named_with_those_that_there_are(kafka: ApacheKafka, redis_app: str) -> None:
    place = ClientTopics(kafka.bootstrap_servers, redis_app).create()
    with pytest.raises(SettingRefused, match=r"compression_type='brotli'.*gzip, snappy, lz4, zstd"):
        TouchpointPublisher(place.servers, place.touchpoints, compression_type="brotli")


def test_a_codec_whose_library_is_missing_is_named_with_the_library(
    broker: Broker, redis_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on an installation that was put together by hand."""
    place = ClientTopics(broker.bootstrap_servers, redis_app).create()
    producer: Any = KafkaProducer(bootstrap_servers=place.servers, compression_type="zstd")
    producer.send(place.triggers, b"x" * 2_000, partition=0)
    producer.close()
    monkeypatch.setattr("kafka.codec.zstd", None)
    with pytest.raises(CodecMissing, match="zstandard"):
        TouchpointPublisher(place.servers, place.touchpoints, compression_type="zstd")
    with pytest.raises(CodecMissing, match=r"zstd.*zstandard"):
        place.read(place.triggers)
