"""Points and the levels of the loyalty programme, from the topics alone: what they owe each other at a place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from models.outputs import Decision
from models.touchpoints import Touch
from streams.operations.audit.breaches import Breach, Finding
from streams.operations.audit.levels import MEMBERSHIP, Memberships
from streams.operations.audit.person import Person
from streams.operations.audit.points import LEDGER, Points
from streams.operations.audit.policies import InForce, Policy
from streams.operations.audit.records import Place

BOOKS: Final = (LEDGER, MEMBERSHIP)
"""What a decision is about that books something."""


class Programme:
    """Those of a partition. since: what was owed before this log time (ms) is not judged."""

    def __init__(self, in_force: InForce, since: int) -> None:
        self.points, self.levels = Points(in_force, since), Memberships(in_force, since)

    def is_partial(self) -> bool:
        """The log at hand has no beginning: true, from then on."""
        self.points.partial = self.levels.partial = True
        return True

    def arrives(self, touch: Touch, person: Person, policy: Policy | None, now: int) -> None:
        """A touchpoint comes, and is known to the person by now."""
        self.levels.arrives(touch, person, policy, now)
        self.points.arrives(touch, person, policy, now)

    def speaks_of(self, decision: Decision) -> None:
        """Something was decided about a customer."""
        self.points.speaks_of(decision.customer)
        self.levels.speaks_of(decision.customer)
        if decision.what in ("reopened", "forgotten"):
            self.begins_anew(decision.customer)

    def joins(self, customer: str, person: Person) -> None:
        """What another id had is the customer's: what that was is not known here."""
        self.points.joins(customer)
        self.levels.joins(customer, person)

    def begins_anew(self, customer: str, unsure: bool = False) -> None:
        """Nothing is known of a customer any more. unsure: nobody can say."""
        self.points.begins_anew(customer, unsure)
        self.levels.begins_anew(customer, unsure)

    def hears(self, decision: Decision, person: Person | None, place: Place) -> Iterator[Finding]:
        """An entry is said."""
        if decision.what == LEDGER:
            yield from self.points.hears(decision, person, place)
            self.levels.booked(decision)
            return
        yield from self.levels.hears(decision, person, place)
        if person is not None and decision.membership is not None and not decision.membership.cause:
            self.points.moved(person)

    def stage_moved(self, person: Person) -> None:
        """The customer whose touchpoint is at hand is at another stage, which is said before what they earn."""
        self.points.moved(person)

    def judge(self, place: Place) -> None:
        """What a touchpoint owes and nobody has said, once its place is over."""
        self.points.judge(place)
        self.levels.judge(place)

    def breaches(self, now: int) -> Iterator[Breach]:
        """At the end of the log."""
        return chain(self.points.breaches(now), self.levels.breaches(now))

    def notes(self) -> Iterator[str]:
        return chain(self.points.notes(), self.levels.notes())
