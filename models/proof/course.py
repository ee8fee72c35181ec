"""How the first figure of a programme stood whenever it could have been looked at, and what is to come until it says
more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from models.proof.difference import Difference, Lift
from models.proof.intervals import TUNED_FOR
from models.proof.programme import ALPHA, Unit

LOOKS: Final = 60
"""Of the course, spread evenly over its units."""
LIFTS: Final = (0.05, 0.02, 0.01, 0.005)
"""Of which it is told how many units would show them."""


class Look(NamedTuple):
    """What was known once a unit's first age was over. time: of its index, ms; it was known an age later. units: old
    enough by then."""

    time: int
    units: int
    lift: Lift


class Course(NamedTuple):
    """looks: oldest first. to_see: by lift, units that would show it; None: not to be told."""

    looks: tuple[Look, ...]
    to_see: dict[float, int | None]


def course(units: Iterable[Unit], looks: int = LOOKS, tuned_for: int = TUNED_FOR) -> Course:
    """Of kept, at the first age. units: of a salt, in any order. tuned_for: as `programme` has it."""
    matured = sorted((one for one in units if one.ages[0] is not None), key=lambda one: one.time)
    every = max(1, -(-len(matured) // looks))
    found, seen = [], Difference(tuned_for)
    for number, unit in enumerate(matured, 1):
        then = unit.ages[0]
        assert then is not None
        seen.add(unit.control, unit.share, then.kept, 0.0)
        if number % every == 0 or number == len(matured):
            found.append(Look(unit.time, number, seen.rates(ALPHA / 2.0)))
    return Course(tuple(found), {lift: seen.units_to_see(lift, ALPHA / 2.0) for lift in LIFTS})
