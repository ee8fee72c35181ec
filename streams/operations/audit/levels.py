"""Levels of the loyalty programme, from the topics alone: what counts, and whether each change is what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from models.outputs import Decision
from models.outputs.membership_entry import MembershipEntry
from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Breach, Finding
from streams.operations.audit.levels_state import LAST, Levels, lapses
from streams.operations.audit.person import REMEMBERED, Person
from streams.operations.audit.points_rules import cents
from streams.operations.audit.policies import InForce, Policy, span
from streams.operations.audit.records import SECOND, Place

MEMBERSHIP: Final = "membership"
HALF_AN_HOUR: Final = 1_800_000
MOST_STRETCHES: Final = 16


@dataclass(slots=True)
class Asking:
    """A touchpoint at its place. amounts: what it counts, or takes back, as far as that is not said yet. reads: the
    programme looks at such a one. unsure: it may have come before. amiss: what was said of it is told already."""

    customer: str
    touch: Touch
    policy: Policy
    now: int
    amounts: list[int] = field(default_factory=list)
    reads: bool = False
    unsure: bool = False
    amiss: bool = False


class Memberships:
    """Those of a partition. since: what was owed before this log time (ms) is not judged."""

    def __init__(self, in_force: InForce, since: int) -> None:
        self._of: dict[str, Levels] = {}
        self._in_force, self._since = in_force, since
        self._asking: Asking | None = None
        self.partial, self._last = False, Place(0, 0, 0)
        self._lacking: list[Breach] = []
        self._spoken_of: set[str] = set()
        self._erased: set[str] = set()

    def arrives(self, touch: Touch, person: Person, policy: Policy | None, now: int) -> None:
        """A touchpoint comes, and is known to the person by now."""
        self._asking = None
        levels = person.levels = self._of.setdefault(touch.customer, Levels(person.contract))
        levels.contract, levels.policy = person.contract, policy
        erases = touch.kind == Kind.ERASE_REQUESTED
        if erases:
            self._erased.add(touch.customer)
        if policy is None or (touch.customer in self._erased and not erases):
            return  # whether a consent reopens is the engine's to say
        asking = self._asking = Asking(touch.customer, touch, policy, now)
        asking.unsure = len(person.seen) == REMEMBERED and touch.time < person.newest
        table, data = policy.membership, touch.data
        counts = table["counts"] if table is not None else ""
        asking.reads = counts in ("spent", "purchases") and touch.kind in (Kind.PURCHASE, Kind.RETURN)
        if touch.kind == Kind.PURCHASE and counts in ("spent", "purchases"):
            amount: Any = getattr(data, "amount", 0.0)
            asking.amounts = [cents(amount) if counts == "spent" else 1]
        elif touch.kind == Kind.RETURN and counts == "spent":
            asking.amounts = [-cents(getattr(data, "amount", 0.0))]

    def booked(self, decision: Decision) -> None:
        """Points were booked, which may count."""
        entry, asking = decision.ledger, self._asking
        if entry is None or asking is None or asking.customer != decision.customer:
            return
        table = asking.policy.membership
        if table is None or table["counts"] != "points":
            return
        asking.reads = True
        if entry.change == "earned":
            net = sum(points for _, points in entry.lots) + sum(points for *_, points in entry.held) - entry.owed
            asking.amounts.append(net)
        elif entry.change == "taken_back" and entry.asked:
            asking.amounts.append(-entry.asked)

    def speaks_of(self, customer: str) -> None:
        """Something was decided about a customer: they are of this partition."""
        self._spoken_of.add(customer)

    def begins_anew(self, customer: str, unsure: bool = False) -> None:
        """Nothing is known of a customer any more. unsure: nobody can say."""
        self._erased.discard(customer)
        if unsure and customer in self._of:
            self._of[customer].blurred = True

    def joins(self, customer: str, person: Person) -> None:
        """What counts for another id counts for the customer: what that was is not known here."""
        self._of.setdefault(customer, Levels(person.contract)).blurred = True

    def hears(self, decision: Decision, person: Person | None, place: Place) -> Iterator[Finding]:
        """An entry is said."""
        entry = decision.membership
        if entry is None:
            yield Finding("level_sum", "an entry says what has changed", "nothing")
            return
        begins = decision.customer not in self._of
        levels = self._of.setdefault(decision.customer, Levels(person.contract if person is not None else None))
        if person is not None:
            person.levels = levels
        levels.policy = self._in_force.policy
        levels.blurred |= place.offset < 0 or levels.policy is None
        if (begins or not levels.changed) and self.partial:
            levels.unknown = entry.counted != sum(amount for _, amount in entry.lots) or bool(entry.before)
        asking = self._asking if self._asking is not None and self._asking.customer == decision.customer else None
        found = list(self._judged(levels, entry, asking, decision.time))
        if asking is not None:
            asking.amiss |= bool(found)
        levels.post(entry, decision.time)
        if not (levels.blurred or levels.unknown):
            yield from found
        if (entry.counted != levels.counted or min(levels.lots.values(), default=0) < 0) and not levels.unknown:
            yield Finding("level_sum", f"its entries come to {levels.counted}", f"{entry.counted}")

    def judge(self, place: Place) -> None:
        """What a touchpoint owes and nobody has said, once its place is over."""
        asking, self._asking, self._last = self._asking, None, place
        if asking is None or asking.policy.membership is None:
            return
        levels = self._of[asking.customer]
        if levels.blurred or levels.unknown:
            return
        told = (asking.customer, place, asking.now)
        if asking.touch.kind == Kind.ERASE_REQUESTED:
            if levels.level or levels.in_order:
                self._lacks("the membership is closed, at an erasure", *told)
            return
        if not asking.reads or asking.unsure or asking.amiss:
            return
        ends = lapses(asking.policy, asking.policy.membership, min(asking.touch.time // SECOND * SECOND, asking.now))
        for amount in asking.amounts:
            if (amount > 0 and ends > asking.now) or (amount < 0 and levels.in_order):
                self._lacks(f"{amount} counts, by {asking.touch.id}", *told)
        if says := _unsettled(levels):
            self._lacks(says, *told)
        self._late(levels, 0, *told)

    def breaches(self, now: int) -> Iterator[Breach]:
        """At the end of the log, what was not said, and what has come to its time and is not."""
        for customer, levels in self._of.items():
            if levels.table is not None and not (levels.blurred or levels.unknown):
                self._late(levels, HALF_AN_HOUR, customer, self._last, now)
        yield from (one for one in self._lacking if one.customer in self._spoken_of)

    def notes(self) -> Iterator[str]:
        if blurred := sum(one.blurred or one.unknown for one in self._of.values() if one.changed):
            yield f"{blurred} memberships began before the log: they are added up at the most"

    def _late(self, levels: Levels, after: int, customer: str, place: Place, now: int) -> None:
        times = [at for at, _ in levels.in_order] + [levels.until] * bool(levels.until)
        if late := [at for at in times if at + after <= now]:
            self._lacks(f"something comes to its time at {min(late)}", customer, place, min(late) + after)

    def _lacks(self, says: str, customer: str, place: Place, time: int) -> None:
        policy = self._in_force.policy.name if self._in_force.policy else ""
        if time >= self._since:
            told = ("level_unsaid", "", customer, "", policy, says, "nothing is said")
            self._lacking.append(Breach(*told, place, time))

    def _judged(self, levels: Levels, entry: MembershipEntry, asking: Asking | None, time: int) -> Iterator[Finding]:
        """What is wrong with an entry. levels: as of before."""
        if entry.cause and (asking is None or asking.touch.id != entry.cause):
            yield Finding("level_counted", "a touchpoint at its place", f"{entry.change} by {entry.cause}")
            return
        match entry.change:
            case "counted" | "taken_back":
                yield from _counted(levels, entry, asking)
            case "lapsed":
                other = levels.table is not None and levels.counts != levels.table["counts"]
                for at, amount in entry.lots:
                    if (at > time and not other) or -amount != levels.lots[at]:
                        yield Finding("level_counted", f"{levels.lots[at]} until {at}", f"{-amount} lapsed at {time}")
            case "merged":
                if sum(amount for _, amount in entry.lots) or len(levels.in_order) <= MOST_STRETCHES:
                    yield Finding("level_counted", "stretches are merged where there are too many", f"{entry.lots}")
            case "closed":
                erased = asking is not None and asking.touch.kind == Kind.ERASE_REQUESTED
                if levels.table is not None and not erased:
                    yield Finding("level_changed", "a membership lasts while the policy has one", "closed")
            case "moved_away":
                if sorted((at, -amount) for at, amount in entry.lots) != sorted(levels.in_order):
                    yield Finding("level_sum", f"all that counts moves: {levels.in_order}", f"{entry.lots}")
            case "moved_here":
                levels.blurred = True  # what another id had is not known here
            case "renamed":
                if levels.rank(levels.level) >= 0 or entry.level != levels.earned():
                    yield Finding("level_changed", f"{levels.earned()} comes of {levels.counted}", entry.words)
            case _:
                yield from _changed(levels, entry, time)


def _changed(levels: Levels, entry: MembershipEntry, time: int) -> Iterator[Finding]:
    """A level is reached, kept, in grace or lost."""
    earned, has, to = levels.rank(levels.earned()), levels.rank(levels.level), levels.rank(entry.level)
    match entry.change:
        case "reached":
            fair = earned > has and to == earned and not entry.until
        case "kept":
            fair = bool(levels.until) and earned == has == to and not entry.until
        case "lowered":
            fair = 0 < levels.until <= time and to == has - 1 and earned < has and not entry.until
        case "grace":
            grace = span(levels.table.get("grace", "60d")) if levels.table is not None else 0
            ends = min(-(-(levels.begins(time) + grace) // SECOND) * SECOND, LAST)
            fair = earned < has == to and not levels.until and entry.until == ends
        case _:
            fair = False
    if not fair:
        says = f"{levels.counted} is enough for {levels.earned() or 'none'}, and the level is {levels.level or 'none'}"
        done = f"{entry.change} {entry.level} until {entry.until} at {time}"
        yield Finding("level_changed", f"{says} until {levels.until}", done)


def _counted(levels: Levels, entry: MembershipEntry, asking: Asking | None) -> Iterator[Finding]:
    if asking is None or asking.policy.membership is None:
        yield Finding("level_counted", "a touchpoint that counts", f"{entry.lots} without one")
        return
    net = sum(amount for _, amount in entry.lots)
    if entry.change == "counted":
        ends = lapses(asking.policy, asking.policy.membership, min(asking.touch.time // SECOND * SECOND, asking.now))
        if net not in asking.amounts or [at for at, _ in entry.lots] != [ends] or ends <= asking.now:
            yield Finding("level_counted", f"{asking.amounts} until {ends}", f"{entry.lots}")
            return
        asking.amounts.remove(net)
        return
    wanted = next((one for one in asking.amounts if one < 0), 0)
    left, gone = -wanted, list[tuple[int, int]]()
    for at, amount in reversed(levels.in_order):
        if left:
            gone.append((at, -min(left, amount)))
            left -= min(left, amount)
    if not wanted or tuple(sorted(gone)) != entry.lots:
        yield Finding("level_counted", f"{wanted} of what came last, of {levels.in_order}", f"{entry.lots}")
    asking.amounts = [one for one in asking.amounts if one != wanted]


def _unsettled(levels: Levels) -> str:
    """What has to change by what counts, and has not; empty: nothing."""
    earned, has = levels.rank(levels.earned()), levels.rank(levels.level)
    if earned > has:
        return f"{levels.earned()} is reached by {levels.counted}"
    if (earned < has) != bool(levels.until):
        return f"{levels.counted} is enough for {levels.earned() or 'none'}, the level is {levels.level}"
    return ""
