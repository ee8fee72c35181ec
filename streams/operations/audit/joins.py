"""What arrives with another id takes back what is out under either: judged once all partitions have been read."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final, NamedTuple

from models.outputs import Decision, Withdrawal
from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Breach
from streams.operations.audit.dialogue import Dialogue, Sent
from streams.operations.audit.person import Person
from streams.operations.audit.policies import Policy
from streams.operations.audit.records import Place

SETTLED: Final = frozenset({"delivered", "given_back"})
CASE: Final = Kind.CASE_OPENED.type


class Where(NamedTuple):
    """A place in the line, its log time in ms, and the policy in force there."""

    place: Place
    now: int
    policy: Policy | None


class Side(NamedTuple):
    """What is known of one of two ids: the person, and what is out."""

    person: Person
    out: tuple[Sent, ...]

    @classmethod
    def of(cls, person: Person, dialogue: Dialogue, now: int) -> Side:
        return cls(deepcopy(person), tuple(one for one in dialogue.sent if one.out(now) and not one.withdrawn))


class Joined(NamedTuple):
    """What was known of `origin` has come straight from the place of log time `left`."""

    customer: str
    origin: str
    left: int
    where: Where
    own: Side


class Joins:
    """Of all partitions."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, int], Side] = {}
        self._joined: dict[str, Joined] = {}
        self._ended = set[tuple[str, int]]()

    def leaves(self, touch: Touch, person: Person, dialogue: Dialogue, now: int) -> None:
        """An id is another customer's."""
        self._left[touch.customer, now] = Side.of(person, dialogue, now)

    def arrives(self, touch: Touch, person: Person, dialogue: Dialogue, where: Where) -> None:
        """What was known of another id is the customer's, the first time that it comes. What went round by a third one
        is not judged."""
        data: Any = touch.data
        if len(data.path) == 1 and not person.erased:
            side = Side.of(person, dialogue, where.now)
            self._joined.setdefault(touch.id, Joined(touch.customer, data.path[0], touch.time, where, side))

    def hears(self, said: Withdrawal | Decision) -> None:
        """A trigger is taken back, or it is said that it is not out any more: there was no room for it."""
        if isinstance(said, Withdrawal) or said.what in SETTLED:
            self._ended.add((said.trigger, said.time))

    def breaches(self, since: int, until: float) -> Iterator[Breach]:
        """since, until: log times, ms; what came before or later is not judged."""
        for one in self._joined.values():
            theirs, policy, now = self._left.get((one.origin, one.left)), one.where.policy, one.where.now
            if theirs is None or policy is None or not since <= now <= until:
                continue
            owed = [*_owed(policy, one.own.out, theirs.person, now), *_owed(policy, theirs.out, one.own.person, now)]
            for sent, why in owed:
                if (sent.id, now) not in self._ended:
                    told = (one.customer, sent.action, policy.name, why, f"{sent.id} was not taken back")
                    yield Breach("withdrawal_owed", sent.id, *told, one.where.place, now)


def _owed(policy: Policy, out: tuple[Sent, ...], person: Person, now: int) -> Iterator[tuple[Sent, str]]:
    """What is out under one id and against what the person of the other one has said, or was said of them."""
    if person.blurred or person.erased:
        return
    for sent in out:
        if not sent.out(now) or not policy.channels.get(sent.channel, {}).get("withdrawable", True):
            continue
        named = policy.actions.get(sent.action, {}).get("withdraw_when")
        if reason := person.restricted(sent.purpose, now):
            yield sent, f"restricted under another id: {reason}"
        elif sent.purpose == "marketing" and person.consents["marketing"].closed(sent.channel):
            yield sent, f"{sent.channel} is refused under another id"
        elif person.cases and (CASE in named if named is not None else sent.purpose == "marketing"):
            yield sent, "a case is open under another id"
