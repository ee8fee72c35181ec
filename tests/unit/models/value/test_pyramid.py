"""The pyramid: whole numbers that add up in any order, cuts at the shares asked for, tiers that do not flicker."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.value.pyramid import BAND, EDGES, MOST, SHARES, Histogram, bucket_of, tier_of, value_of

VALUES = st.lists(st.floats(0.0, 1e7), max_size=60)


def test_edges_are_whole_numbers_that_rise_by_a_fiftieth_at_most() -> None:
    assert EDGES[0] == 0
    for low, high in pairwise(EDGES):
        assert type(high) is int
        assert low < high
        assert high == low + 1 or high * 100 <= low * 102


@given(st.floats(allow_nan=False))
def test_a_value_lies_in_its_bucket(value: float) -> None:
    bucket = bucket_of(value)
    hundredths = min(max(value * 100.0, 0.0), float(MOST))
    assert EDGES[bucket] <= hundredths
    assert bucket == len(EDGES) - 1 or hundredths < EDGES[bucket + 1]


def test_a_value_that_is_no_number_is_in_the_lowest_bucket() -> None:
    assert bucket_of(float("nan")) == 0


@given(st.floats(0.0, 1e9), st.floats(0.0, 1e9))
def test_more_value_is_never_a_lower_bucket(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert bucket_of(low) <= bucket_of(high)


@given(VALUES, st.integers(1, 6), st.integers(0, 10**6))
def test_parts_merged_in_any_order_are_the_whole(values: list[float], parts: int, seed: int) -> None:
    whole = Histogram.of(values)
    pieces = [Histogram.of(values[part::parts]) for part in range(parts)]
    Random(seed).shuffle(pieces)
    merged = Histogram()
    for piece in pieces:
        merged.merge(piece)
    assert merged.counts == whole.counts
    assert merged.cuts() == whole.cuts()
    assert merged.customers == len(values)


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.floats(0.0, 1e5)), max_size=60))
def test_after_any_moves_the_histogram_is_that_of_the_last_values(
    moves: list[tuple[int, float | None]],
) -> None:
    found, stands = Histogram(), dict[int, int]()
    for customer, value in moves:
        new = None if value is None else bucket_of(value)
        found.move(stands.pop(customer, None), new)
        if new is not None:
            stands[customer] = new
    assert found.customers == len(stands)
    again = Histogram()
    for bucket in stands.values():
        again.move(None, bucket)
    assert found.counts == again.counts


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=200))
def test_a_cut_is_the_lowest_bucket_with_at_most_the_share_in_it_and_above(
    values: list[float],
) -> None:
    buckets = [bucket_of(value) for value in values]
    cuts = Histogram.of(values).cuts()
    assert cuts == sorted(cuts, reverse=True)
    for share, cut in zip(SHARES, cuts, strict=True):
        assert sum(bucket >= cut for bucket in buckets) <= share * len(values)
        assert cut == 0 or sum(bucket >= cut - 1 for bucket in buckets) > share * len(values)


def test_a_crowd_at_one_value_is_in_one_tier_together() -> None:
    histogram = Histogram.of([10.0] * 90 + [100.0] * 10)
    cuts = histogram.cuts()
    assert [tier_of(bucket_of(value), cuts) for value in (10.0, 100.0)] == [3, 2]


@given(st.integers(0, 300), st.lists(st.integers(0, 300), min_size=3, max_size=3), st.none() | st.integers(0, 3))
def test_a_tier_is_kept_within_the_band_and_left_beyond_it(bucket: int, cuts: list[int], old: int | None) -> None:
    cuts = sorted(cuts, reverse=True)
    plain, found = tier_of(bucket, cuts), tier_of(bucket, cuts, old)
    if old is None:
        assert found == plain
        return
    assert min(old, plain) <= found <= max(old, plain)
    if all(abs(bucket - cut) > BAND for cut in cuts):
        assert found == plain
    if all(abs(bucket - cut) < BAND for cut in cuts):
        assert found == old
    assert tier_of(bucket, cuts, found) == found, "a second look at the same bucket changes nothing"


def test_who_swings_about_a_cut_changes_the_tier_once() -> None:
    cuts, tier, changes = [200], 1, 0
    for bucket in (203, 198, 206, 199, 204, 198, 201):
        now = tier_of(bucket, cuts, tier)
        changes, tier = changes + (now != tier), now
    assert (tier, changes) == (0, 1)


@given(VALUES)
def test_plain_data_makes_it_again(values: list[float]) -> None:
    histogram = Histogram.of(values)
    assert Histogram.from_state(json.loads(json.dumps(histogram.state()))).counts == histogram.counts


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ({}, "must be a list"),
        ([[1]], "must be a bucket and a count"),
        ([[1, 2.0]], "must be a bucket and a count"),
        ([[1, True]], "must be a bucket and a count"),
        ([[1, 2], [1, 3]], "bucket 1 twice"),
        ([[len(EDGES), 2]], "bucket is"),
        ([[-1, 2]], "bucket is -1"),
    ],
)
def test_data_that_is_no_histogram_is_refused(state: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Histogram.from_state(state)


def test_nobody_can_leave_an_empty_bucket() -> None:
    with pytest.raises(ValueError, match="nobody is in bucket 7"):
        Histogram().move(7, 8)


@pytest.mark.parametrize("shares", [(0.2, 0.1), (0.1, 0.1), (-0.1, 0.2), (0.5, 1.5)])
def test_shares_that_do_not_rise_within_one_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="shares are"):
        Histogram.of([1.0]).cuts(shares)


def test_an_edge_is_the_least_value_of_its_bucket() -> None:
    assert all(bucket_of(value_of(bucket) + 1e-9) == bucket for bucket in range(1, 700))
