"""What asks for a decision, and what a gate answers."""

from __future__ import annotations

from typing import Final, NamedTuple

from models.decisions.basis import closed
from models.decisions.hours import Opening, opening_by
from models.decisions.limits import Mark, marks_of
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.purse import Purse
from models.decisions.rule_types import Rules
from models.decisions.rules import rules_of
from models.decisions.standing import Standing
from models.timeline.stop_types import Stop

FINAL: Final = 0
"""In place of a moment: nothing that comes by itself ends it."""


_NOT_LOOKED_UP: Final = Opening(0, 0, "")


class Held(NamedTuple):
    """A gate that holds. until: the earliest moment at which it is worth looking again, ms, later than now; `FINAL`."""

    code: str
    until: int = FINAL


Holding = tuple[Held, ...]


class Common(NamedTuple):
    """What the customers of a shard share, while a piece of its line is applied. alarmed: marketing waits."""

    purse: Purse
    alarmed: bool = False


class Ask:
    """What asks for a decision. now: log time in ms. moment: its name; asked: when its life began, ms. level: of a risk
    moment, its name. shared: what the customers of the shard share; None: nothing. stops: what
    operators have stopped.

    What was found out of the customer is kept (of_customer by purpose; of_channels, closed and openings by purpose and
    channel): another time, or a record that has changed, needs another `Ask`.
    """

    __slots__ = (
        "_closed",
        "_marks",
        "_openings",
        "alarmed",
        "asked",
        "level",
        "moment",
        "now",
        "of_channels",
        "of_customer",
        "person",
        "policy",
        "purse",
        "rules",
        "standing",
        "stops",
        "test",
    )

    def __init__(
        self,
        policy: PolicyInForce,
        person: Person,
        standing: Standing,
        now: int,
        moment: str,
        asked: int,
        level: str = "",
        shared: Common | None = None,
        stops: tuple[Stop, ...] = (),
    ) -> None:
        self.policy, self.person, self.standing = policy, person, standing
        self.now, self.moment, self.asked, self.level = now, moment, asked, level
        self.stops = stops
        self.rules: Rules = rules_of(policy)
        self.test = person.is_test(now)
        self.purse = None if shared is None else shared.purse
        self.alarmed = shared is not None and shared.alarmed
        self.of_customer: dict[str, Holding] = {}
        self.of_channels: dict[tuple[str, str], Holding] = {}
        self._closed: dict[tuple[str, str], str] = {}
        self._marks: dict[int, list[Mark]] = {}
        self._openings: dict[tuple[str, str], Opening | None] = {}

    def closed(self, purpose: str, channel: str) -> str:
        """Why nothing may be sent for a purpose on a channel (`models.decisions.basis.closed`)."""
        key = (purpose, channel)
        found = self._closed.get(key)
        if found is None:
            found = self._closed[key] = closed(self.rules, self.person, purpose, channel, self.now)
        return found

    def opening(self, purpose: str, channel: str) -> Opening | None:
        """When a contact may go out for a purpose on a channel (`models.decisions.hours.opening`)."""
        key = (purpose, channel)
        found = self._openings.get(key, _NOT_LOOKED_UP)
        if found is _NOT_LOOKED_UP:
            found = self._openings[key] = opening_by(self.rules, self.person, purpose, channel, self.now)
        return found

    def marks(self, purpose: int) -> list[Mark]:
        """The contacts for a purpose, by number, the latest first."""
        found = self._marks.get(purpose)
        if found is None:
            found = self._marks[purpose] = marks_of(self.standing, purpose)
        return found
