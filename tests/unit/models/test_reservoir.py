"""The sample of customers: the same whatever the order, fair, bounded, and back from plain data."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from models.churn.reservoir import SALT, Reservoir
from models.churn.snapshot import SnapshotRefused

Observation = tuple[bytes, int, int, int]

observations = st.lists(
    st.tuples(
        st.integers(0, 40).map(lambda number: f"c-{number}".encode()),
        st.integers(0, 9),
        st.integers(-5, 50),
        st.integers(0, 300),
    ).map(lambda seen: (seen[0], seen[1], seen[2], seen[2] + seen[3])),
    max_size=120,
)


def observed(seen: list[Observation], size: int = 8, salt: int = SALT) -> Reservoir:
    sample = Reservoir(size, salt)
    for observation in seen:
        sample.observe(*observation)
    return sample


@given(observations, st.randoms(use_true_random=False))
def test_members_and_their_numbers_do_not_depend_on_the_order(seen: list[Observation], random: Random) -> None:
    shuffled = random.sample(seen, len(seen))
    assert observed(shuffled).snapshot() == observed(seen).snapshot()


@given(observations, st.integers(1, 50))
def test_the_members_are_the_customers_of_the_smallest_hashes_with_all_that_was_seen_of_them(
    seen: list[Observation], size: int
) -> None:
    hashes = {xxh3_64_intdigest(customer, SALT): customer for customer, *_ in seen}
    kept = sorted(hashes)[:size]
    mine = [[row for row in seen if row[0] == hashes[key]] for key in kept]
    state = observed(seen, size).snapshot()
    assert state["hashes"] == kept
    assert state["x"] == [max(row[1] for row in rows) for rows in mine]
    assert state["first_days"] == [min(row[2] for row in rows) for rows in mine]
    assert state["last_days"] == [max(row[3] for row in rows) for rows in mine]


@given(observations)
def test_columns_and_single_observations_come_to_the_same(seen: list[Observation]) -> None:
    sample = Reservoir(8)
    numbers = np.array([row[1:] for row in seen], dtype=np.int64).reshape(-1, 3)
    sample.observe_many([row[0] for row in seen], *numbers.T)
    assert sample.snapshot() == observed(seen).snapshot()


@given(observations, observations)
def test_a_restored_reservoir_goes_on_like_the_one_that_never_stopped(
    before: list[Observation], after: list[Observation]
) -> None:
    straight = observed(before + after)
    restored = Reservoir(8)
    restored.restore(json.loads(json.dumps(observed(before).snapshot())))
    for observation in after:
        restored.observe(*observation)
    assert restored.snapshot() == straight.snapshot()
    for found, wanted in zip(restored.columns(400), straight.columns(400), strict=True):
        assert found.tobytes() == wanted.tobytes()


def test_columns_are_in_weeks_as_of_now() -> None:
    sample = observed([(b"a", 3, 100, 121)])
    assert [column.tolist() for column in sample.columns(now_day=135)] == [[3.0], [3.0], [5.0]]
    assert [column.tolist() for column in sample.columns(now_day=110)] == [[3.0], [3.0], [3.0]]


def test_an_empty_reservoir_has_empty_columns() -> None:
    assert [column.shape for column in Reservoir(8).columns(now_day=0)] == [(0,), (0,), (0,)]


def test_every_customer_is_as_likely_a_member_however_often_and_whenever_they_buy() -> None:
    # Who buys a hundred times among those who buy once: a sample of purchases would hold little else.
    seen = [(f"c-{i}".encode(), 99 if i % 10 == 0 else 0, i, i) for i in range(20_000)]
    sample = observed(seen, size=2_000)
    x, _, age = sample.columns(now_day=20_000)
    assert (x > 0).mean() == pytest.approx(0.1, abs=4 * (0.1 * 0.9 / 2_000) ** 0.5)
    assert age.mean() * 7 == pytest.approx(10_000, abs=4 * 20_000 / (12 * 2_000) ** 0.5)


def test_however_many_customers_come_no_more_are_kept() -> None:
    sample = Reservoir(10)
    for i in range(1_000):
        sample.observe(str(i).encode(), 0, 0, 0)
        assert len(sample) == min(i + 1, 10)


def test_another_salt_gives_another_sample() -> None:
    seen = [(str(i).encode(), i, 0, 0) for i in range(100)]
    assert observed(seen, salt=1).snapshot()["x"] != observed(seen, salt=2).snapshot()["x"]


@pytest.mark.parametrize("observation", [(-1, 0, 0), (0, 2, 1), (0, 0, 2**40), (2**40, 0, 0)])
def test_what_no_customer_is_is_refused(observation: tuple[int, int, int]) -> None:
    sample = Reservoir(8)
    with pytest.raises(ValueError, match="no customer has"):
        sample.observe(b"a", *observation)
    assert len(sample) == 0


@pytest.mark.parametrize(("size", "salt"), [(0, 1), (8, -1), (8, 2**64)])
def test_a_reservoir_of_no_size_or_with_a_salt_too_long_is_refused(size: int, salt: int) -> None:
    with pytest.raises(ValueError, match="size"):
        Reservoir(size, salt)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"size": 9}, "size 9"),
        ({"salt": 1}, "salt 1"),
        ({"hashes": None}, "hashes must be a list"),
        ({"hashes": [2, 1]}, "hashes must rise"),
        ({"hashes": [1, 1]}, "hashes must rise"),
        ({"hashes": [1]}, "columns of"),
        ({"hashes": [1, 2**64]}, "hashes holds"),
        ({"x": [1, 2.5]}, "x holds 2.5"),
        ({"x": [1, True]}, "x holds True"),
        ({"x": [1, -1]}, "x holds -1"),
        ({"x": list(range(9))}, "columns of"),
        ({"first_days": "10"}, "first_days must be a list"),
        ({"last_days": [5, 10**12]}, "last_days holds"),
        ({"first_days": [0, 8]}, "first day is after the last"),
        ({key: list(range(9)) for key in ("hashes", "x", "first_days", "last_days")}, "at most 8"),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused_and_changes_nothing(change: dict[str, Any], complaint: str) -> None:
    sample = observed([(b"a", 1, 2, 3)])
    before = sample.snapshot()
    good = {"size": 8, "salt": SALT, "hashes": [1, 2], "x": [1, 2], "first_days": [0, 0], "last_days": [7, 7]}
    with pytest.raises(SnapshotRefused, match=complaint):
        sample.restore({**good, **change})
    assert sample.snapshot() == before
    sample.restore(good)
    assert sample.snapshot() == good
