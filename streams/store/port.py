"""The store port: where a shard's loyalty state lives, and the compare-and-set that guards it.

A *namespace* is one atomic unit of state: a shard ("0", "1", ...) or the learner ("learner"). All keys of it share
one hash slot, so that a write is one atomic operation in Redis Cluster too. The rules of a write:

 - it carries the owner's token, the commit number it expects and a nonce of its own;
 - token and number equal to the stored ones: applied whole, the number grows by one, the nonce is kept (``OK``);
 - token equal, stored number = expected + 1 and stored nonce = mine: my own retry, nothing is done (``AGAIN``);
 - another token: ``FENCED``; any other number: ``WENT_BACK``; no meta at all: ``MISSING``. Nothing is written then.

Everything is checked before the first write, because Redis does not undo a script that fails halfway.
Implementations: ``RedisStore`` and ``FakeStore`` pass the same contract suite (tests/contract/test_store.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from streams.retry import Unavailable

LEARNER = "learner"
"""The namespace of the learner in the store."""


class Outcome(StrEnum):
    OK = "ok"
    AGAIN = "again"
    FENCED = "token"
    WENT_BACK = "number"
    MISSING = "missing"

    @property
    def stands(self) -> bool:
        """True when the write is in the store, by this call or by an earlier try of the same call."""
        return self in (Outcome.OK, Outcome.AGAIN)


class StoreUnavailable(Unavailable):
    """The store did not answer, or not in time: the outcome of the call is unknown. Repeat the call as it is."""


@dataclass(frozen=True, slots=True)
class Meta:
    """The guarded head of a namespace. `body` is opaque to the store (the engine's serialised position and sequence
    numbers)."""

    token: bytes
    number: int
    nonce: bytes
    body: bytes


def compared(meta: Meta | None, token: bytes, expected: int, nonce: bytes | None = None) -> Outcome:
    """What a compare-and-set finds in a namespace. nonce: the write's own; None: nothing is being written."""
    if meta is None:
        return Outcome.MISSING
    if meta.token != token:
        return Outcome.FENCED
    if meta.number == expected + 1 and meta.nonce == nonce:
        return Outcome.AGAIN
    return Outcome.OK if meta.number == expected else Outcome.WENT_BACK


class StoreChanges(NamedTuple):
    """What a write changes in its place beside the meta.

    Attributes:
        values: (name, bytes) pairs to set, e.g. (b"c:anna", record).
        removed: names to delete, before any value is set.
        dues: (score, member) pairs for the due set, overwriting.
        undue: members to take out of the due set.
        outbox: entries appended at the end of the outbox.
        trim: how many entries leave its front.
    """

    values: Sequence[tuple[bytes, bytes]] = ()
    removed: Sequence[bytes] = ()
    dues: Sequence[tuple[float, bytes]] = ()
    undue: Sequence[bytes] = ()
    outbox: Sequence[bytes] = ()
    trim: int = 0


@dataclass(frozen=True, slots=True)
class Write:
    """One compare-and-set write of a namespace: all of it or nothing. `values` to `trim`: as in `StoreChanges`."""

    token: bytes
    expected: int
    nonce: bytes
    body: bytes
    values: Sequence[tuple[bytes, bytes]] = field(default=())
    removed: Sequence[bytes] = field(default=())
    dues: Sequence[tuple[float, bytes]] = field(default=())
    undue: Sequence[bytes] = field(default=())
    outbox: Sequence[bytes] = field(default=())
    trim: int = 0


class Store(Protocol):
    """What the shard and the learner need of Redis. Every method may raise `StoreUnavailable`.

    Implemented by RedisStore and FakeStore.
    """

    async def read_meta(self, namespace: str) -> Meta | None:
        """The meta as it stands; None when the namespace has never been created."""

    async def create(self, namespace: str, body: bytes) -> bool:
        """Create the meta (number 0, empty token and nonce) if there is none; False when there was one."""

    async def mint(self, namespace: str, token: bytes, seen: bytes | None = None) -> Meta | None:
        """Make `token` the owner; the meta as it was *before* (a repeated mint: its own token). None: no meta.

        With `seen`, only when the stored token is that one (or `token` already): else nothing is written, and the
        token in the answer tells.
        """

    async def commit(self, namespace: str, write: Write) -> Outcome:
        """Apply a write under the rules above. Safe to repeat unchanged after `StoreUnavailable`."""

    async def load(self, namespace: str, names: Sequence[bytes]) -> list[bytes | None]:
        """Values by name, in the order asked for; None where there is none. One round trip."""

    async def due(self, namespace: str, up_to: float, limit: int) -> list[tuple[float, bytes]]:
        """The first `limit` members with score <= up_to, ordered by (score, member as bytes)."""

    async def due_count(self, namespace: str, up_to: float) -> int:
        """How many members have score <= up_to; about as many where commits come between."""

    async def outbox(self, namespace: str, first: int = 0, most: int | None = None) -> list[bytes]:
        """The outbox, oldest first: from the `first`-th entry on (0: the oldest), `most` at most; None: all."""

    async def close(self) -> None:
        """Release connections."""
