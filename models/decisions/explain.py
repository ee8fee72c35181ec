"""Why a moment still waits: what would be answered if it were looked at now. Changes nothing."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import structs

from models.decisions.answers import answers
from models.decisions.gates import Ask, Judged, judge
from models.decisions.given import Given
from models.decisions.rules import rules_of
from models.decisions.standing import Waiting


class Waits(NamedTuple):
    """A moment that has asked and is not answered.

    Attributes:
        moment: its name; empty: the policy no longer has it.
        level: of a moment of risk.
        asked, until: when it asked, and when it is looked at again, log time in ms; until 0: at a touchpoint only.
        gate: the code for which it would wait, or end, if it were looked at now; empty: it would be answered.
        judged: its actions, with all that holds each of them.
    """

    moment: str
    level: str
    asked: int
    until: int
    gate: str
    judged: tuple[Judged, ...]


def waiting(given: Given) -> list[Waits]:
    """All that waits for a customer, as of `given.now`."""
    return [_waits(given, one) for one in given.standing.waiting]


def _waits(given: Given, one: Waiting) -> Waits:
    policy, standing = given.policy, given.standing
    name = policy.named.get(one.moment, "")
    copy = structs.replace(
        standing,
        waiting=[one._replace(wakes=1)],  # due, and unlike any time for which it would wait
        outstanding=[*standing.outstanding],
        counts=[*standing.counts],
        once={**standing.once},
        running=[*standing.running],
        told={},  # what was said once already is said here, too
        carried=False,
    )
    *_, said = answers(structs.replace(given, standing=copy, touch=None))
    judged: tuple[Judged, ...] = ()
    if name in rules_of(policy).moments:
        ask = Ask(policy, given.person, standing, given.now, name, one.asked, said.level, stops=given.stops)
        judged = tuple(judge(ask, action) for action in policy.actions_of(name))
    return Waits(name, said.level, one.asked, one.wakes, said.gate, judged)
