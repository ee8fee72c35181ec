"""Turns the fetched records of one partition into a batch of columns."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from models.timeline.batch import Batch, events_of
from streams.errors import StoreWentBack

_columns = attrgetter("offset", "timestamp", "key", "value", "headers")


def read_batch(namespace: str, records: Sequence[Any], next_offset: int) -> Batch:
    """The records of a shard in offset order, none of them below its next offset. Raises StoreWentBack."""
    if (first := records[0].offset) < next_offset:
        raise StoreWentBack(f"shard {namespace}: was handed offset {first} below its next offset {next_offset}")
    offsets, timestamps, keys, values, headers = zip(*map(_columns, records), strict=True)
    return Batch(offsets, timestamps, keys, events_of(values, headers))
