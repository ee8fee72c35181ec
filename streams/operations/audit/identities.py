"""Which ids of a partition are another customer's: nothing is decided about those."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.outputs import Decision
from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Finding
from streams.operations.audit.dialogue import Dialogue
from streams.operations.audit.person import Person
from streams.operations.audit.policies import Policy
from streams.operations.audit.programme import Programme
from streams.operations.audit.windows import Windows

MERGED, TAKEN_OVER, REVIVED = "merged", "taken_over", "revived"
BOOKED = frozenset({"ledger", "membership"})
OF_THE_MERGE = frozenset({MERGED, TAKEN_OVER, REVIVED})
ENDS = frozenset({"episode_closed", "void", "outcome"})
"""What may be said at the very place at which an id becomes another's."""
UNKNOWN: Final = "what was known of their customers may have left the store, or came from other ids"


class Identities:
    """Of one partition. windows, programme: of its customers."""

    def __init__(self, windows: Windows, programme: Programme) -> None:
        self.windows, self._programme = windows, programme
        self._into: dict[str, str] = {}
        self._now: str = ""  # whose id has become another's at the place under way

    def teaches(self, touch: Touch, person: Person, dialogue: Dialogue) -> bool:
        """A touchpoint comes; whether it has not been here, and teaches something of its own customer."""
        return not person.comes_again(touch) and not self._arrives(touch, person, dialogue)

    def _arrives(self, touch: Touch, person: Person, dialogue: Dialogue) -> bool:
        """Whether it is of identities alone. What was known of another id, maybe in another partition, may be the
        customer's then: they are not judged any more."""
        self._now = ""
        if touch.customer in self._into:
            return True  # it goes on to them
        if touch.kind == Kind.IDENTITY_MERGED:
            into = str(getattr(touch.data, "into", ""))
            if into != touch.customer:
                self._into[touch.customer] = into
                self._now = touch.customer
            return True
        if touch.kind != Kind.IDENTITY_MOVED:
            return False
        person.blurred = True
        dialogue.control.clear()
        self.windows.joins(touch.customer)
        self._programme.begins_anew(touch.customer, unsure=True)
        return True

    def hears(self, decision: Decision, policy: Policy | None) -> list[Finding]:
        """Something is decided: what is wrong about ids and windows."""
        return [*self._hears(decision), *self.windows.hears(decision, policy)]

    def _hears(self, decision: Decision) -> Iterator[Finding]:
        into, customer = self._into.get(decision.customer), decision.customer
        if decision.what == MERGED:
            self.windows.leaves(customer)
        if decision.what == MERGED and (into is None or decision.reason != f"into {into}"):
            yield Finding("identity", "an id is another customer's where the log says so", f"merged {decision.reason}")
        elif decision.what == REVIVED:
            if into is None:
                yield Finding("identity", "only an id that was another's is its own again", "revived")
            self._into.pop(customer, None)
        elif into is not None and decision.what not in OF_THE_MERGE:
            moves = decision.what in BOOKED
            if not (self._now == customer and (moves or decision.what in ENDS)):
                yield Finding("identity", f"the id is {into}'s: nothing is decided about it", decision.what)
