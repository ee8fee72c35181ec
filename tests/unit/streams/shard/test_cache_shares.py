"""A worker's caches are bounded by the worker, whatever the number of its shards."""

from __future__ import annotations

import pytest

from streams.shard.cache_shares import DUES, LEAST_DUES, MOST_DUES, CacheShares


@pytest.mark.parametrize("owners", [0, 1, 3, 8, 64, 128])
def test_all_shards_together_keep_no_more_than_the_worker_may(owners: int) -> None:
    shares = CacheShares(160_000, lambda: owners)
    assert shares.records() * max(1, owners) <= 160_000
    assert shares.dues() * owners <= DUES
    assert LEAST_DUES <= shares.dues() <= MOST_DUES


def test_a_share_follows_the_shards_that_come_and_go() -> None:
    owners = 4
    shares = CacheShares(1_000, lambda: owners)
    assert shares.records() == 250
    owners = 8
    assert shares.records() == 125
