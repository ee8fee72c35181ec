"""The cache of records: the newest, or nothing; and never more than it may hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.shard.record_cache import RecordCache

customers = st.integers(0, 40).map(lambda n: b"c%02d" % n)
commits = st.lists(st.dictionaries(customers, st.binary(max_size=3), max_size=10), max_size=20)


@given(commits, st.integers(0, 30))
def test_it_has_the_newest_record_or_none(made: list[dict[bytes, bytes]], most: int) -> None:
    cache, stored = RecordCache(lambda: most), dict[bytes, bytes]()
    for commit in made:
        stored.update(commit)
        cache.committed(commit)
        names = [b"c%02d" % n for n in range(41)]
        for name, found in zip(names, cache.find(names), strict=True):
            assert found is None or found == stored[name]


@given(commits, st.integers(0, 30))
def test_it_holds_no_more_than_it_may_and_one_commit(made: list[dict[bytes, bytes]], most: int) -> None:
    cache = RecordCache(lambda: most)
    for commit in made:
        cache.committed(commit)
        held = sum(found is not None for found in cache.find([b"c%02d" % n for n in range(41)]))
        assert held <= most + 10


def test_who_comes_back_stays() -> None:
    cache = RecordCache(lambda: 10)
    for n in range(100):
        cache.committed({b"regular": b"%d" % n, b"once%d" % n: b""})
    assert cache.find([b"regular", b"once1", b"once99"]) == [b"99", None, b""]


def test_nothing_is_kept_where_nothing_may_be() -> None:
    cache = RecordCache(lambda: 0)
    cache.committed({b"c": b"x"})
    assert cache.find([b"c"]) == [None]


def test_what_is_too_much_when_the_share_shrinks_is_dropped_with_the_next_commits() -> None:
    most = 1_000
    cache = RecordCache(lambda: most)
    for n in range(1_000):
        cache.committed({b"c%03d" % n: b""})
    names = [b"c%03d" % n for n in range(1_000)]
    most = 20
    for n in range(3):
        cache.committed({b"new-%d" % n: b""})
    assert sum(found is not None for found in cache.find(names)) <= most
    assert cache.find([b"new-2"]) == [b""]


def test_who_left_the_store_is_in_no_generation() -> None:
    cache = RecordCache(lambda: 4)
    cache.committed({b"a": b"1", b"b": b"1"})
    cache.committed({b"c": b"1"}, [b"a", b"unknown"])
    cache.committed({}, [b"c"])
    assert cache.find([b"a", b"b", b"c"]) == [None, b"1", None]
