"""Sharding of the timer set into small sorted sets, which Redis stores packed.

One large sorted set costs 112 bytes a member (a skip list and a hash table). Redis keeps a small one as one packed
string instead (`zset-max-listpack-entries`, 128 by default): 34 bytes a member, all that follows included. So the due
set of a namespace is cut into buckets by 32 bits of each member, and a further set holds the first member of each
bucket, by its score:

| key                      | type | holds                                   |
|--------------------------|------|-----------------------------------------|
| ``{app:namespace}:due``  | zset | the first member of each bucket         |
| ``{app:namespace}due:n`` | zset | the members of bucket n, n = 0, 1, ...  |

The first members stand in the order of the whole: who wants the first k of all has to look into no more than the k
buckets whose first members are the first k. The number of buckets grows with the members, one bucket at a time
(linear hashing: Litwin, VLDB 1980): bucket n, when it is made, takes from bucket n less its highest bit the members
that have that bit. It never shrinks: an empty bucket has no key and costs nothing.

Which 32 bits: those of the customer's place in the week (`Layout.WEEK`). Whose ticks and labels come at the same time
lie together then, so what rings in one commit moves in a few commands, and the first of a few buckets are read instead
of one of each. With a tick that does not divide a week they are only spread; nothing else rests on it. A namespace
keeps the layout that it was created in: those from before are cut by the CRC-32 (`Layout.CHECKSUM`).

A server with other limits, or ids longer than `zset-max-listpack-value` (64 bytes), has ordinary sorted sets as
buckets: slower to grow and as large as before, and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from models.customer.record import hash_of

FILL = 32
"""Members for each bucket. While the number of buckets doubles, those still to be split hold twice as many; that must
stay below Redis's 128 with room for chance. Fewer waste memory on buckets (200 bytes each), more cost time in each
write. A namespace written with another number catches up at its next commit with a due time in it."""

WEEK_S = 7 * 86_400
_MORE_BITS = 12
"""Bits of the hash that tell customers of one second apart."""
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Layout(StrEnum):
    """By what members are put into buckets: the field of the meta that counts these, so that a release that does not
    know a layout refuses it."""

    CHECKSUM = "buckets"
    WEEK = "weekly"


class Shape(NamedTuple):
    """How many buckets the due set of a namespace has, and how many members."""

    buckets: int = 1
    members: int = 0
    layout: Layout = Layout.WEEK

    def with_room(self, more: int) -> Shape:
        """The same with as many buckets as there should be when `more` members come."""
        room = max(self.buckets, -(-(self.members + more) // FILL)) if more else self.buckets
        return self._replace(buckets=room)


class Moves(NamedTuple):
    """What a commit writes to a bucket: the members to take out, and (score, member, score, member, ...) to put in."""

    undue: list[bytes]
    dues: list[bytes]


def parent_of(bucket: int) -> int:
    """The bucket that `bucket`, not 0, is split from.

    >>> [parent_of(bucket) for bucket in range(1, 9)]
    [0, 0, 1, 0, 1, 2, 3, 0]
    """
    return bucket - (1 << (bucket.bit_length() - 1))


def to_split(had: int, buckets: int) -> list[int]:
    """Which of `had` buckets are split when there are to be so many.

    >>> to_split(3, 5), to_split(1, 9)
    ([0, 1], [0])
    """
    parents = set()
    for bucket in range(had, buckets):
        parent = parent_of(bucket)
        while parent >= had:
            parent = parent_of(parent)
        parents.add(parent)
    return sorted(parents)


def buckets_of(members: Sequence[bytes], shape: Shape) -> list[int]:
    """In which bucket each of `members` lies."""
    bits = _checksums(members) if shape.layout is Layout.CHECKSUM else _places(members)
    mask = (1 << (shape.buckets - 1).bit_length()) - 1
    found = bits & np.uint32(mask)
    buckets: list[int] = np.where(found < shape.buckets, found, found & np.uint32(mask >> 1)).tolist()
    return buckets


def grouped(
    dues: Sequence[tuple[float, bytes]],
    undue: Sequence[bytes],
    shape: Shape,
    kept: Mapping[int, Sequence[bytes]] | None = None,
) -> dict[int, Moves]:
    """A commit's changes by bucket, in the order given.

    kept: by bucket that is split, and comes first, its (member, score, member, score, ...) as they are stored.
    """
    groups: dict[int, Moves] = {bucket: Moves([], []) for bucket in kept or ()}
    for bucket, member in zip(buckets_of(undue, shape), undue, strict=True):
        groups.setdefault(bucket, Moves([], [])).undue.append(member)
    if kept:
        leaving = set(undue)
        flat = [part for had in kept.values() for part in had]
        for bucket, member, stored in zip(buckets_of(flat[::2], shape), flat[::2], flat[1::2], strict=True):
            if member not in leaving:
                groups.setdefault(bucket, Moves([], [])).dues.extend((stored, member))
    for bucket, (score, member) in zip(buckets_of([member for _, member in dues], shape), dues, strict=True):
        if (group := groups.get(bucket)) is None:
            group = groups[bucket] = Moves([], [])
        group.dues.extend((number(score), member))
    return groups


def number(value: float) -> bytes:
    """`value` as Redis reads it back exactly: integers without a fraction, others in Python's shortest form."""
    as_float = float(value)
    return b"%d" % int(as_float) if as_float.is_integer() else repr(as_float).encode()


def _checksums(members: Sequence[bytes]) -> NDArray[np.uint32]:
    return np.fromiter(map(crc32, members), np.uint32, len(members))


def _places(members: Sequence[bytes]) -> NDArray[np.uint32]:
    """The customer's place in the week (`models.customer.schedule.phase_of`) as a fraction of 2**32, its bits reversed:
    buckets are told apart by the lowest bits, and neighbours in time by the highest ones."""
    hashes = np.fromiter(map(hash_of, members), np.uint64, len(members))
    seconds, more = hashes % np.uint64(WEEK_S), hashes // np.uint64(WEEK_S) & np.uint64((1 << _MORE_BITS) - 1)
    places = (seconds << np.uint64(_MORE_BITS) | more) << np.uint64(32)
    places //= np.uint64(WEEK_S << _MORE_BITS)
    return np.frombuffer(places.astype(">u4").tobytes().translate(_REVERSED), "<u4")
