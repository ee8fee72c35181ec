"""What a step of a customer comes to in their membership of the loyalty programme, by the policy in force."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import Final

from msgspec.structs import replace

from models.customer.moments import whole
from models.decisions.comes import comes
from models.decisions.given import Given, Said, Touched, decision_id
from models.decisions.membership_rules import LevelRules
from models.decisions.person import Person, value_of
from models.decisions.points import cents_of
from models.decisions.policy.conditions import holds
from models.decisions.resending import never_mind
from models.decisions.rules import rules_of
from models.decisions.unsent import Unsent
from models.loyalty.membership import advance, close, count, take_back
from models.outputs.ledger_entry import LedgerEntry
from models.outputs.membership_entry import HUNDREDTHS, MembershipEntry
from models.touchpoints.kinds import Kind

EARNED: Final = "earned"
UNDONE: Final = "the level is another by now"
_ENDS: Final = frozenset({"renamed", "closed"})
_UNDONE_BY: Final = {
    "reached": _ENDS | {"lowered"},
    "grace": _ENDS | {"kept", "reached", "lowered"},
    "lowered": _ENDS | {"reached"},
}
"""By change at which a moment asks, what makes it untrue."""


def pass_time(person: Person, now: int) -> list[MembershipEntry]:
    """Let time pass in a membership, before anything is booked; one whose policy keeps no levels comes to its end."""
    state, levels = person.membership, person.levels
    return close(state) if levels is None else advance(state, levels.steps, now)


def count_touch(
    person: Person, touch: Touched | None, booked: Iterable[LedgerEntry], now: int
) -> list[MembershipEntry]:
    """Let a touchpoint count, or the goods that it takes back. booked: in the ledger of points, at this step."""
    levels, state = person.levels, person.membership
    if levels is None or touch is None:
        return []
    steps, said = levels.steps, list[MembershipEntry]()
    lapses = levels.ends.after(min(whole(touch.time), now))
    for more in _amounts(levels, touch, booked):
        changed = count(state, steps, now, lapses, more) if more > 0 else take_back(state, steps, now, -more)
        said += [replace(one, cause=touch.id) for one in changed]
    return said


def ask_by_level(given: Given, changes: Iterable[str]) -> Iterator[Said]:
    """Let moments ask that come with a level that has changed, unless it has changed back at this very step; what waits
    for a change that is undone is void. changes: in their order."""
    rules, person, now = rules_of(given.policy).membership, given.person, given.now
    if rules is None or given.history:
        return
    stands, undone = set[str](), set[str]()
    for one in changes:
        gone = {change for change, by in _UNDONE_BY.items() if one in by}
        stands, undone = (stands - gone) | {one}, undone | gone
    yield from _void(given, {name for name, change in rules.asks if change in undone})
    for name, change in rules.asks:
        when = given.policy.policy.moment[name].when
        if change in stands and (when is None or holds(when, lambda field: value_of(person, field, now))):
            yield from comes(given, name, now)


def _is_of(number: int, one: Unsent) -> bool:
    return one.moment == number


def _void(given: Given, names: Collection[str]) -> Iterator[Said]:
    """What these moments have asked is asked no more."""
    standing, moments = given.standing, rules_of(given.policy).moments
    for name in sorted(names):
        number = moments[name].number
        yield from never_mind(given, UNDONE, partial(_is_of, number))
        for waiting in [one for one in standing.waiting if one.moment == number and not one.threshold]:
            standing.waiting.remove(waiting)
            standing.told.pop(number, None)  # it may ask anew at once
            void = decision_id(given.person.customer, name, given.now, "void", "")
            yield Said("void", void, moment=name, reason=UNDONE)


def _amounts(levels: LevelRules, touch: Touched, booked: Iterable[LedgerEntry]) -> Iterator[int]:
    """How much more, or less, a touchpoint counts; of the last unit."""
    counts = levels.steps.counts
    if counts == "points":
        for one in booked:
            if one.change == EARNED:
                yield one.points
            elif one.change == "taken_back" and one.asked:
                yield -one.asked
    elif touch.kind == Kind.PURCHASE:
        yield cents_of(touch.data.amount) if counts == HUNDREDTHS else 1
    elif touch.kind == Kind.RETURN and counts == HUNDREDTHS:
        yield -cents_of(touch.data.amount)
