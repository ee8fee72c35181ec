"""Erasures that wait for a day, so that they can be taken back: kept in the store, published when their time has come.

One namespace, changed by compare-and-set, like the ledger of policies. The order is what keeps them through a crash:

 - asked for: stored, and only then is the customer told;
 - when it is due: first claimed in the store, from when on it can't be taken back, then published, then removed. Who
   dies in between leaves a claim that another takes over in a minute, to publish the same touchpoint again, by its id.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple, TypeVar

import msgspec

from models.settings import DAY, HOUR
from streams.errors import EngineError, StateUnreadable
from streams.retry import Backoff
from streams.store import Store, Write
from streams.store.port import Meta

NAMESPACE: Final = "own-page"
WAITS: Final = DAY
"""How long an erasure waits, ms."""
TRIES: Final = 30
MOST_AT_ONCE: Final = 100
LEASE_MS: Final = 60_000
"""Who claimed one and has not published it by then has died: another may."""

_FIRST: Final = b'{"schema":1}'
T = TypeVar("T")


class Erasure(msgspec.Struct, frozen=True):
    """One that was asked for. asked, due: ms. silent_before: until when the customer wanted no advertising before it,
    ms; 0: they had not said. claimed: since when it is being published, ms, from when on it can't be taken back; 0: it
    is not."""

    asked: int
    due: int
    silent_before: int = 0
    claimed: int = 0


class ErasuresBusy(EngineError):
    """Others change the list of erasures at this moment, each time."""

    remedy = "try again; if it stays so, look who writes to the store's namespace `own-page`"


class _Change(NamedTuple):
    """What becomes of a customer's entry. erasure: None: it is removed."""

    customer: str
    erasure: Erasure | None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Erasure).decode


class Erasures:
    """store: opens the application's store."""

    def __init__(self, store: Callable[[], AbstractAsyncContextManager[Store]]) -> None:
        self._store = store

    async def of(self, customer: str) -> Erasure | None:
        """Raises StateUnreadable, and what the store raises."""
        async with self._store() as store:
            return await _load(store, customer)

    async def ask(self, customer: str, now: int, silent_before: int) -> Erasure:
        """The one that waits; asked for again, it waits no longer. now: ms."""
        asked = Erasure(now, now + WAITS, silent_before)
        return await self._change(customer, lambda found: (found or asked, found or asked))

    async def take_back(self, customer: str) -> Erasure | None:
        """The one that no longer waits. None: there is none, or its time has come."""

        def back(found: Erasure | None) -> tuple[Erasure | None, Erasure | None]:
            return (found, None) if found is None or found.claimed else (None, found)

        return await self._change(customer, back)

    async def due(self, now: int) -> list[str]:
        """Customers whose time has come, the longest waiting first; some. now: ms."""
        async with self._store() as store:
            return [name.decode() for _, name in await store.due(NAMESPACE, now, MOST_AT_ONCE)]

    async def claim(self, customer: str, now: int) -> Erasure | None:
        """The one that is to be published now. None: it was taken back meanwhile, or another is at it. now: ms."""

        def claimed(found: Erasure | None) -> tuple[Erasure | None, Erasure | None]:
            if found is None or found.due > now or now < found.claimed + LEASE_MS:
                return found, None
            taken = msgspec.structs.replace(found, claimed=now)
            return taken, taken

        return await self._change(customer, claimed)

    async def done(self, customer: str) -> None:
        """It was published."""
        await self._change(customer, lambda found: (None, None))

    async def postpone(self, customer: str, now: int) -> None:
        """One that can't be read: looked at again in an hour, so that it stands in nobody's way. now: ms."""
        later = [(float(now + HOUR), customer.encode())]

        async def due_later(_: Store, token: bytes, nonce: bytes, meta: Meta) -> tuple[Write, None]:
            return Write(token, meta.number, nonce, meta.body, dues=later), None

        await self._written(due_later)

    async def _change(self, customer: str, decide: Callable[[Erasure | None], tuple[Erasure | None, T]]) -> T:
        """Decide what becomes of an entry from what it is."""

        async def decided(store: Store, token: bytes, nonce: bytes, meta: Meta) -> tuple[Write | None, T]:
            found = await _load(store, customer)
            after, answer = decide(found)
            write = None if after == found else _write(token, nonce, meta, _Change(customer, after))
            return write, answer

        return await self._written(decided)

    async def _written(self, make: Callable[[Store, bytes, bytes, Meta], Awaitable[tuple[Write | None, T]]]) -> T:
        """Write what is made of what is stored, unless somebody was quicker; then once more. None: nothing to write."""
        backoff = Backoff(0.02, 0.5)
        async with self._store() as store:
            for _ in range(TRIES):
                token, nonce = secrets.token_bytes(16), secrets.token_bytes(16)
                await store.create(NAMESPACE, _FIRST)
                meta = await store.mint(NAMESPACE, token)
                if meta is not None:
                    write, answer = await make(store, token, nonce, meta)
                    if write is None or (await store.commit(NAMESPACE, write)).stands:
                        return answer
                await backoff.pause()
        raise ErasuresBusy(f"an erasure could not be written in {TRIES} tries")


def _write(token: bytes, nonce: bytes, meta: Meta, change: _Change) -> Write:
    name, member, after = _name(change.customer), change.customer.encode(), change.erasure
    if after is None:
        return Write(token, meta.number, nonce, meta.body, removed=[name], undue=[member])
    return Write(
        token, meta.number, nonce, meta.body, values=[(name, _encode(after))], dues=[(float(after.due), member)]
    )


async def _load(store: Store, customer: str) -> Erasure | None:
    [stored] = await store.load(NAMESPACE, [_name(customer)])
    try:
        return None if stored is None else _decode(stored)
    except msgspec.DecodeError as error:
        raise StateUnreadable(f"an erasure that waits, {len(stored or b'')} bytes: {error}") from error


def _name(customer: str) -> bytes:
    return b"e:" + customer.encode()
