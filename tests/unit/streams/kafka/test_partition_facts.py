"""What a broker says of a topic, errors included: no error is a topic that was made anew."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.errors import KafkaError, LeaderNotAvailableError, TopicAuthorizationFailedError

from streams.kafka.access import KafkaRightMissing
from streams.kafka.errors import KafkaUnavailable, kafka_call
from streams.kafka.partition_facts import TopicDirectory, TopicIdentity
from streams.kafka.security import KafkaConnection

NO_ID = "00000000-0000-0000-0000-000000000000"


def directory(code: int, partitions: int, topic_id: str) -> TopicDirectory:
    """Its broker answers so."""
    made = TopicDirectory(KafkaConnection("nowhere:1"), "test", 1.0)
    answer: dict[str, Any] = {
        "name": "input",
        "error_code": code,
        "topic_id": topic_id,
        "partitions": [{"partition_index": n} for n in range(partitions)],
    }
    made._admin = SimpleNamespace(describe_topics=lambda names: [answer], close=lambda: None)
    return made


def test_a_topic_is_known_by_its_id_and_partitions() -> None:
    assert asyncio.run(directory(0, 3, "abc").describe(["input"])) == {"input": TopicIdentity("abc", 3)}


def test_a_topic_that_nobody_knows_has_no_partitions() -> None:
    assert asyncio.run(directory(3, 0, NO_ID).describe(["input"])) == {"input": TopicIdentity(NO_ID, 0)}


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [(5, LeaderNotAvailableError, KafkaUnavailable), (29, TopicAuthorizationFailedError, KafkaRightMissing)],
)
def test_an_error_of_the_answer_is_told_as_what_it_is(
    code: int, error: type[KafkaError], told: type[Exception]
) -> None:
    with pytest.raises(error):
        asyncio.run(directory(code, 0, NO_ID).describe(["input"]))

    async def as_a_takeover_asks() -> None:
        async with kafka_call(KafkaConnection("nowhere:1"), "asking for the log's bounds", "Describe"):
            await directory(code, 0, NO_ID).describe(["input"])

    with pytest.raises(told):
        asyncio.run(as_a_takeover_asks())
