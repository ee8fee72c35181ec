"""The course of a programme's first figure, and how many units would show more."""

from __future__ import annotations

from random import Random

import pytest

from models.proof.course import LIFTS, LOOKS, course
from models.proof.intervals import smallest_visible, units_to_see
from models.proof.programme import ALPHA, Seen, Unit, programme

NOTHING = (False, False, False)


def units(many: int, matured: int) -> list[Unit]:
    """In disorder; of the first so many the first age is over."""
    random, found = Random(7), []
    for number in range(many):
        control = random.random() < 0.2
        kept = random.random() < (0.4 if control else 0.6)
        then = Seen(kept, 1.0, NOTHING) if number < matured else None
        found.append(Unit(1_000 * number, control, 0.2, False, Seen(False, 0.0, NOTHING), (then,)))
    random.shuffle(found)
    return found


def test_the_last_look_is_what_the_programme_says_and_each_one_before_what_it_said_then() -> None:
    all_of_them = units(1_000, 900)
    found = course(all_of_them)
    assert len(found.looks) == LOOKS
    assert found.looks[-1].units == 900
    for look in (found.looks[10], found.looks[-1]):
        then = [one for one in all_of_them if one.time <= look.time]
        assert look.lift == programme("s", then, 1, 300.0).primary(0)[0]
    assert [one.time for one in found.looks] == sorted(one.time for one in found.looks)
    assert found.looks[-1].lift.lift == pytest.approx(0.2, abs=0.08)


def test_of_few_there_is_a_look_for_each_and_of_none_nothing() -> None:
    assert [one.units for one in course(units(9, 3)).looks] == [1, 2, 3]
    assert course(units(9, 0)).looks == ()
    assert course(units(9, 0)).to_see == dict.fromkeys(LIFTS)


def test_so_many_units_show_a_lift_and_one_fewer_does_not() -> None:
    for lift in LIFTS:
        enough = units_to_see(lift, 0.9, ALPHA)
        assert enough is not None
        assert smallest_visible(enough, 0.9, ALPHA) <= lift < smallest_visible(enough - 1, 0.9, ALPHA)
    assert units_to_see(1e-9, 1.0, ALPHA) is None
    told = course(units(1_000, 1_000)).to_see
    assert list(told) == list(LIFTS)
    counts = [many for many in told.values() if many is not None]
    assert len(counts) == len(LIFTS)
    assert counts == sorted(counts)
