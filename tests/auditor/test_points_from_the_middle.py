"""Where the log does not go back to the beginning of an account, nothing is said against it that cannot be known."""

from __future__ import annotations

import pytest

from streams.operations.audit import Arrival, Line, Report, audit
from tests.unit.models.engine.test_life_of_a_moment import SETTINGS, Story
from tests.unit.models.engine.test_points import KEPT

STORY = (
    Story(KEPT, days=90)
    .then(1, "review", rating=5)
    .then(9, "reward_redeemed", reward="cup", points=100)
    .then(12, "reward_cancelled", reward="cup")
    .then(13, "return", amount=4)
    .then(20, "purchase", amount=7)
    .then(30, "reward_redeemed", reward="cup", points=100)
)


def report(first: int, move: int = 0) -> Report:
    """Of the story from an offset on. move: all offsets are so much less, as after a backfill of what is below zero."""
    log = [Arrival(one.offset - move, one.timestamp, one.key, one.value) for one in STORY.log() if one.offset >= first]
    said = [one.value for one in STORY.run().kept.outputs if one.role == "decisions"]
    there = [(value, _offset(value)) for value in said if _offset(value) >= first or move]
    moved = [value.replace(_OFFSET % at, _OFFSET % (at - move)) for value, at in there]
    return audit([Line(0, log, [], moved)], SETTINGS.lateness)


_OFFSET = b'"offset":%d,'


def _offset(value: bytes) -> int:
    return int(value.partition(b'"offset":')[2].partition(b",")[0])


def of_points(found: Report) -> list[str]:
    return [one.rule for one in found.breaches if one.rule.startswith("points")]


def test_the_whole_story_is_judged() -> None:
    found = report(0)
    assert of_points(found) == []
    assert not [note for note in found.notes if "accounts" in note]


@pytest.mark.parametrize("first", range(1, len(STORY.log()) - 1))
def test_a_log_that_begins_in_the_middle(first: int) -> None:
    assert of_points(report(first)) == []


@pytest.mark.parametrize("first", range(1, len(STORY.log()) - 1))
def test_a_log_whose_beginning_was_backfilled(first: int) -> None:
    found = report(first, move=first)
    assert of_points(found) == []
