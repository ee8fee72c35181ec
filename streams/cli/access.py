"""Reads what `retention customer ID --export` and `--erase-preview` tell, from Redis and from the topics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from models.customer.record import Record, unpack
from models.timeline.partitioning import partition_of
from streams.cli.options import echo
from streams.config import Config
from streams.errors import StateUnreadable
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.operations.access.places import ENGLISH, GERMAN, TOPICS
from streams.operations.access.where import places_of
from streams.operations.redis_access import store_of
from streams.operations.why.index import TopicIndex
from streams.operations.why.indices import Indices

if TYPE_CHECKING:
    from streams.operations.customer.stored import StoredCustomer


def read_export(config: Config, customer: str, language: str | None) -> tuple[dict[str, Any], list[str]]:
    """The export as plain data, and as lines of text."""
    from streams.operations.access.export import Held, export, lines  # loads the engine
    from streams.operations.why.for_customer import Words
    from streams.operations.why.outputs import outputs_of

    with Indices(config, *TOPICS) as topics:
        partition = partition_of(customer, topics.partitions)
        stored = asyncio.run(_stored(config, partition, customer))
        record = _record(stored, customer)
        words = Words(record, stored.policy, stored.time, language)
        outputs = outputs_of(topics.of["decisions"], topics.of["triggers"], partition, customer, 0, 2**62)
        events = list(_raw(topics.of["touchpoints"], partition, customer))
        examples = list(_raw(topics.of["examples"], partition, customer))
        unreadable = list(_raw(topics.of["deadletters"], partition, customer))
        echo(f"{topics.read:,} records of the topics were read", err=True)
    at = GERMAN if words.say.language == "de" else ENGLISH
    told = export(
        Held(customer, record, outputs, places_of(config, stored.settings, at), words, events, examples, unreadable)
    )
    return told, list(lines(told, words))


def read_erasure(config: Config, customer: str) -> dict[str, Any]:
    """What an erasure would do."""
    from streams.operations.access.erasure import erasure_preview  # loads the engine

    with TopicReader(kafka_connection(config), config.topic("touchpoints")) as touchpoints:
        partition = partition_of(customer, touchpoints.partitions)
    stored = asyncio.run(_stored(config, partition, customer))
    places = places_of(config, stored.settings, ENGLISH)
    return erasure_preview(customer, _record(stored, customer), stored.policy, places)


def _raw(index: TopicIndex, partition: int, customer: str) -> Iterator[dict[str, Any]]:
    for read in index.of_customer(partition, customer):
        try:
            value = json.loads(read.value)
        except ValueError:
            value = read.value.decode(errors="backslashreplace")
        yield {"partition": read.partition, "offset": read.offset, "time": read.timestamp, "value": value}


def _record(stored: StoredCustomer, customer: str) -> Record | None:
    if stored.unreadable:
        raise StateUnreadable(stored.unreadable)
    return None if stored.record is None else unpack(customer.encode(), stored.record)


async def _stored(config: Config, partition: int, customer: str) -> StoredCustomer:
    from streams.operations.customer.stored import stored_customer  # loads River

    async with store_of(config) as store:
        return await stored_customer(store, partition, customer, foresee=False)
