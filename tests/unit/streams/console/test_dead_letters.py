"""Of whom a dead letter may be shown: not of who was erased, nor where their record can't be read."""

from __future__ import annotations

import pytest

from models.customer.layout import ERASED
from models.customer.record import Record
from models.timeline.partitioning import partition_of
from streams.console.dead_letters import is_erased
from streams.store import Write
from streams.store.fake import FakeStore

PARTITIONS = 4
TOKEN = b"t" * 16


async def stored(store: FakeStore, customer: str, value: bytes) -> None:
    namespace = str(partition_of(customer, PARTITIONS))
    await store.create(namespace, b"")
    meta = await store.mint(namespace, TOKEN, b"")
    assert meta is not None
    key = b"c:" + customer.encode()
    await store.commit(namespace, Write(TOKEN, meta.number, b"n" * 16, b"", values=[(key, value)]))


@pytest.mark.asyncio
async def test_who_was_erased_is_told_from_who_was_not() -> None:
    store = FakeStore()
    here, gone = Record("änna".encode()), Record(b"eve")
    gone.flags = ERASED
    for name, value in (("änna", here.pack()), ("eve", gone.pack()), ("carl", b"of a later release")):
        await stored(store, name, value)
    told = {name: await is_erased(store, PARTITIONS, name) for name in ("änna", "eve", "carl", "nobody")}
    assert told == {"änna": False, "eve": True, "carl": True, "nobody": False}
