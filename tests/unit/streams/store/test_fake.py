"""The accidents that the fake store can be told to have."""

from __future__ import annotations

import asyncio

import pytest

from streams.store.fake import FakeStore
from streams.store.port import Meta, Outcome, StoreUnavailable, Write

pytestmark = pytest.mark.asyncio

MINE = b"token"


async def owned() -> FakeStore:
    store = FakeStore()
    await store.create("0", b"")
    await store.mint("0", MINE)
    return store


def write(expected: int, nonce: bytes) -> Write:
    return Write(
        token=MINE,
        expected=expected,
        nonce=nonce,
        body=b"%d" % expected,
        values=[(b"c:anna", nonce)],
        dues=[(float(expected), b"anna")],
        outbox=[nonce],
    )


async def test_a_lost_request_has_no_effect_and_a_lost_reply_has() -> None:
    store = await owned()
    store.fail_next(1)
    store.fail_next(2, before=False)
    before = store.snapshot("0")
    with pytest.raises(StoreUnavailable, match="not done"):
        await store.commit("0", write(0, b"x"))
    assert store.snapshot("0") == before
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="reply is lost"):
            await store.commit("0", write(0, b"x"))
        assert store.snapshot("0").meta == Meta(MINE, 1, b"x", b"0")
    assert await store.commit("0", write(0, b"x")) is Outcome.AGAIN
    assert store.snapshot("0").outbox == (b"x",)


async def test_reads_fail_too() -> None:
    store = await owned()
    store.fail_next(1)
    with pytest.raises(StoreUnavailable):
        await store.load("0", [b"c:anna"])
    assert await store.load("0", [b"c:anna"]) == [None]


async def test_a_store_that_went_back_is_noticed_at_the_owners_next_write() -> None:
    store = await owned()
    await store.commit("0", write(0, b"x"))
    old = store.snapshot("0")
    await store.commit("0", write(1, b"y"))
    await store.commit("0", write(2, b"z"))
    store.restore("0", old)
    assert store.snapshot("0") == old
    assert await store.due("0", 100.0, 10) == [(0.0, b"anna")]
    assert await store.commit("0", write(3, b"w")) is Outcome.WENT_BACK
    assert store.snapshot("0") == old


async def test_a_snapshot_is_not_changed_by_what_follows() -> None:
    store = await owned()
    old = store.snapshot("0")
    store.restore("0", old)
    await store.commit("0", write(0, b"x"))
    assert (old.values, old.dues, old.outbox) == ({}, {}, ())
    store.restore("0", old)
    assert store.snapshot("0") == old


async def test_what_is_read_is_a_copy() -> None:
    store = await owned()
    await store.commit("0", write(0, b"x"))
    (await store.outbox("0")).clear()
    (await store.due("0", 1.0, 1)).clear()
    assert (await store.outbox("0"), await store.due_count("0", 1.0)) == ([b"x"], 1)


async def test_a_call_cancelled_before_it_began_has_no_effect() -> None:
    store = await owned()
    task = asyncio.create_task(store.commit("0", write(0, b"x")))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.outbox("0") == []
