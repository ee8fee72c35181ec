"""Reads the timer set of a namespace out of its buckets (streams/store/redis/due_buckets.py).

A read takes two round trips when something is due, one when nothing is: the first members, then the buckets they come
from. The second asks for the commit that the first one saw; when another commit came between, both are done again. So
the answer is that of one moment; a count, which nothing rests on, is so as far as commits let it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from math import isqrt
from typing import NamedTuple

from streams.store.redis.calls import Calls, Scripts
from streams.store.redis.due_buckets import bucket_of, number
from streams.store.rules import StoreOutdated

COUNTED = 1_000
"""Buckets in one call of a count: neither Redis nor the event loop stands still for a large backlog."""

Due = tuple[float, bytes]


class Heads(NamedTuple):
    """The first members of the buckets that hold something due, in their order, as of a commit."""

    commit: bytes
    buckets: int
    dues: list[Due]


class NamespaceKeys(NamedTuple):
    """The keys that a read of the due set needs. bucket: by number."""

    meta: bytes
    due: bytes
    bucket: Callable[[int], bytes]


class DueReader:
    """The due sets behind some calls."""

    def __init__(self, calls: Calls, scripts: Scripts) -> None:
        self._calls = calls
        self._scripts = scripts

    async def first(self, doing: str, keys: NamespaceKeys, up_to: float, limit: int) -> list[Due]:
        """The first `limit` (more than 0) members with score <= up_to, by (score, member as bytes)."""
        while True:
            heads = await self._heads(doing, keys, up_to, limit)
            found = await self._merged(doing, keys, heads, up_to, limit)
            if found is not None:
                return found

    async def count(self, doing: str, keys: NamespaceKeys, up_to: float) -> int:
        """How many members have score <= up_to; about as many when commits come between.

        It is not begun a third time: under a busy owner it might never end, and it is only looked at.
        """
        counted = await self._counted(doing, keys, up_to, of_one_moment=True)
        if counted is None:
            counted = await self._counted(doing, keys, up_to, of_one_moment=False)
        return counted or 0

    async def _counted(self, doing: str, keys: NamespaceKeys, up_to: float, *, of_one_moment: bool) -> int | None:
        """None when it was to be of one moment, and another commit came between."""
        total, rank, begun = 0, 0, b""
        while True:
            heads = await self._heads(doing, keys, up_to, COUNTED, rank)
            begun = begun or heads.commit
            if of_one_moment and heads.commit != begun:
                return None
            if not heads.dues:
                return total
            counted: int | None = await self._calls.read(
                doing,
                self._scripts.due_count,
                (keys.meta, *_buckets(keys, heads)),
                (begun if of_one_moment else b"", number(up_to)),
            )
            if counted is None:
                return None
            total += counted
            rank += COUNTED
            if len(heads.dues) < COUNTED:
                return total

    async def _heads(self, doing: str, keys: NamespaceKeys, up_to: float, limit: int, rank: int = 0) -> Heads:
        arguments = (number(up_to), b"%d" % rank, b"%d" % limit)
        answer = await self._calls.read(doing, self._scripts.due_heads, (keys.meta, keys.due), arguments)
        if answer is None:
            return Heads(b"", 0, [])
        if isinstance(answer, bytes):
            raise StoreOutdated(doing)
        commit, buckets, heads = answer
        return Heads(commit, int(buckets), _pairs(heads))

    async def _merged(
        self, doing: str, keys: NamespaceKeys, heads: Heads, up_to: float, limit: int
    ) -> list[Due] | None:
        """The first `limit` members; None when another commit came between."""
        if len(heads.dues) == limit:
            up_to = heads.dues[-1][0]  # so many are no later than that
        found, unread, rank = heads.dues, _buckets(keys, heads), 1
        while unread:
            # An even share and a spread of chance: few buckets need another round, and little is read in vain.
            share = -(-limit // len(unread))
            stretch = share + isqrt(share)
            arguments = (heads.commit, number(up_to), b"%d" % rank, b"%d" % stretch)
            parts: list[list[bytes]] | None = await self._calls.read(
                doing, self._scripts.due_part, (keys.meta, *unread), arguments
            )
            if parts is None:
                return None
            read = [(bucket, _pairs(part)) for bucket, part in zip(unread, parts, strict=True) if part]
            found = sorted(chain(found, *(part for _, part in read)))[:limit]
            # What lies behind a full stretch may still come before the last one found.
            unread = [
                bucket for bucket, part in read if len(part) == stretch and (len(found) < limit or part[-1] < found[-1])
            ]
            rank += stretch
        return found


def _buckets(keys: NamespaceKeys, heads: Heads) -> list[bytes]:
    return [keys.bucket(bucket_of(member, heads.buckets)) for _, member in heads.dues]


def _pairs(flat: Sequence[bytes]) -> list[Due]:
    return [(float(score), member) for member, score in zip(flat[::2], flat[1::2], strict=True)]
