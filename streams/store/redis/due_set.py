"""Reads the timer set of a namespace out of its buckets (streams/store/redis/due_buckets.py).

A read takes one round trip when nothing is due; else the first members, and the buckets they come from, which is two,
and two more where these buckets hold too little. Each asks for the commit that the first one saw; when another
commit came between, all are done again. So the answer is that of one moment; a count, which nothing rests on, is so as
far as commits let it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

from streams.store.redis.calls import Calls, Scripts
from streams.store.redis.due_buckets import Layout, Shape, buckets_of, number
from streams.store.rules import StoreOutdated

COUNTED = 1_000
"""Buckets in one call of a count: neither Redis nor the event loop stands still for a large backlog."""

LEAST_HEADS, OF_LIMIT = 16, 32
"""Buckets that a namespace's first read looks into first: one for so many members as it wants, as if all that lies in a
bucket came at once (`Layout.WEEK`)."""
ROOM = 1.1
"""A later read looks into so many times the buckets that it would have taken the one before it."""

Due = tuple[float, bytes]


class Heads(NamedTuple):
    """The first members of the buckets that hold something due, in their order, as of a commit."""

    commit: bytes
    shape: Shape
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
        self._taken: dict[bytes, float] = {}  # by namespace: buckets that a member took in the last read

    async def first(self, doing: str, keys: NamespaceKeys, up_to: float, limit: int) -> list[Due]:
        """The first `limit` (more than 0) members with score <= up_to, by (score, member as bytes)."""
        while True:
            found = await self._first(doing, keys, up_to, limit)
            if found is not None:
                return found

    async def members(
        self, doing: str, keys: NamespaceKeys, commit: int, buckets: Sequence[int]
    ) -> dict[int, list[bytes]] | None:
        """(member, score, member, score, ...) of these buckets; None when the last commit is another one."""
        if not buckets:
            return {}
        arguments = (b"%d" % commit, b"+inf", b"-1", *[b"0"] * len(buckets))
        parts: list[list[bytes]] | None = await self._calls.read(
            doing, self._scripts.due_part, (keys.meta, *map(keys.bucket, buckets)), arguments
        )
        return None if parts is None else dict(zip(buckets, parts, strict=True))

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
            return Heads(b"", Shape(), [])
        if isinstance(answer, bytes):
            raise StoreOutdated(doing)
        commit, layout, buckets, heads = answer
        return Heads(commit, Shape(int(buckets), 0, Layout(layout.decode())), _pairs(heads))

    async def _first(self, doing: str, keys: NamespaceKeys, up_to: float, limit: int) -> list[Due] | None:
        """The first `limit` members; None when another commit came between.

        No member before a bucket's first one is in that bucket. So what is not after the last of some first members is
        in the buckets of these.
        """
        found: list[Due] = []
        ranks: dict[bytes, int] = {}  # by bucket: how many of its members are in `found`
        begun, more = b"", max(LEAST_HEADS, int(limit * self._taken.get(keys.due, 1 / OF_LIMIT)))
        while True:
            before = len(ranks)
            heads = await self._heads(doing, keys, up_to, more, before)
            begun = begun or heads.commit
            if heads.commit != begun:
                return None
            all_of_them = len(heads.dues) < more
            ranks |= dict.fromkeys(_buckets(keys, heads), 0)
            if not ranks:
                return []
            edge = up_to if all_of_them else heads.dues[-1][0]
            arguments = (begun, number(edge), b"%d" % limit, *(b"%d" % rank for rank in ranks.values()))
            parts: list[list[bytes]] | None = await self._calls.read(
                doing, self._scripts.due_part, (keys.meta, *ranks), arguments
            )
            if parts is None:
                return None
            ranks = {bucket: rank + len(part) // 2 for (bucket, rank), part in zip(ranks.items(), parts, strict=True)}
            found = sorted(chain(found, _pairs([*chain.from_iterable(parts)])))
            sure = len(found) if all_of_them else bisect_right(found, heads.dues[-1])
            if sure >= limit:
                self._taken[keys.due] = ROOM * (before + bisect_right(heads.dues, found[limit - 1])) / limit
            if all_of_them or sure >= limit:
                return found[:limit]
            more = max(LEAST_HEADS, len(ranks) * (limit - sure) // sure)


def _buckets(keys: NamespaceKeys, heads: Heads) -> list[bytes]:
    return [keys.bucket(bucket) for bucket in buckets_of([member for _, member in heads.dues], heads.shape)]


def _pairs(flat: Sequence[bytes]) -> list[Due]:
    return [(float(score), member) for member, score in zip(flat[::2], flat[1::2], strict=True)]
