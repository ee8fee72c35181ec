"""The programme: everybody for whom marketing would have been decided, from then on, by what they were drawn for.

A unit is a customer, indexed at their first would-be marketing decision under a salt, before any treatment under it.
Compared is by intention to treat, at fixed ages, whatever was sent later; a unit counts at an age once that is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from models.proof.difference import Difference, Lift
from models.proof.intervals import TUNED_FOR
from models.proof.sample_ratio import SampleRatio

ALPHA: Final = 0.05
"""The chance that one of the two first figures is ever wrong: half of it for each. The rest are there to be looked at,
and share it anew."""
HARMS: Final = ("complaint", "unsubscribed", "bad_mention")
"""What may come of too much marketing: a complaint; a refusal of marketing, or an unsubscription; a low rating."""


class Seen(NamedTuple):
    """What came of a unit at an age.

    kept: bought in the last window of it. money: net of returns, discounts and contacts, in all of it. harms: by
    `HARMS`, whether there was one. cost: of contacts and discounts, taken from `money` already.
    """

    kept: bool
    money: float
    harms: tuple[bool, ...]
    cost: float = 0.0


class Unit(NamedTuple):
    """A customer at their index. control: drawn for it. share: of control, as set then. placebo: the drawing of two
    parts of those who were treated alike. ages: what came of them, by age; None: not over yet. before: the same of the
    window before the index."""

    time: int
    control: bool
    share: float
    placebo: bool
    before: Seen
    ages: tuple[Seen | None, ...]


@dataclass(slots=True)
class AtAge:
    """The comparison at one age. capped: the share of control's money that the cut took away. cost: of those who were
    treated."""

    kept: Difference
    harms: tuple[Difference, ...]
    units: int = 0
    lost: float = 0.0
    money: float = 0.0
    cost: float = 0.0

    def each_kept(self, kept: Lift) -> tuple[float, float | None] | None:
        """What a customer cost whom the programme kept, from and to: the cost of those treated over the ends of the
        lift. None: it may have kept nobody. The upper end is None where the lower end of the lift is next to
        nothing."""
        if kept.interval is None or not kept.interval.above_zero or not self.kept.treated.units:
            return None
        each = self.cost / self.kept.treated.units
        return each / kept.interval.high, each / kept.interval.low if kept.interval.low > 1e-6 else None

    @property
    def capped(self) -> float:
        return self.lost / self.money if self.money else 0.0


@dataclass(slots=True)
class Programme:
    """The table. ages: by age. alike: those treated alike, split as if one part were control (A/A). before: the window
    before the index. ratio: of the drawing. ratio_at: the same of those who are old enough for the first age."""

    salt: str
    ages: tuple[AtAge, ...]
    alike: Difference
    before: Difference
    ratio: SampleRatio = field(default_factory=SampleRatio)
    ratio_at: SampleRatio = field(default_factory=SampleRatio)

    @property
    def shown(self) -> bool:
        """Whether the drawing is what it should be, so that the comparison means something."""
        return not (self.ratio.blanks or self.ratio_at.blanks)

    def primary(self, age: int) -> tuple[Lift, Lift]:
        """Kept, and money. At the first age each has half of `ALPHA`; at the others they are there to be looked at."""
        alpha = ALPHA / 2.0 if age == 0 else ALPHA / self._explored
        return self.ages[age].kept.rates(alpha), self.ages[age].kept.money(alpha)

    def harms(self, age: int) -> list[Lift]:
        """By `HARMS`."""
        return [one.rates(ALPHA / self._explored) for one in self.ages[age].harms]

    @property
    def _explored(self) -> int:
        """Figures that are shown beside the two first."""
        return 2 * (len(self.ages) - 1) + len(HARMS) * len(self.ages) + 2

    def checks(self) -> tuple[Lift, Lift]:
        """Of kept: those treated alike, and before the index. Both should be zero."""
        return self.alike.rates(ALPHA / self._explored), self.before.rates(ALPHA / self._explored)


def programme(salt: str, units: Iterable[Unit], ages: int, cap: float, tuned_for: int = TUNED_FOR) -> Programme:
    """The table of a salt.

    Args:
        salt: of the control group.
        units: in any order; they are taken by their time.
        ages: how many each has.
        cap: money is cut at so much above and below zero, since one large order would say everything.
        tuned_for: units at which intervals are narrowest.
    """
    harms = tuple(Difference(tuned_for) for _ in HARMS)
    found = Programme(
        salt,
        tuple(AtAge(Difference(tuned_for), tuple(Difference(tuned_for) for _ in harms)) for _ in range(ages)),
        Difference(tuned_for),
        Difference(tuned_for),
    )
    for unit in sorted(units, key=lambda one: one.time):
        found.ratio.add(unit.control, unit.share)
        found.before.add(unit.control, unit.share, unit.before.kept, cut(unit.before.money, cap))
        for number, (age, seen) in enumerate(zip(found.ages, unit.ages, strict=True)):
            if seen is not None:
                _add(age, unit, seen, cap)
                if number == 0:
                    found.ratio_at.add(unit.control, unit.share)
                    if not unit.control:
                        found.alike.add(unit.placebo, unit.share, seen.kept, cut(seen.money, cap))
    return found


def cut(money: float, cap: float) -> float:
    return min(max(money, -cap), cap)


def _add(age: AtAge, unit: Unit, seen: Seen, cap: float) -> None:
    age.units += 1
    age.kept.add(unit.control, unit.share, seen.kept, cut(seen.money, cap))
    for difference, harm in zip(age.harms, seen.harms, strict=True):
        difference.add(unit.control, unit.share, harm, 0.0)
    age.cost += 0.0 if unit.control else seen.cost
    if unit.control and seen.money > 0.0:
        age.money += seen.money
        age.lost += max(0.0, seen.money - cap)


def by_salt(units: Sequence[tuple[str, Unit]]) -> dict[str, list[Unit]]:
    """Units of each salt, in the order in which salts first appear."""
    found: dict[str, list[Unit]] = {}
    for salt, unit in sorted(units, key=lambda one: one[1].time):
        found.setdefault(salt, []).append(unit)
    return found
