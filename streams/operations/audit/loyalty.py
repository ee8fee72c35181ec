"""The loyalty loop from the topics alone: whether a stage, an index and what is counted can be what is said of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.loyalty_entry import LoyaltyEntry
from models.outputs import Decision
from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Finding
from streams.operations.audit.dialogue import Dialogue
from streams.operations.audit.loyalty_loop import Loop
from streams.operations.audit.person import REMEMBERED, Person
from streams.operations.audit.policies import Policy, Table, span

LOYALTY: Final = "loyalty"
CLOSE: Final = 0.01


def _unlearned(person: Person, now: int) -> bool:
    """Whether nothing is learned from them, so that none of it is kept."""
    restricted = any(not (said.until and now >= said.until) for said in person.restrictions.values())
    return restricted or person.consents["profiling"].denied()


class Loops:
    """Of a partition's customers. partial: what came before is not known. alive: as of `audit`."""

    def __init__(self, alive: str) -> None:
        self.partial, self.alive = False, alive

    def arrives(self, touch: Touch, person: Person, policy: Policy | None, now: int) -> None:
        """A touchpoint has changed what is known of a customer."""
        if person.erased or _unlearned(person, now):
            person.loop = Loop()
            return
        rules = policy.loyalty if policy is not None else None
        loop = person.loop or Loop(unsure=self.partial)
        person.loop = loop
        loop.unsure |= len(person.seen) == REMEMBERED and touch.time < person.newest
        loop.loud, loop.known = ("", ""), touch
        if rules is not None and touch.kind != Kind.EXPIRED_UNSENT:
            loop.takes(touch, rules, now, person.language)

    def hears(self, decision: Decision, person: Person, dialogue: Dialogue, policy: Policy | None) -> list[Finding]:
        """An entry is said. Of whom not all is known its numbers are not judged."""
        entry, rules = decision.loyalty, policy.loyalty if policy is not None else None
        if entry is None or rules is None:
            return [Finding("loop_stage", "a policy with a loyalty loop", "none is in force")]
        loop = person.loop = person.loop or Loop(unsure=True)
        found: list[Finding] = []
        if not (loop.unsure or person.blurred):
            found += [*_of_voices(entry, loop), *_of_index(entry, loop, rules, decision.time)]
            found += _of_stage(entry, loop, rules, decision.time)
            if self.alive == "purchase" and not person.unsure:
                found += _of_purchases(entry, person, rules, decision.time)
        if entry.stage not in ("slipping", "lapsed") and dialogue.episode:
            found.append(Finding("loop_stage", f"slipping: at risk since {dialogue.episode}", entry.stage))
        loop.stage = entry.stage
        return found


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


def _of_purchases(entry: LoyaltyEntry, person: Person, rules: Table, now: int) -> Iterator[Finding]:
    """What purchases say of it."""
    stage, last = entry.stage, person.bought_last
    is_new, lapses = person.days_bought < rules.get("active_from", 2), rules.get("lapses_after")
    silent = bool(lapses and last) and now - last > span(lapses or "0s")
    if (stage == "prospect") != (not last):
        yield Finding("loop_stage", f"bought last {last}", stage)
    elif stage in ("new", "active") and is_new != (stage == "new"):
        yield Finding("loop_stage", f"{person.days_bought} days with a purchase", stage)
    elif lapses and not person.contract_over and silent != (stage == "lapsed"):
        yield Finding("loop_stage", f"bought last {last}", stage)
    if stage == "won_back" and now >= last + span(rules.get("won_back_for", "90d")):
        yield Finding("loop_stage", f"won back by a purchase: bought last {last}", stage)
