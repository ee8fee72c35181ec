"""Sharding of the timer set into small sorted sets, which Redis stores packed.

One large sorted set costs 112 bytes a member (a skip list and a hash table). Redis keeps a small one as one packed
string instead (`zset-max-listpack-entries`, 128 by default): 34 bytes a member, all that follows included. So the due
set of a namespace is cut into buckets by the CRC-32 of the member, and a further set holds the first member of each
bucket, by its score:

| key                      | type | holds                                   |
|--------------------------|------|-----------------------------------------|
| ``{app:namespace}:due``  | zset | the first member of each bucket         |
| ``{app:namespace}due:n`` | zset | the members of bucket n, n = 0, 1, ...  |

The first members stand in the order of the whole: who wants the first k of all has to look into no more than the k
buckets whose first members are the first k. The number of buckets grows with the members, one bucket at a time
(linear hashing: Litwin, VLDB 1980): bucket n, when it is made, takes from bucket n less its highest bit the members
whose CRC-32 has that bit. The script of the commit does that, so the hash is one that Lua can compute, too.
It never shrinks: an empty bucket has no key and costs nothing.

A server with other limits, or ids longer than `zset-max-listpack-value` (64 bytes), has ordinary sorted sets as
buckets: slower to grow and as large as before, and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

FILL = 32
"""Members for each bucket. While the number of buckets doubles, those still to be split hold twice as many; that must
stay below Redis's 128 with room for chance. Fewer waste memory on buckets (200 bytes each), more cost time in each
write. A namespace written with another number catches up at its next commit with a due time in it."""


class Shape(NamedTuple):
    """How many buckets the due set of a namespace has, and how many members."""

    buckets: int = 1
    members: int = 0

    def with_room(self, more: int) -> int:
        """How many buckets there should be when `more` members come."""
        return max(self.buckets, -(-(self.members + more) // FILL)) if more else self.buckets


def parent_of(bucket: int) -> int:
    """The bucket that `bucket`, not 0, is split from.

    >>> [parent_of(bucket) for bucket in range(1, 9)]
    [0, 0, 1, 0, 1, 2, 3, 0]
    """
    return bucket - (1 << (bucket.bit_length() - 1))


def bucket_of(member: bytes, buckets: int) -> int:
    """In which of so many buckets `member` lies."""
    mask = _mask(buckets)
    bucket = crc32(member) & mask
    return bucket if bucket < buckets else bucket & mask >> 1


def grouped(
    dues: Sequence[tuple[float, bytes]], undue: Sequence[bytes], buckets: int
) -> dict[int, tuple[list[bytes], list[bytes]]]:
    """By bucket: the members to take out, and (score, member, score, member, ...) to put in, in the order given."""
    groups: dict[int, tuple[list[bytes], list[bytes]]] = {}
    for member in undue:
        groups.setdefault(bucket_of(member, buckets), ([], []))[0].append(member)
    mask = _mask(buckets)
    for score, member in dues:
        bucket = crc32(member) & mask  # bucket_of, without its calls: a batch may move a thousand due times
        if bucket >= buckets:
            bucket &= mask >> 1
        if (group := groups.get(bucket)) is None:
            group = groups[bucket] = ([], [])
        group[1].extend((number(score), member))
    return groups


def _mask(buckets: int) -> int:
    return (1 << (buckets - 1).bit_length()) - 1


def number(value: float) -> bytes:
    """`value` as Redis reads it back exactly: integers without a fraction, others in Python's shortest form."""
    as_float = float(value)
    return b"%d" % int(as_float) if as_float.is_integer() else repr(as_float).encode()
