"""Maps the engine's changes to outbox entries and one store write."""

from __future__ import annotations

from collections.abc import Sequence

from models.engine.changes import Changes
from streams.outbox.entry import Entry, pack
from streams.store import StoreChanges


def entries_of(changes: Changes, partition: int) -> list[Entry]:
    """The outputs as entries of the shard's outbox, in their order."""
    return [Entry.of(output, partition) for output in changes.outputs]


def store_changes(changes: Changes, entries: Sequence[Entry], trim: int = 0) -> StoreChanges:
    """The commit's write. entries: of these changes. trim: how many published entries leave the outbox with it."""
    return StoreChanges(
        values=[(b"c:" + customer, record) for customer, record in changes.records.items()],
        dues=[(due, customer) for customer, due in changes.dues.items() if due is not None],
        undue=[customer for customer, due in changes.dues.items() if due is None],
        outbox=[pack(entry) for entry in entries],
        trim=trim,
    )
