"""The loyalty loop from the topics alone: whether a stage, an index and what is counted can be what is said of them.
And whether all that customers say of us is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from models.outputs import Decision
from models.outputs.loyalty_entry import LoyaltyEntry
from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Breach, Finding
from streams.operations.audit.dialogue import Dialogue
from streams.operations.audit.loyalty_loop import SLIPPED, Loop
from streams.operations.audit.person import REMEMBERED, Person
from streams.operations.audit.policies import Policy, Table, span
from streams.operations.audit.records import Place

LOYALTY: Final = "loyalty"
CLOSE: Final = 0.01


def _unlearned(person: Person, now: int) -> bool:
    """Whether none of it is kept: they object, or are restricted otherwise than to try things out."""
    restrictions = [said for reason, said in person.restrictions.items() if reason != "test"]
    restricted = any(not (said.until and now >= said.until) for said in restrictions)
    return restricted or person.consents["profiling"].denied()


class _Owed(NamedTuple):
    """A customer has spoken of us, and it is to be said. now: log time, ms."""

    touch: Touch
    policy: str
    mood: str
    now: int


class Loops:
    """Of a partition's customers. partial: what came before is not known. alive, silence, since: as of `audit`."""

    def __init__(self, alive: str, silence: int, since: int) -> None:
        self.partial, self.alive, self.silence, self.since = False, alive, silence, since
        self._owed: _Owed | None = None
        self._without = 0
        self._of: set[str] = set()
        self._unsaid: dict[str, list[Breach]] = {}

    def speaks_of(self, decision: Decision) -> list[Breach]:
        """Something was decided about a customer: they are of this partition, and what they said before counts, too.
        Whether a consent reopens who was erased is the engine's to say: until it speaks of them nothing is owed."""
        unsaid = self._unsaid.pop(decision.customer, [])
        if decision.what == "erased":
            self._of.discard(decision.customer)
            return []
        self._of.add(decision.customer)
        return unsaid

    def arrives(self, touch: Touch, person: Person, policy: Policy | None, now: int) -> None:
        """A touchpoint has changed what is known of a customer."""
        self._owed = None
        if person.erased or _unlearned(person, now):
            person.loop = Loop(bought=person.bought_last)
            return
        rules = policy.loyalty if policy is not None else None
        loop = person.loop or Loop(unsure=self.partial)
        person.loop = loop
        loop.unsure |= len(person.seen) == REMEMBERED and touch.time < person.newest
        loop.loud, loop.known = ("", ""), touch
        if touch.kind == Kind.PURCHASE:
            loop.buys(touch, self._lapses_after(rules or {}))
        self._may_have_dropped(loop)
        if rules is None or policy is None or touch.kind == Kind.EXPIRED_UNSENT:
            return
        loop.takes(touch, rules, now, person.language)
        # What comes late may have been there: then it is left out.
        if loop.loud[1] and not (self.partial or person.blurred or person.joined or touch.time < person.newest):
            self._owed = _Owed(touch, policy.name, loop.loud[1], now)

    def hears(self, decision: Decision, person: Person, dialogue: Dialogue, policy: Policy | None) -> list[Finding]:
        """An entry is said. Of whom not all is known its numbers are not judged."""
        entry, rules = decision.loyalty, policy.loyalty if policy is not None else None
        if entry is not None and entry.voice and self._owed and self._owed.touch.customer == decision.customer:
            self._owed = None
        if entry is None or rules is None or policy is None:
            return [Finding("loop_stage", "a policy with a loyalty loop", "none is in force")]
        loop = person.loop = person.loop or Loop(unsure=True)
        self._may_have_dropped(loop)
        found: list[Finding] = []
        if not (loop.unsure or person.blurred or person.joined):
            found += [*_of_voices(entry, loop), *_of_index(entry, loop, rules, decision.time)]
            found += _of_stage(entry, loop, rules, decision.time)
            leaves = policy.leaves_at_the_least(person.customer_class or "consumer")
            found += _of_risk(entry, decision.probability, leaves)
            if self.alive == "purchase" and not person.unsure:
                lapses = self._lapses_after(rules)
                found += _of_purchases(entry, person, loop, rules, decision.time, lapses)
        if entry.stage not in SLIPPED and dialogue.episode:
            found.append(Finding("loop_stage", f"slipping: at risk since {dialogue.episode}", entry.stage))
        loop.is_said(entry.stage, entry.former, policy.name, decision.time)
        return found

    def comes_into_force(self, policy: Policy) -> None:
        """Under one without the table what was kept is dropped when something is next decided, if a timer does it."""
        self._without += policy.loyalty is None

    def _may_have_dropped(self, loop: Loop) -> None:
        loop.unsure |= loop.as_of != self._without and bool(loop.at or loop.stage)
        loop.as_of = self._without

    def _lapses_after(self, rules: Table) -> int:
        """A silence, ms; 0: nobody knows."""
        return span(rules["lapses_after"]) if rules.get("lapses_after") else self.silence

    def judge(self, place: Place) -> list[Breach]:
        """What a touchpoint owes and nobody has said, once its place is over."""
        owed, self._owed = self._owed, None
        if owed is None or owed.now < self.since:
            return []
        spoke = f"{owed.touch.customer} spoke of us: {owed.mood}"
        told = (owed.touch.id, owed.touch.customer, "", owed.policy, spoke, "nothing is said of it")
        found = Breach("loop_unsaid", *told, place, owed.now)
        if owed.touch.customer in self._of:
            return [found]
        self._unsaid.setdefault(owed.touch.customer, []).append(found)
        return []


def _of_voices(entry: LoyaltyEntry, loop: Loop) -> Iterator[Finding]:
    counted = len(loop.praise), loop.blame, loop.loud if entry.cause else ("", "")
    said = entry.praise, entry.blame, (entry.way, entry.voice)
    if counted != said:
        yield Finding("loop_voices", f"praise, blame, and what is said now: {counted}", f"{said}")
    known = loop.known.id if loop.known is not None else ""
    if entry.cause not in ("", known):
        yield Finding("loop_voices", f"touchpoint {known} has come", f"by {entry.cause}")


def _of_index(entry: LoyaltyEntry, loop: Loop, rules: Table, now: int) -> Iterator[Finding]:
    index = loop.now(rules, now)
    if (index is None) != (entry.index is None) or abs((index or 0.0) - (entry.index or 0.0)) > CLOSE:
        yield Finding("loop_index", f"{index}", f"{entry.index}")


def _of_stage(entry: LoyaltyEntry, loop: Loop, rules: Table, now: int) -> Iterator[Finding]:
    """What a stage needs, as far as it was said before."""
    if entry.former != loop.stage:
        yield Finding("loop_stage", f"it was {loop.stage or 'none'} before", entry.former)
    praised = max((time for _, time in loop.praise), default=0)
    often = len(loop.praise) >= rules.get("advocate_from", 2)
    may = often and now < praised + span(rules.get("advocate_for", "365d")) and (entry.index or 0.0) >= 0.0
    if entry.stage == "advocate" and not may:
        yield Finding("loop_stage", "an advocate speaks well of us often enough, of late, and is not sore", entry.words)
    if may and entry.stage in ("new", "active"):
        yield Finding("loop_stage", f"an advocate since {praised}", entry.stage)


def _of_risk(entry: LoyaltyEntry, risk: float | None, ends: float) -> Iterator[Finding]:
    """What the estimate of the step says of it, if one was made. ends: below, no episode is open."""
    if entry.stage == "slipping" and risk is not None and risk < ends:
        yield Finding("loop_stage", f"at risk from {ends} on, and the risk is {risk}", entry.stage)


def _of_purchases(
    entry: LoyaltyEntry, person: Person, loop: Loop, rules: Table, now: int, lapses: int
) -> Iterator[Finding]:
    """What purchases say of it. lapses: after so long a silence, ms; 0: nobody knows."""
    stage, last, is_new = entry.stage, person.bought_last, person.days_bought < rules.get("active_from", 2)
    silent = now - last > lapses if lapses else stage == "lapsed" and last < now
    if (stage == "prospect") != (not last):
        yield Finding("loop_stage", f"bought last {last}", stage)
    elif stage in ("new", "active") and is_new != (stage == "new"):
        yield Finding("loop_stage", f"{person.days_bought} days with a purchase", stage)
    elif last and silent != (stage == "lapsed"):
        yield Finding("loop_stage", f"bought last {last}", stage)
    if stage == "won_back" and now >= last + span(rules.get("won_back_for", "90d")):
        yield Finding("loop_stage", f"won back by a purchase: bought last {last}", stage)
    elif stage == "won_back" and not loop.came_back:
        yield Finding("loop_stage", "they slipped or lapsed before, and have bought since", stage)
