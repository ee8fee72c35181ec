"""The store in memory: the semantics of `RedisStore` for tests, with the accidents that Redis has.

It passes the same contract suite as Redis (tests/contract/test_store.py).
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from streams.store.port import Meta, Outcome, StoreUnavailable, Write, compared
from streams.store.rules import StoreRefused, check_names, check_place, check_range, check_token, check_write

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of a place at one moment; equal when the contents are. dues: score by member."""

    meta: Meta | None
    values: dict[bytes, bytes]
    dues: dict[bytes, float]
    outbox: tuple[bytes, ...]


@dataclass(slots=True)
class _Place:
    meta: Meta | None = None
    values: dict[bytes, bytes] = field(default_factory=dict)
    scores: dict[bytes, float] = field(default_factory=dict)
    line: list[tuple[float, bytes]] = field(default_factory=list)  # the due set in its order: `scores`, sorted
    outbox: list[bytes] = field(default_factory=list)

    def set_due(self, member: bytes, score: float) -> None:
        self.drop_due(member)
        self.scores[member] = score
        bisect.insort(self.line, (score, member))

    def drop_due(self, member: bytes) -> None:
        score = self.scores.pop(member, None)
        if score is not None:
            del self.line[bisect.bisect_left(self.line, (score, member))]

    def apply(self, write: Write) -> Outcome:
        found = compared(self.meta, write.token, write.expected, write.nonce)
        if found is not Outcome.OK:
            return found
        if write.trim > len(self.outbox):
            raise StoreRefused(f"refused: trim of {write.trim} from an outbox of {len(self.outbox)}")
        self.meta = Meta(write.token, write.expected + 1, write.nonce, write.body)
        for name in write.removed:
            self.values.pop(name, None)
        self.values.update(write.values)
        for member in write.undue:
            self.drop_due(member)
        for score, member in write.dues:
            self.set_due(member, float(score))
        self.outbox.extend(write.outbox)
        del self.outbox[: write.trim]
        return Outcome.OK


class FakeStore:
    """`Store` in memory. One instance is one Redis: give it to several owners to have them compete."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._failures: list[bool] = []

    async def read_meta(self, place: str) -> Meta | None:
        return await self._call(place, lambda at: at.meta)

    async def create(self, place: str, body: bytes) -> bool:
        def create(at: _Place) -> bool:
            if at.meta is not None:
                return False
            at.meta = Meta(b"", 0, b"", body)
            return True

        return await self._call(place, create)

    async def mint(self, place: str, token: bytes, seen: bytes | None = None) -> Meta | None:
        check_token(token)

        def mint(at: _Place) -> Meta | None:
            before = at.meta
            if before is not None and (seen is None or before.token in (seen, token)):
                at.meta = Meta(token, before.number, before.nonce, before.body)
            return before

        return await self._call(place, mint)

    async def commit(self, place: str, write: Write) -> Outcome:
        check_write(write)
        return await self._call(place, lambda at: at.apply(write))

    async def load(self, place: str, names: Sequence[bytes]) -> list[bytes | None]:
        check_names(names)
        return await self._call(place, lambda at: [at.values.get(name) for name in names])

    async def due(self, place: str, up_to: float, limit: int) -> list[tuple[float, bytes]]:
        check_range(up_to, limit)
        return await self._call(place, lambda at: at.line[: min(limit, _count(at, up_to))])

    async def due_count(self, place: str, up_to: float) -> int:
        check_range(up_to)
        return await self._call(place, lambda at: _count(at, up_to))

    async def outbox(self, place: str) -> list[bytes]:
        return await self._call(place, lambda at: list(at.outbox))

    async def close(self) -> None:
        """Nothing to release; the contents stay, as those of Redis do."""

    def fail_next(self, n: int, before: bool = True) -> None:
        """Let the next `n` calls raise StoreUnavailable: before they do anything, or after (the reply is lost).

        Repeated calls queue up: ``fail_next(1); fail_next(1, before=False)`` loses a request, then a reply.
        """
        self._failures += [before] * n

    def snapshot(self, place: str) -> Snapshot:
        """A copy of the place as it stands."""
        at = self._places.get(place, _Place())
        return Snapshot(at.meta, dict(at.values), dict(at.scores), tuple(at.outbox))

    def restore(self, place: str, snapshot: Snapshot) -> None:
        """Put the place back to a snapshot: Redis lost what was written since."""
        line = sorted((score, member) for member, score in snapshot.dues.items())
        self._places[place] = _Place(
            snapshot.meta, dict(snapshot.values), dict(snapshot.dues), line, list(snapshot.outbox)
        )

    async def _call(self, place: str, act: Callable[[_Place], T]) -> T:
        check_place(place)
        await asyncio.sleep(0)  # as with Redis, other tasks run before the call has an effect
        before = self._failures.pop(0) if self._failures else None
        if before is True:
            raise StoreUnavailable(f"place {place!r}: fail_next, the call was not done")
        result = act(self._places.setdefault(place, _Place()))
        if before is False:
            raise StoreUnavailable(f"place {place!r}: fail_next, the call was done and its reply is lost")
        return result


def _count(at: _Place, up_to: float) -> int:
    return bisect.bisect_right(at.line, up_to, key=lambda item: item[0])
