"""The customer pyramid: tiers by quantiles of the customers there are, from a histogram of their values.

Buckets are geometric, 1.02 wide, with edges that are whole hundredths; so that no logarithm decides in which bucket a
value lies, and counts are whole numbers: they change by one with a customer, merge by addition in any order, and forget
a customer without a trace (log-linear histograms: Masson, Rim and Lee 2019, "DDSketch", VLDB 12). A cut is where so
large a share of the customers begins. A customer keeps their tier within a band about the cut: who stands at a cut
would else change it at every other look.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise, repeat, takewhile
from math import inf
from typing import Any, Final

MOST: Final = 10**13
"""The last edge, hundredths: what is worth more lies in the last bucket."""


def _next_edge(edge: int, _: None) -> int:
    return max(edge + 1, edge * 102 // 100)


EDGES: Final = tuple(takewhile(lambda edge: edge <= MOST, accumulate(repeat(None), _next_edge, initial=0)))
"""Lower edges of the buckets, hundredths of the currency: 0, 1, 2, …, 99, 100, 102, 104, …, each 1.02 times the
one before, rounded down, and at least one more."""
SHARES: Final = (0.01, 0.05, 0.20)
"""Of the customers, from the top: in a tier and above. The lowest tier has the rest."""
BAND: Final = 5
"""Buckets, about a tenth of the value, that a customer must be beyond a cut to change the tier."""


def bucket_of(value: float) -> int:
    """The bucket of a value in currency units; a value below a hundredth, or below zero, is in the lowest.

    >>> bucket_of(-1.0), bucket_of(0.01), bucket_of(0.02), bucket_of(1.0)
    (0, 1, 2, 100)
    """
    if not value > 0.0:
        return 0
    return bisect_right(EDGES, int(min(value * 100.0, float(MOST)))) - 1


def value_of(bucket: int) -> float:
    """The least value of a bucket, in currency units; of the one beyond the last, infinity."""
    return EDGES[bucket] / 100 if bucket < len(EDGES) else inf


class Histogram:
    """How many customers have a value in each bucket."""

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        """counts: by bucket."""
        self.counts: dict[int, int] = dict(counts or {})

    @classmethod
    def of(cls, values: Iterable[float]) -> Histogram:
        """Of customers with these values."""
        found = cls()
        for value in values:
            found.move(None, bucket_of(value))
        return found

    @property
    def customers(self) -> int:
        return sum(self.counts.values())

    def move(self, old: int | None, new: int | None) -> None:
        """A customer's bucket changes. None: they were not, or are no more, among the customers.

        Raises ValueError where nobody is in the bucket that somebody is to leave.
        """
        if old is not None:
            if old not in self.counts:
                raise ValueError(f"nobody is in bucket {old}, from which a customer is to move")
            self._add(old, -1)
        if new is not None:
            self._add(new, 1)

    def merge(self, other: Histogram) -> None:
        """Add another histogram's customers, or a change of counts, which may be below zero."""
        for bucket, count in other.counts.items():
            self._add(bucket, count)

    def _add(self, bucket: int, count: int) -> None:
        if not 0 <= bucket < len(EDGES):
            raise ValueError(f"bucket is {bucket}; there are those from 0 to {len(EDGES) - 1}")
        found = self.counts.get(bucket, 0) + count
        if found:
            self.counts[bucket] = found
        else:
            self.counts.pop(bucket, None)

    def cuts(self, shares: Sequence[float] = SHARES) -> list[int]:
        """Of each tier but the lowest, from the top, its lowest bucket.

        That is the least bucket that has, with those above, at most the tier's share of all customers.

        Args:
            shares: rising, from 0 to 1.

        Raises:
            ValueError: shares that don't rise.
        """
        if any(not 0.0 <= one <= 1.0 for one in shares) or any(not a < b for a, b in pairwise(shares)):
            raise ValueError(f"shares are {list(shares)}; they must rise and lie between 0 and 1")
        total, above, found, wanted = self.customers, 0, [], list(shares)
        for bucket in sorted(self.counts, reverse=True):
            above += self.counts[bucket]
            while wanted and above > wanted[0] * total:
                found.append(bucket + 1)
                del wanted[0]
        return found + [0] * len(wanted)

    def state(self) -> list[list[int]]:
        """Plain data: bucket and count, by bucket."""
        return [[bucket, self.counts[bucket]] for bucket in sorted(self.counts)]

    @classmethod
    def from_state(cls, state: Any) -> Histogram:
        """Inverse of `state`. Raises ValueError, naming what does not fit."""
        found = cls()
        if not isinstance(state, list):
            raise ValueError(f"a histogram is {state!r:.100}; it must be a list of buckets and counts")
        for pair in state:
            if not isinstance(pair, list) or len(pair) != 2 or any(type(number) is not int for number in pair):
                raise ValueError(f"a histogram holds {pair!r:.100}; it must be a bucket and a count, whole numbers")
            if pair[0] in found.counts:
                raise ValueError(f"a histogram holds bucket {pair[0]} twice")
            found._add(pair[0], pair[1])
        return found


def tier_of(bucket: int, cuts: Sequence[int], old: int | None = None, band: int = BAND) -> int:
    """The tier of a bucket, 0 the highest, len(cuts) the lowest.

    Args:
        bucket: of the customer's value.
        cuts: of `Histogram.cuts`, falling.
        old: the customer's tier so far. It is left downward only where the bucket lies `band` below its cut, and upward
            where it lies as many above the next one's.
        band: buckets.
    """
    plain = sum(bucket < cut for cut in cuts)
    if old is None or plain == old:
        return plain
    if plain > old:
        return max(sum(bucket < cut - band for cut in cuts), old)
    return min(sum(bucket < cut + band for cut in cuts), old)
