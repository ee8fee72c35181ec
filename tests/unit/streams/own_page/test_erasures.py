"""Erasures that wait: what is stored at each step, and who wins where two are at it at one time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from streams.errors import StateUnreadable
from streams.own_page.erasures import LEASE_MS, NAMESPACE, WAITS, Erasure, Erasures
from streams.store import Store
from streams.store.fake import FakeStore
from streams.store.port import StoreUnavailable, Write

NOW = 1_796_000_000_000


def erasures(store: FakeStore) -> Erasures:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Store]:
        yield store

    return Erasures(opened)


@pytest.mark.asyncio
async def test_one_waits_from_the_first_word_on_and_is_gone_when_it_is_done() -> None:
    waiting = erasures(FakeStore())
    assert await waiting.of("anna") is None
    assert await waiting.due(NOW) == []
    first = await waiting.ask("anna", NOW, 7)
    assert first == Erasure(NOW, NOW + WAITS, 7)
    assert await waiting.ask("anna", NOW + 5, 9) == first
    await waiting.ask("ben", NOW + 1, 0)
    assert await waiting.due(NOW + WAITS - 1) == []
    assert await waiting.due(NOW + WAITS) == ["anna"]
    assert await waiting.due(NOW + WAITS + 1) == ["anna", "ben"]
    assert await waiting.claim("anna", NOW + WAITS - 1) is None
    claimed = await waiting.claim("anna", NOW + WAITS)
    assert claimed == Erasure(NOW, NOW + WAITS, 7, NOW + WAITS)
    assert await waiting.take_back("anna") is None
    assert await waiting.claim("anna", NOW + WAITS + LEASE_MS - 1) is None  # another is at it
    assert await waiting.due(NOW + WAITS) == ["anna"]
    again = await waiting.claim("anna", NOW + WAITS + LEASE_MS)  # who has died
    assert again == Erasure(NOW, NOW + WAITS, 7, NOW + WAITS + LEASE_MS)
    await waiting.done("anna")
    assert await waiting.of("anna") is None
    assert await waiting.due(NOW + WAITS) == []


@pytest.mark.asyncio
async def test_what_was_taken_back_is_not_published() -> None:
    waiting = erasures(FakeStore())
    asked = await waiting.ask("anna", NOW, 0)
    assert await waiting.take_back("anna") == asked
    assert await waiting.take_back("anna") is None
    assert await waiting.claim("anna", NOW + 2 * WAITS) is None
    assert (await waiting.ask("anna", NOW + 9, 0)).due == NOW + 9 + WAITS


@pytest.mark.asyncio
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", ["create", "mint", "load", "commit"])
async def test_whatever_call_fails_asking_again_is_the_same(name: str, before: bool) -> None:
    store = FakeStore()
    waiting, call = erasures(store), getattr(store, name)

    async def failing(*given: Any) -> Any:
        setattr(store, name, call)
        if not before:
            await call(*given)
        raise StoreUnavailable(name)

    setattr(store, name, failing)
    with pytest.raises(StoreUnavailable):
        await waiting.ask("anna", NOW, 0)
    stored = await waiting.of("anna")
    assert (stored is not None) == (name == "commit" and not before)
    found = await waiting.ask("anna", NOW + 9, 0)
    assert found == await waiting.of("anna") == (stored or Erasure(NOW + 9, NOW + 9 + WAITS))


@pytest.mark.asyncio
async def test_of_two_at_one_time_one_begins_anew() -> None:
    store = FakeStore()
    waiting = erasures(store)
    await waiting.ask("anna", NOW, 0)
    commit, others = store.commit, list[str]()

    async def late(namespace: str, write: Write) -> object:
        if not others:
            others.append("claimed")
            assert await waiting.claim("anna", NOW + WAITS) is not None
        return await commit(namespace, write)

    store.commit = late  # type: ignore[assignment, method-assign]
    assert await waiting.take_back("anna") is None
    assert others == ["claimed"]


@pytest.mark.asyncio
async def test_what_cannot_be_read_is_named_without_the_customer() -> None:
    store = FakeStore()
    waiting = erasures(store)
    await waiting.ask("anna", NOW, 0)
    await store.mint(NAMESPACE, b"t")
    meta = await store.read_meta(NAMESPACE)
    assert meta is not None
    await store.commit(NAMESPACE, Write(b"t", meta.number, b"n", b"{}", values=[(b"e:anna", b"{")]))
    with pytest.raises(StateUnreadable) as unreadable:
        await waiting.of("anna")
    assert "anna" not in str(unreadable.value)
