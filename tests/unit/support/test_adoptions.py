"""The tests' own rule of model versions finds what breaks it."""

from __future__ import annotations

from math import inf

import msgspec
import pytest

from models.settings import HOUR, EngineSettings
from models.timeline.shard_state import ShardState
from tests.support.adoptions import NONE, Adoption, Dated, Journal, check_allowed, check_newest, newest_allowed

SETTINGS = EngineSettings(boundary=HOUR, version_delay=HOUR)


def at(crossed: float, version: float, late: bool = False) -> Adoption:
    return Adoption(round(version * HOUR), round(crossed * HOUR), late, 0)


@pytest.mark.parametrize(("delay", "newest"), [(0, 12), (0.5, 11), (1, 11), (1.5, 10), (3, 9)])
def test_the_newest_version_at_noon_is_that_of_the_last_boundary_before_the_delay(delay: float, newest: int) -> None:
    settings = EngineSettings(boundary=HOUR, version_delay=round(delay * HOUR))
    assert newest_allowed(settings, 12 * HOUR) == newest * HOUR


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([at(12, 11), at(13, 12)], ""),
        ([at(12, 9), at(14, 12, late=True)], ""),
        ([at(12, 12)], "by the rule at most"),
        ([at(12, 11.5)], "by the rule at most"),
        ([at(12, 10), at(13, 13, late=True)], "by the rule at most"),
        ([at(12, 11), at(13, 11)], "came after"),
        ([at(12, 11), at(13, 10)], "came after"),
        ([at(12.5, 11)], "is not at a boundary"),
    ],
)
def test_live_a_version_that_is_too_new_or_older_than_what_is_in_force_is_found(
    changes: list[Adoption], found: str
) -> None:
    if not found:
        check_allowed(SETTINGS, changes, origin=0)
        return
    with pytest.raises(AssertionError, match=found):
        check_allowed(SETTINGS, changes, origin=0)


@pytest.mark.parametrize("version", [9, 10, 12])
def test_in_lockstep_every_other_version_is_found(version: int) -> None:
    check_allowed(SETTINGS, [at(5, NONE / HOUR), at(12, 11)], origin=6 * HOUR, live_from=inf)
    with pytest.raises(AssertionError, match="by the rule"):
        check_allowed(SETTINGS, [at(12, version)], origin=6 * HOUR, live_from=inf)
    with pytest.raises(AssertionError, match="no version is late"):
        check_allowed(SETTINGS, [at(12, 11, late=True)], origin=6 * HOUR, live_from=inf)


@pytest.mark.parametrize(("asked", "missed"), [(900, False), (1_000, False), (1_001, True)])
def test_an_older_version_is_found_when_a_newer_one_was_in_force_elsewhere_by_then(asked: int, missed: bool) -> None:
    changes = [Dated(at(13, 11), 500, 1_000), Dated(at(12, 10), asked, asked + 5)]
    if not missed:
        check_newest(SETTINGS, changes)
        return
    with pytest.raises(AssertionError, match="were published"):
        check_newest(SETTINGS, changes)
    # One that it might not take yet is none that it missed.
    check_newest(SETTINGS, [Dated(at(13, 12), 500, 1_000), Dated(at(12, 10), asked, asked + 5)])


@pytest.mark.parametrize(
    ("published", "took", "wrong"), [(11, 11, False), (12, 11, False), (10, 10, False), (11, 10, True), (12, 9, True)]
)
def test_a_shard_that_passes_a_boundary_with_less_than_was_published_is_found(
    published: int, took: int, wrong: bool
) -> None:
    before = ShardState(0, 1, 500, boundary=12 * HOUR, adopted=11 * HOUR, version=9 * HOUR, sequences={"decisions": 3})
    after = msgspec.structs.replace(before, adopted=12 * HOUR, version=took * HOUR)
    journal = Journal(SETTINGS)
    journal.committed(before, published * HOUR, {"decisions": 3})
    journal.committed(after, published * HOUR, {"decisions": 3})
    assert bool(journal.wrong) == wrong
    # What repeats what is public goes by its records, and so may whoever has just taken the shard over.
    for public, taken_over in (({"decisions": 4}, False), ({}, True)):
        other = Journal(SETTINGS)
        other.committed(before, published * HOUR, public)
        if taken_over:
            other.taken_over(0)
        other.committed(after, published * HOUR, public)
        assert other.wrong == []
