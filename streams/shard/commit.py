"""Maps the engine's changes to outbox entries and one store write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.customer.layout import VERSION
from models.customer.versions import written
from models.engine.changes import Changes
from streams.outbox.entry import Entry, pack
from streams.store import StoreChanges


def in_version(records: Mapping[bytes, bytes], version: int) -> Mapping[bytes, bytes]:
    """Records as they are stored, in the bytes of a version of the record."""
    if version == VERSION:
        return records
    return {customer: written(record, version) for customer, record in records.items()}


def entries_of(changes: Changes, partition: int) -> list[Entry]:
    """The outputs as entries of the shard's outbox, in their order."""
    return [Entry.of(output, partition) for output in changes.outputs]


def store_changes(
    changes: Changes, records: Mapping[bytes, bytes], entries: Sequence[Entry], trim: int = 0
) -> StoreChanges:
    """The commit's write. records, entries: of these changes, as they are stored. trim: how many published entries
    leave the outbox with it."""
    return StoreChanges(
        values=[(b"c:" + customer, record) for customer, record in records.items()],
        removed=[b"c:" + customer for customer in changes.removed],
        dues=[(due, customer) for customer, due in changes.dues.items() if due is not None],
        undue=[customer for customer, due in changes.dues.items() if due is None],
        outbox=[pack(entry) for entry in entries],
        trim=trim,
    )
