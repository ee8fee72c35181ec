"""The sample of customers: the smallest hashes with their newest examples, fair, bounded, and back from plain data."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from models.churn.mixture.reservoir import SALT, Reservoir
from models.churn.snapshot import SnapshotRefused
from models.customer.layout import BASIS
from models.features.basis import TENURE_COLUMN
from models.settings import DAY

Example = tuple[bytes, int, bool]
"""Customer, a number that stands for the whole basis and the time, whether they were back."""

examples = st.lists(
    st.tuples(st.integers(0, 40).map(lambda number: f"c-{number}".encode()), st.integers(0, 99), st.booleans()),
    max_size=60,
)


def observe(sample: Reservoir, seen: list[Example]) -> None:
    numbers = np.array([number for _, number, _ in seen], dtype=np.int64)
    bases = np.repeat(numbers.astype(np.float32)[:, None], BASIS, axis=1)
    sample.observe(
        [customer for customer, *_ in seen], bases, numbers, np.array([back for *_, back in seen], dtype=bool)
    )


def observed(seen: list[Example], size: int = 8, salt: int = SALT) -> Reservoir:
    sample = Reservoir(size, salt)
    observe(sample, seen)
    return sample


@given(examples, st.integers(1, 50))
def test_the_members_are_the_customers_of_the_smallest_hashes_with_their_newest_examples(
    seen: list[Example], size: int
) -> None:
    newest = {xxh3_64_intdigest(customer, SALT): (number, back) for customer, number, back in seen}
    kept = sorted(newest)[:size]
    sample = observed(seen, size)
    assert sample.hashes.tolist() == kept
    assert list(zip(sample.observed_at.tolist(), sample.back.tolist(), strict=True)) == [newest[key] for key in kept]
    assert sample.bases.tolist() == [[newest[key][0]] * BASIS for key in kept]


@given(examples, st.lists(st.integers(0, 60), max_size=3))
def test_the_portions_in_which_examples_come_change_nothing(seen: list[Example], cuts: list[int]) -> None:
    sample, at = Reservoir(8), 0
    for cut in [*sorted(cuts), len(seen)]:
        observe(sample, seen[at:cut])
        at = max(at, cut)
    assert sample.snapshot() == observed(seen).snapshot()


def test_the_story_begins_with_the_members_and_not_with_a_few_old_dates() -> None:
    def begun(*tenures: float) -> float:
        sample = Reservoir()
        bases = np.zeros((len(tenures), BASIS), dtype=np.float32)
        bases[:, TENURE_COLUMN] = tenures
        names = [f"c-{row}".encode() for row in range(len(tenures))]
        taken = np.full(len(tenures), 20_000 * DAY, dtype=np.int64)
        sample.observe(names, bases, taken, np.zeros(len(tenures), dtype=np.bool_))
        return sample.began()

    assert begun(3.0) == 19_997
    assert begun(3.0, 9_000.0) == 19_997
    assert begun(*range(1, 11)) == 19_991
    assert begun(*([14.0] * 298), 9_000.0, 9_000.0, 9_000.0) == 20_000 - 14


@given(examples, examples)
def test_a_restored_reservoir_goes_on_like_the_one_that_never_stopped(
    before: list[Example], after: list[Example]
) -> None:
    restored = Reservoir(8)
    restored.restore(json.loads(json.dumps(observed(before).snapshot())))
    observe(restored, after)
    straight = observed(before)
    observe(straight, after)
    assert restored.snapshot() == straight.snapshot()


def test_every_customer_is_as_likely_a_member_however_often_and_whenever_they_come() -> None:
    # Who gives a hundred examples among those who give one: a sample of examples would hold little else.
    seen = [(f"c-{i}".encode(), i, i % 10 == 0) for i in range(20_000) for _ in range(20 if i % 10 == 0 else 1)]
    sample = observed(seen, size=2_000)
    assert sample.back.mean() == pytest.approx(0.1, abs=4 * (0.1 * 0.9 / 2_000) ** 0.5)
    assert sample.observed_at.mean() == pytest.approx(10_000, abs=4 * 20_000 / (12 * 2_000) ** 0.5)


def test_however_many_customers_come_no_more_are_kept() -> None:
    sample = Reservoir(10)
    for i in range(100):
        observe(sample, [(str(i).encode(), 0, False)])
        assert len(sample) == min(i + 1, 10)


def test_another_salt_gives_another_sample() -> None:
    seen = [(str(i).encode(), i, False) for i in range(100)]
    assert observed(seen, salt=1).observed_at.tolist() != observed(seen, salt=2).observed_at.tolist()


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
        ({"taken": [1, 2.5]}, "taken holds 2.5"),
        ({"taken": [1, True]}, "taken holds True"),
        ({"back": [1, 2]}, "back holds 2"),
        ({"bases": "AAAA"}, "bases must be base64"),
        ({"bases": "AAAAAAAA"}, "bases must be 2 rows"),
        ({"bases": "é"}, "bases must be base64"),
        ({"bases": None}, "bases must be base64"),
        (
            {key: [1] * 9 if key != "hashes" else list(range(9)) for key in ("hashes", "taken", "back")},
            "at most",
        ),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused_and_changes_nothing(change: dict[str, Any], complaint: str) -> None:
    sample = observed([(b"a", 1, True)])
    before = sample.snapshot()
    good = observed([(b"a", 1, True), (b"b", 2, False)]).snapshot()
    with pytest.raises(SnapshotRefused, match=complaint):
        sample.restore({**good, **change})
    assert sample.snapshot() == before
    sample.restore(good)
    assert sample.snapshot() == good
