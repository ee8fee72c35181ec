"""The state store in memory, for tests: the semantics of `RedisStore`, with failures on demand.

It passes the same contract suite as Redis (tests/contract/test_store.py).
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from streams.store.port import Meta, Outcome, StoreUnavailable, Write, compared
from streams.store.rules import StoreRefused, check_names, check_namespace, check_range, check_token, check_write

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of a namespace at one moment; equal when the contents are. dues: score by member."""

    meta: Meta | None
    values: dict[bytes, bytes]
    dues: dict[bytes, float]
    outbox: tuple[bytes, ...]


@dataclass(slots=True)
class _Namespace:
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
        self._namespaces: dict[str, _Namespace] = {}
        self._failures: list[bool] = []

    async def read_meta(self, namespace: str) -> Meta | None:
        return await self._call(namespace, lambda at: at.meta)

    async def create(self, namespace: str, body: bytes) -> bool:
        def create(at: _Namespace) -> bool:
            if at.meta is not None:
                return False
            at.meta = Meta(b"", 0, b"", body)
            return True

        return await self._call(namespace, create)

    async def mint(self, namespace: str, token: bytes, seen: bytes | None = None) -> Meta | None:
        check_token(token)

        def mint(at: _Namespace) -> Meta | None:
            before = at.meta
            if before is not None and (seen is None or before.token in (seen, token)):
                at.meta = Meta(token, before.number, before.nonce, before.body)
            return before

        return await self._call(namespace, mint)

    async def commit(self, namespace: str, write: Write) -> Outcome:
        check_write(write)
        return await self._call(namespace, lambda at: at.apply(write))

    async def load(self, namespace: str, names: Sequence[bytes]) -> list[bytes | None]:
        check_names(names)
        return await self._call(namespace, lambda at: [at.values.get(name) for name in names])

    async def due(self, namespace: str, up_to: float, limit: int) -> list[tuple[float, bytes]]:
        check_range(up_to, limit)
        return await self._call(namespace, lambda at: at.line[: min(limit, _count(at, up_to))])

    async def due_count(self, namespace: str, up_to: float) -> int:
        check_range(up_to)
        return await self._call(namespace, lambda at: _count(at, up_to))

    async def outbox(self, namespace: str, first: int = 0, most: int | None = None) -> list[bytes]:
        return await self._call(namespace, lambda at: at.outbox[first : None if most is None else first + most])

    async def close(self) -> None:
        """Nothing to release; the contents stay, as those of Redis do."""

    def fail_next(self, n: int, before: bool = True) -> None:
        """Let the next `n` calls raise StoreUnavailable: before they do anything, or after (the reply is lost).

        Repeated calls queue up: ``fail_next(1); fail_next(1, before=False)`` loses a request, then a reply.
        """
        self._failures += [before] * n

    def snapshot(self, namespace: str) -> Snapshot:
        """A copy of the namespace as it stands."""
        at = self._namespaces.get(namespace, _Namespace())
        return Snapshot(at.meta, dict(at.values), dict(at.scores), tuple(at.outbox))

    def restore(self, namespace: str, snapshot: Snapshot) -> None:
        """Put the namespace back to a snapshot: Redis lost what was written since."""
        line = sorted((score, member) for member, score in snapshot.dues.items())
        self._namespaces[namespace] = _Namespace(
            snapshot.meta, dict(snapshot.values), dict(snapshot.dues), line, list(snapshot.outbox)
        )

    async def _call(self, namespace: str, act: Callable[[_Namespace], T]) -> T:
        check_namespace(namespace)
        await asyncio.sleep(0)  # as with Redis, other tasks run before the call has an effect
        before = self._failures.pop(0) if self._failures else None
        if before is True:
            raise StoreUnavailable(f"namespace {namespace!r}: fail_next, the call was not done")
        result = act(self._namespaces.setdefault(namespace, _Namespace()))
        if before is False:
            raise StoreUnavailable(f"namespace {namespace!r}: fail_next, the call was done and its reply is lost")
        return result


def _count(at: _Namespace, up_to: float) -> int:
    return bisect.bisect_right(at.line, up_to, key=lambda item: item[0])
