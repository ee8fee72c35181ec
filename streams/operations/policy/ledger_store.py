"""The ledger in the store: one namespace, changed by compare-and-set, so that of two people at once one begins anew.

Each change mints a token of its own, reads, decides, and writes under that token and the number that it has read. So
nobody writes over what they have not seen, also where the store went back in between. What was decided is decided again
from what is there then; that is why the rules of the ledger are functions of it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, TypeVar

import msgspec

from streams.crash_points import point
from streams.errors import NewerRelease, StateUnreadable
from streams.operations.policy.ledger import Ledger
from streams.operations.policy.refusals import LedgerBusy
from streams.store import Store, Write

NAMESPACE: Final = "policies"
SCHEMA: Final = 1
TRIES: Final = 30
PAUSE_S: Final = 0.02

T = TypeVar("T")


class Kept(msgspec.Struct, frozen=True):
    schema: int
    ledger: Ledger


class Decided(NamedTuple):
    """The ledger as it shall be, and texts that are kept with it, by their hash."""

    ledger: Ledger
    texts: Mapping[str, str] = {}


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Kept).decode


class LedgerStore:
    """Args:
    store: of the application.
    pause: waits before another try; given how many there were.
    """

    def __init__(self, store: Store, pause: Callable[[int], Awaitable[None]] | None = None) -> None:
        self._store, self._pause = store, pause or _pause

    async def read(self) -> Ledger:
        """Raises StateUnreadable, NewerRelease, and what the store raises."""
        meta = await self._store.read_meta(NAMESPACE)
        return Ledger() if meta is None else _unpacked(meta.body)

    async def text(self, sha256: str) -> str | None:
        """A policy's text that is kept; None: it is not."""
        [text] = await self._store.load(NAMESPACE, [_name(sha256)])
        return None if text is None else text.decode()

    async def change(self, decide: Callable[[Ledger], Awaitable[tuple[Decided, T]]]) -> T:
        """Decide from the ledger as it is, and write what was decided, unless it has changed meanwhile; then once more.

        Returns what `decide` returned beside it.

        Raises:
            LedgerBusy: others were quicker each time.
            StateUnreadable, NewerRelease: as `read`; and what `decide` and the store raise.
        """
        for tried in range(TRIES):
            token, nonce = secrets.token_bytes(16), secrets.token_bytes(16)
            await self._store.create(NAMESPACE, _packed(Ledger()))
            meta = await self._store.mint(NAMESPACE, token)
            if meta is not None:
                ledger = _unpacked(meta.body)
                decided, answer = await decide(ledger)
                texts = [(_name(sha256), text.encode()) for sha256, text in decided.texts.items()]
                if decided.ledger == ledger:
                    return answer
                write = Write(token, meta.number, nonce, _packed(decided.ledger), values=texts)
                if (await self._store.commit(NAMESPACE, write)).stands:
                    point("ledger.written")
                    return answer
            await self._pause(tried)
        raise LedgerBusy("others change proposals and policies at this moment")


async def _pause(tried: int) -> None:
    await asyncio.sleep(PAUSE_S * (tried + 1) * (1 + secrets.randbelow(100) / 100))


def _name(sha256: str) -> bytes:
    return b"text:" + sha256.encode()


def _packed(ledger: Ledger) -> bytes:
    return _encode(Kept(SCHEMA, ledger))


def _unpacked(body: bytes) -> Ledger:
    try:
        schema = msgspec.json.decode(body)["schema"]
        if schema > SCHEMA:
            raise NewerRelease(f"the ledger of policies has schema {schema}; this release reads {SCHEMA}")
        return _decode(body).ledger
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise StateUnreadable(f"the ledger of policies, {len(body)} bytes: {error}") from error
