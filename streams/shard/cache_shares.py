"""Bounds a shard's caches by what the worker may hold in all: an even share of it for each shard that it owns.

A worker that survives others owns many times its usual shards. Caches of a fixed size each would then take many times
their memory, at the very moment at which the machine has none to spare.
"""

from __future__ import annotations

from collections.abc import Callable

DUES = 32_768
"""Items of due windows that a worker reads ahead in all: eight megabytes, and up to four times that by its commits."""
LEAST_DUES, MOST_DUES = 256, 4_096
"""Of one shard. Fewer cost a round trip for every few pieces, more are of no use: it is a read in many pieces."""


class CacheShares:
    """records: customers' records that the worker may keep in memory. owners: how many shards it owns now."""

    def __init__(self, records: int, owners: Callable[[], int]) -> None:
        self._records, self._owners = records, owners

    def records(self) -> int:
        """How many records one shard may keep."""
        return self._records // max(1, self._owners())

    def dues(self) -> int:
        """How many items of its due set one shard reads at once."""
        return min(max(DUES // max(1, self._owners()), LEAST_DUES), MOST_DUES)
