"""Reads the newest dead letters, and of which of their customers nothing may be shown any more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

from models.customer.layout import ERASED
from models.customer.record import unpack
from models.customer.tail import UnknownRecord
from models.outputs import DeadLetter
from models.timeline.partitioning import partition_of
from streams.config import Config
from streams.console.sources import DeadLetters
from streams.errors import EngineError
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import Read, TopicReader
from streams.operations.partitions import touchpoint_partitions
from streams.operations.redis_access import store_of
from streams.store import Store

MOST: Final = 100
"""That are read."""
_decode: Final = msgspec.json.Decoder(DeadLetter).decode


def dead_letters(config: Config) -> DeadLetters:
    """One that this release can't read is passed over. Raises as TopicReader; without Redis nobody's are shown."""
    with TopicReader(kafka_connection(config), config.topic("deadletters")) as reader:
        found = tuple(one for one in map(_read, reader.last(MOST)) if one is not None)
    named = {one.customer for one in found if one.customer}
    try:
        return DeadLetters(found, asyncio.run(_erased(config, named)) if named else frozenset())
    except EngineError:
        return DeadLetters(found, frozenset(named))


async def _erased(config: Config, customers: Iterable[str]) -> frozenset[str]:
    partitions = await asyncio.to_thread(touchpoint_partitions, config)
    async with store_of(config) as store:
        return frozenset([one for one in customers if await is_erased(store, partitions, one)])


async def is_erased(store: Store, partitions: int, customer: str) -> bool:
    """Whether a customer was, or their record can't be read. Raises StoreUnavailable."""
    [stored] = await store.load(str(partition_of(customer, partitions)), [b"c:" + customer.encode()])
    try:
        return stored is not None and bool(unpack(customer.encode(), stored).flags & ERASED)
    except UnknownRecord:
        return True


def _read(read: Read) -> DeadLetter | None:
    try:
        return _decode(read.value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
