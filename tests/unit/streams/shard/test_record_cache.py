"""The cache of records: the newest, or nothing; and never more than it may hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.shard.record_cache import RecordCache

customers = st.integers(0, 40).map(lambda n: b"c%02d" % n)
commits = st.lists(st.dictionaries(customers, st.binary(max_size=3), max_size=10), max_size=20)


@given(commits, st.integers(0, 30))
def test_it_has_the_newest_record_or_none(made: list[dict[bytes, bytes]], most: int) -> None:
    cache, stored = RecordCache(most), dict[bytes, bytes]()
    for commit in made:
        stored.update(commit)
        cache.committed(commit)
        names = [b"c%02d" % n for n in range(41)]
        for name, found in zip(names, cache.find(names), strict=True):
            assert found is None or found == stored[name]


@given(commits, st.integers(0, 30))
def test_it_holds_no_more_than_it_may_and_one_commit(made: list[dict[bytes, bytes]], most: int) -> None:
    cache = RecordCache(most)
    for commit in made:
        cache.committed(commit)
        held = sum(found is not None for found in cache.find([b"c%02d" % n for n in range(41)]))
        assert held <= most + 10


def test_who_comes_back_stays() -> None:
    cache = RecordCache(10)
    for n in range(100):
        cache.committed({b"regular": b"%d" % n, b"once%d" % n: b""})
    assert cache.find([b"regular", b"once1", b"once99"]) == [b"99", None, b""]


def test_nothing_is_kept_where_nothing_may_be() -> None:
    cache = RecordCache(0)
    cache.committed({b"c": b"x"})
    assert cache.find([b"c"]) == [None]
