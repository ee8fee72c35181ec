"""What must be taken back: which triggers a touchpoint makes wrong while they are out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from models.outputs import Withdrawal
from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Breach
from streams.operations.audit.dialogue import Dialogue, Sent
from streams.operations.audit.joins import Joins
from streams.operations.audit.person import Person
from streams.operations.audit.policies import Policy
from streams.operations.audit.records import Place
from streams.operations.audit.sharing import Sharing

OF_PROMOTIONS: Final = frozenset({Kind.CASE_OPENED, Kind.RETURN})
"""Touchpoints that take back promotions whose action names none."""


class Before(NamedTuple):
    """What was out before a touchpoint, with what was refused and restricted then."""

    sent: tuple[Sent, ...]
    closed: frozenset[str]
    restricted: frozenset[str]


class Foreign:
    """What was taken back at customers that had gone out under other ids of theirs, maybe in other partitions; and what
    had to be (`joins`). shared: what two are offered together."""

    def __init__(self) -> None:
        self.joins, self.shared = Joins(), Sharing()
        self._out: set[str] = set()
        self._taken: list[tuple[str, Breach]] = []

    def goes_out(self, trigger: str) -> None:
        """A trigger stands in a partition."""
        self._out.add(trigger)

    def takes_back(self, said: Withdrawal, place: Place, policy: Policy | None) -> None:
        """A withdrawal of what did not go out under the id at which it stands."""
        name, done = policy.name if policy else "", f"takes back {said.trigger}"
        why = "no such trigger of any id"
        breach = Breach("stray_withdrawal", said.id, said.customer, "", name, why, done, place, said.time)
        self._taken.append((said.trigger, breach))

    def breaches(self, since: int, until: float) -> Iterator[Breach]:
        """Once all partitions have been read. since: what was said before is not judged; until: nor is what is lacking
        later. Log times, ms."""
        yield from (one for name, one in self._taken if name not in self._out and one.time >= since)
        yield from self.joins.breaches(since, until)
        yield from self.shared.breaches(since, until)


def before(person: Person, dialogue: Dialogue, now: int) -> Before:
    """As it stands before a touchpoint. now: log time of it, ms."""
    sent = tuple(one for one in dialogue.sent if one.out(now) and not one.withdrawn)
    return Before(
        sent,
        frozenset(one.channel for one in sent if _closed(person, dialogue, one.channel)),
        frozenset(one.purpose for one in sent if person.restricted(one.purpose, now)),
    )


def why_stray(sent: Sent, now: int, policy: Policy | None) -> str:
    """Why a trigger could not be taken back at this log time, ms; empty: it could."""
    if sent.withdrawn:
        return "it was taken back before"
    if policy is not None and not policy.channels.get(sent.channel, {}).get("withdrawable", True):
        return f"nothing is taken back from {sent.channel}"
    return "it was not out any more" if sent.delivered or sent.given_back or now > sent.expires else ""


def _closed(person: Person, dialogue: Dialogue, channel: str) -> bool:
    return person.consents["marketing"].closed(channel) or dialogue.unreachable(channel)


def owed(
    policy: Policy, was: Before, person: Person, dialogue: Dialogue, touch: Touch, now: int
) -> Iterator[tuple[Sent, str]]:
    """The triggers that a touchpoint takes back, each with why. To be asked after the touchpoint is taken in."""
    for sent in was.sent:
        if not sent.out(now) or not policy.channels.get(sent.channel, {}).get("withdrawable", True):
            continue
        if touch.kind == Kind.ERASE_REQUESTED:
            if sent.purpose != "legal":
                yield sent, "an erasure"
            continue
        if sent.purpose not in was.restricted and (reason := person.restricted(sent.purpose, now)):
            yield sent, f"restricted: {reason}"
            continue
        closed = _closed(person, dialogue, sent.channel) and sent.channel not in was.closed
        if sent.purpose == "marketing" and closed:
            yield sent, f"{sent.channel} is refused, or nothing arrives there"
            continue
        named = policy.actions.get(sent.action, {}).get("withdraw_when")
        if named is not None:
            if Kind(touch.kind).type in named:
                yield sent, f"withdraw_when {list(named)}"
        elif sent.promotion and (touch.kind in OF_PROMOTIONS or _wants_less(touch, person, now)):
            yield sent, f"a promotion, at {Kind(touch.kind).type}"


def _wants_less(touch: Touch, person: Person, now: int) -> bool:
    if touch.kind != Kind.PREFERENCES_UPDATED:
        return False
    data: Any = touch.data
    return data.max_per_week == 0 or (data.silent_until is not None and person.silent_until > now)
