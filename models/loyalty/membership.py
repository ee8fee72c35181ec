"""A customer's membership level: what they qualify by, and the level that comes of it.

What counts lies in stretches by when it lapses, so that the window moves on by itself. A level is reached at once; it
is lost one step at a time, each after a grace. All amounts are whole; times are log time in ms, whole seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from models.customer.moments import LAST
from models.outputs.membership_entry import MembershipEntry
from models.settings import SECOND

MAX_STRETCHES: Final = 16
"""Beyond, the two that lapse closest to each other become one, at the later time."""
MOST: Final = 2**53 - 1
"""All that counts: a whole number that every reader of JSON can hold."""


class Steps(NamedTuple):
    """counts: what does (`models.outputs.MembershipEntry`). levels: lowest first, each with what it takes. grace: how
    long a level is kept that is not earned any more, ms."""

    counts: str
    levels: tuple[tuple[str, int], ...]
    grace: int

    def earned_by(self, counted: int) -> int:
        """How many levels are reached by what counts."""
        return sum(at <= counted for _, at in self.levels)

    def number(self, level: str) -> int:
        """Of a level, from 1 on; 0: of none."""
        return next((n for n, (name, _) in enumerate(self.levels, 1) if name == level), 0)

    def named(self, number: int) -> str:
        return self.levels[number - 1][0] if number else ""


@dataclass(slots=True)
class Membership:
    """counts: what counts in it; empty: nothing ever did. lots: what counts, by when it lapses. level: that they have
    by it; empty: none. until: the level is lost then, unless enough counts before; 0: enough counts."""

    counts: str = ""
    lots: dict[int, int] = field(default_factory=dict)
    level: str = ""
    until: int = 0

    @property
    def counted(self) -> int:
        return sum(self.lots.values())

    def next_timer(self, spread: int = 0) -> int:
        """When something in it comes to its time, ms; 0: nothing does. spread: so much later it is looked at, since
        many customers may share a time (ms, whole seconds)."""
        first = min((*self.lots, *([self.until] if self.until else [])), default=0)
        return first + spread if first else 0

    def ends(self, steps: Steps) -> int:
        """When the level is lost if nothing else comes to count, ms; 0: there is none."""
        number = steps.number(self.level)
        if self.until or not number:
            return self.until
        left, takes = self.counted, steps.levels[number - 1][1]
        for lapses, amount in sorted(self.lots.items()):
            left -= amount
            if left < takes:
                return lapses + steps.grace
        return 0

    def to_next(self, steps: Steps) -> int:
        """How much more takes them to the next level; 0: there is none."""
        number = steps.number(self.level)
        return max(steps.levels[number][1] - self.counted, 0) if number < len(steps.levels) else 0


def advance(state: Membership, steps: Steps, now: int) -> list[MembershipEntry]:
    """Let time pass, in the order of what comes; then the level is the one that the steps say."""
    said: list[MembershipEntry] = []
    if state.counts != steps.counts:
        if state.lots:  # what counted by another policy is of another unit
            gone = tuple((lapses, -amount) for lapses, amount in sorted(state.lots.items()))
            state.lots.clear()
            said.append(_entry(state, "lapsed", gone))
        state.counts = steps.counts
    if state.level and not steps.number(state.level):
        before, state.level, state.until = state.level, steps.named(steps.earned_by(state.counted)), 0
        said.append(_entry(state, "renamed", before=before))
    while (at := state.next_timer()) and at <= now:
        if at in state.lots:
            amount = state.lots.pop(at)
            said.append(_entry(state, "lapsed", ((at, -amount),)))
        else:
            before, state.level = state.level, steps.named(steps.number(state.level) - 1)
            state.until = 0
            said.append(_entry(state, "lowered", before=before))
        said += _settle(state, steps, at)
    return said + list(_settle(state, steps, now))


def count(state: Membership, steps: Steps, now: int, lapses: int, amount: int) -> list[MembershipEntry]:
    """Something qualifies. lapses: when it does no more, ms; what is past then counts for nothing."""
    amount = min(amount, MOST - state.counted)
    if amount <= 0 or lapses <= now:
        return []
    state.lots[lapses] = state.lots.get(lapses, 0) + amount
    said = [_entry(state, "counted", ((lapses, amount),))]
    return [*said, *_fit(state), *_settle(state, steps, now)]


def take_back(state: Membership, steps: Steps, now: int, amount: int) -> list[MembershipEntry]:
    """Goods came back: what counted last counts no more."""
    gone = []
    for lapses in sorted(state.lots, reverse=True):
        taken = min(amount, state.lots[lapses])
        if not taken:
            break
        amount -= taken
        state.lots[lapses] -= taken
        gone.append((lapses, -taken))
        if not state.lots[lapses]:
            del state.lots[lapses]
    if not gone:
        return []
    return [_entry(state, "taken_back", tuple(sorted(gone))), *_settle(state, steps, now)]


def close(state: Membership) -> list[MembershipEntry]:
    """The membership comes to its end with whatever counts in it."""
    gone, before = tuple((lapses, -amount) for lapses, amount in sorted(state.lots.items())), state.level
    state.lots.clear()
    state.level, state.until = "", 0
    return [_entry(state, "closed", gone, before)] if gone or before else []


def moves_away(state: Membership) -> list[MembershipEntry]:
    """What is said at an id whose membership moves. It stays as it is to move."""
    gone = tuple((lapses, -amount) for lapses, amount in sorted(state.lots.items()))
    if not gone and not state.level:
        return []
    return [MembershipEntry("moved_away", state.counts, gone, 0, "", state.level, 0)]


def moves_here(own: Membership, other: Membership, steps: Steps | None) -> list[MembershipEntry]:
    """What is said at the customer's own id, who has both then: what counts is added, and the higher level stays. What
    comes of it, and what is due in it, is for the next look (`advance`). steps: of the policy in force; None: it has no
    levels."""
    if not other.lots and not other.level:
        return []
    own.counts = own.counts or other.counts
    came, before = dict[int, int](), own.level
    for lapses, amount in sorted(other.lots.items()):
        if other.counts == own.counts and (left := min(amount, MOST - own.counted)) > 0:
            own.lots[lapses] = own.lots.get(lapses, 0) + left
            came[lapses] = left
    mine, theirs = (0, 0) if steps is None else (steps.number(own.level), steps.number(other.level))
    if theirs > mine or not own.level:
        own.level, own.until = other.level, other.until
    elif theirs == mine and other.level == own.level:
        own.until = max(own.until, other.until) if own.until and other.until else 0
    lots = tuple(sorted(came.items()))
    return [_entry(own, "moved_here", lots, before if before != own.level else ""), *_fit(own)]


def _settle(state: Membership, steps: Steps, at: int) -> Iterator[MembershipEntry]:
    """The level by what counts: a higher one at once, a lower one after a grace from `at` on."""
    earned, has = steps.earned_by(state.counted), steps.number(state.level)
    if earned > has:
        before, state.level, state.until = state.level, steps.named(earned), 0
        yield _entry(state, "reached", before=before)
    elif earned == has and state.until:
        state.until = 0
        yield _entry(state, "kept")
    elif earned < has and not state.until:
        state.until = min(-(-(at + steps.grace) // SECOND), LAST) * SECOND
        yield _entry(state, "grace")


def _fit(state: Membership) -> Iterator[MembershipEntry]:
    while len(state.lots) > MAX_STRETCHES:
        first, second = min(pairwise(sorted(state.lots)), key=lambda pair: pair[1] - pair[0])
        amount = state.lots.pop(first)
        state.lots[second] += amount
        yield _entry(state, "merged", ((first, -amount), (second, amount)))


def _entry(state: Membership, change: str, lots: tuple[tuple[int, int], ...] = (), before: str = "") -> MembershipEntry:
    return MembershipEntry(change, state.counts, lots, state.counted, state.level, before, state.until)
