"""Maps the engine's changes to outbox entries and one store write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.engine.changes import Changes
from streams.outbox.entry import Entry, pack, unpack
from streams.shard.stored_policy import NO_POLICIES, Policies, texts_written
from streams.store import Store, StoreChanges


def entries_of(changes: Changes, partition: int) -> list[Entry]:
    """The outputs as entries of the shard's outbox, in their order."""
    return [Entry.of(output, partition) for output in changes.outputs]


OUTBOX_PAGE = 250
"""Entries of the stored outbox that are read at once, in a takeover: none has more than 128 KiB."""


async def stored_outbox(store: Store, namespace: str, first: int) -> list[Entry]:
    """Some entries of a shard's stored outbox, from the `first`-th on (0: the oldest)."""
    return [unpack(value) for value in await store.outbox(namespace, first, OUTBOX_PAGE)]


MODEL_VERSION = b"version"
"""The name of the shard's own copy of the model version that is in force."""


def store_changes(
    changes: Changes,
    records: Mapping[bytes, bytes],
    entries: Sequence[Entry],
    trim: int = 0,
    version: bytes | None = None,
    before: Policies = NO_POLICIES,
    policies: Policies = NO_POLICIES,
) -> StoreChanges:
    """The commit's write.

    Args:
        changes: the engine's.
        records, entries: of these changes, as they are stored.
        trim: how many published entries leave the outbox with it.
        version: the sealed model version that comes into force with these changes; empty: one that nobody stores.
        before, policies: before these changes, and with them.
    """
    gone = [b"c:" + customer for customer in changes.removed]
    values = [(b"c:" + customer, record) for customer, record in records.items()]
    if version:
        values.append((MODEL_VERSION, version))
    texts, over = texts_written(before, policies)
    values += texts
    gone += over
    return StoreChanges(
        values=values,
        removed=[*gone, MODEL_VERSION] if version == b"" else gone,
        dues=[(due, customer) for customer, due in changes.dues.items() if due is not None],
        undue=[customer for customer, due in changes.dues.items() if due is None],
        outbox=[pack(entry) for entry in entries],
        trim=trim,
    )
