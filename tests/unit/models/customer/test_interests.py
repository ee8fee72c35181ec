"""Decayed counts of topics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.interests import HALF_LIFE_DAYS, MAX_INTERESTS, interested, unpack_interests
from models.settings import DAY
from tests.support.logs import START

HALF = int(HALF_LIFE_DAYS * DAY)


def told(*topics: tuple[str, int]) -> dict[str, float]:
    stored = b""
    for topic, time in topics:
        stored = interested(stored, topic, START + time)
    return unpack_interests(stored)[1]


def test_a_topic_counts_half_after_its_half_life() -> None:
    assert told(("tea", 0), ("coffee", HALF)) == {"coffee": 1.0, "tea": 0.5}
    assert told(("tea", 0), ("tea", HALF)) == {"tea": 1.5}


def test_an_older_touchpoint_enters_already_decayed() -> None:
    assert told(("coffee", HALF), ("tea", 0)) == {"coffee": 1.0, "tea": 0.5}


def test_the_weakest_of_eight_makes_room_for_a_new_one() -> None:
    others = [(f"topic-{n}", n) for n in range(MAX_INTERESTS) for _ in range(2)]
    kept = told(*others, ("weak", DAY), ("new", 2 * DAY))
    assert len(kept) == MAX_INTERESTS
    assert "new" in kept
    assert "weak" not in kept


def test_what_has_faded_is_forgotten() -> None:
    assert list(told(("tea", 0), ("coffee", 6 * HALF))) == ["coffee"]


@pytest.mark.parametrize("topic", ["\U0001f600" * 64, "x"])
def test_a_topic_of_any_length_is_kept(topic: str) -> None:
    [kept] = told((topic, 0))
    assert topic.startswith(kept)


@given(st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.integers(0, 4 * HALF)), max_size=60))
def test_there_are_never_more_than_eight(topics: list[tuple[str, int]]) -> None:
    kept = told(*topics)
    assert len(kept) <= MAX_INTERESTS
    assert list(kept.values()) == sorted(kept.values(), reverse=True)
