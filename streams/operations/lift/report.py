"""The report: the programme by salt and age, the policy and each action against leaving alone, and the checks."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from models.proof.course import Course, course
from models.proof.draws import By, Draws, OfAction, of_draws
from models.proof.programme import ALPHA, HARMS, Programme, by_salt, programme
from models.settings import DAY, WEEK
from streams.config import Config
from streams.operations.audit.files import lines_of
from streams.operations.lift.held import data_of
from streams.operations.lift.reading import Found, Terms, read_all

PACE: Final = 4 * WEEK
"""Customers come to a programme at the pace of so long a time."""
GROUPS: Final[dict[By, str]] = {
    "action": "groups",
    "level": "levels",
    "tier": "tiers",
    "stage": "stages",
    "class": "classes",
}
"""What the groups of draws are called."""


@dataclass(slots=True)
class LiftReport:
    """All of it. programmes, courses: by salt, the latest last. pace: by salt, how many customers a week came to it
    lately."""

    found: Found
    terms: Terms
    programmes: dict[str, Programme]
    draws: Draws
    courses: dict[str, Course]
    pace: dict[str, float]

    def data(self) -> dict[str, Any]:
        """As plain data, for `--json`."""
        found = self.found
        return {
            "margin": self.terms.margin,
            "cap": self.terms.cap,
            "alpha": ALPHA,
            "from": found.first,
            "until": found.last,
            "programme": [self._programme(salt, one) for salt, one in self.programmes.items()],
            "draws": {
                "matured": self.draws.policy.draws,
                "open": found.open_draws,
                "policy": self._effect(self.draws.policy, 2),
                "actions": {name: self._effect(one, self.cells) for name, one in self.draws.actions.items()},
                GROUPS[self.draws.by]: {name: self._effect(one, self.cells) for name, one in self.draws.groups.items()},
            },
            "renewals": found.renewals.data(),
            "held": data_of(found.held),
            "exempt": found.exempt,
            "merged": found.merged,
            "decisions_without_policy": found.without_policy,
            "unread": found.unread,
        }

    @property
    def cells(self) -> int:
        """Figures of draws that are there to be looked at."""
        return max(2 * (len(self.draws.actions) + len(self.draws.groups)), 1)

    def _effect(self, one: OfAction, cells: int) -> dict[str, Any]:
        kept, money = one.kept(ALPHA / cells), one.money(ALPHA / cells)
        return {"draws": one.draws, "given": one.given, "kept": plain(kept.data()), "money": plain(money.data())}

    def _programme(self, salt: str, one: Programme) -> dict[str, Any]:
        alike, before = one.checks()
        told: dict[str, Any] = {
            "salt": salt,
            "indexed": one.ratio.units,
            "control": one.ratio.controls,
            "control_expected": one.ratio.expected,
            "ratio_evidence": max(one.ratio.evidence, one.ratio_at.evidence),
            "shown": one.shown,
            "alike": plain(alike.data()),
            "before": plain(before.data()),
        }
        ages = []
        for number, (age, days) in enumerate(zip(one.ages, self.days(salt), strict=True)):
            kept, money = one.primary(number)
            arms = {"treated": age.kept.treated, "control": age.kept.control}
            row: dict[str, Any] = {"days": days, "matured": age.units}
            row |= {name: {"units": arm.units, "kept": arm.rate, "money": arm.mean} for name, arm in arms.items()}
            row |= {"kept": plain(kept.data()), "money": plain(money.data()), "capped": age.capped}
            row |= {"cost": age.cost / age.kept.treated.units if age.kept.treated.units else 0.0}
            row |= {"cost_each_kept": age.each_kept(kept), "acquisition_cost": self.found.acquisition.get(salt)}
            harms = zip(HARMS, one.harms(number), age.harms, strict=True)
            row["harms"] = {
                name: {"treated": seen.treated.rate, "control": seen.control.rate, **plain(lift.data())}
                for name, lift, seen in harms
            }
            ages.append(row)
        told["ages"] = ages if one.shown else []
        told |= self._course(salt) if one.shown else {"course": [], "to_see": [], "a_week": None}
        return told

    def _course(self, salt: str) -> dict[str, Any]:
        """How kept stood at the first age whenever it was looked at, and how many customers would show how much."""
        known, age = self.courses[salt], self.found.ages[salt][0]
        looks = [{"time": one.time + age, "units": one.units, **plain(one.lift.data())} for one in known.looks]
        return {
            "course": looks,
            "to_see": [{"lift": lift, "units": units} for lift, units in known.to_see.items()],
            "a_week": self.pace.get(salt),
        }

    def days(self, salt: str) -> list[float]:
        """The ages of a salt's units."""
        return [age / DAY for age in self.found.ages[salt]]


def report_of(found: Found, terms: Terms, by: By = "level") -> LiftReport:
    """What was read, compared. by: what draws are told apart by."""
    units = by_salt(found.units)
    programmes = {salt: programme(salt, one, len(found.ages[salt]), terms.cap) for salt, one in units.items()}
    courses = {salt: course(one) for salt, one in units.items()}
    lately = max(min(PACE, found.last - found.first), 1)
    pace = {salt: sum(unit.time > found.last - lately for unit in one) * WEEK / lately for salt, one in units.items()}
    return LiftReport(found, terms, programmes, of_draws(found.draws, by=by), courses, pace)


def lift_of(config: Config, terms: Terms) -> dict[str, Any]:
    """Of the application's topics, read to their ends. Raises BrokerUnreachable, BrokerRefused, TopicMissing."""
    with ExitStack() as open_topics:
        return report_of(read_all(lines_of(config, None, open_topics), terms), terms).data()


def plain(told: dict[str, object]) -> dict[str, object]:
    """Without what JSON has no word for: what is not finite is null."""
    found: dict[str, object] = {}
    for name, value in told.items():
        if isinstance(value, dict):
            found[name] = plain(value)
        else:
            found[name] = None if isinstance(value, float) and not isfinite(value) else value
    return found
