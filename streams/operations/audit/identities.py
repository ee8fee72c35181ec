"""Which ids of a partition are another customer's: nothing is decided about those."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.outputs import Decision
from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Finding
from streams.operations.audit.dialogue import Dialogue
from streams.operations.audit.joins import Joins, Where
from streams.operations.audit.person import Person
from streams.operations.audit.policies import Policy
from streams.operations.audit.programme import Programme
from streams.operations.audit.windows import Windows

MERGED, TAKEN_OVER, REVIVED = "merged", "taken_over", "revived"
BOOKED = frozenset({"ledger", "membership"})
OF_THE_MERGE = frozenset({MERGED, TAKEN_OVER, REVIVED})
ENDS = frozenset({"episode_closed", "void", "outcome"})
"""What may be said at the very place at which an id becomes another's."""
KNOWN: Final = frozenset(
    {
        *("erased", "restricted", "refused", "profiling", "silent", "open_case", "own_cap", "cool_down"),
        *("unknown_action", "unknown_channel", "wrong_policy"),
    }
)
"""What is asked of triggers of who took over another id, too: what that had can only forbid more of it."""
UNKNOWN: Final = "what was known of their customers may have left the store"
IN_PART: Final = "other ids became their customers': only what those cannot change"


class Identities:
    """Of one partition. windows, programme: of its customers. joins: of all partitions."""

    def __init__(self, windows: Windows, programme: Programme, joins: Joins) -> None:
        self.windows, self.joins, self._programme = windows, joins, programme
        self._into: dict[str, str] = {}
        self._gone: dict[str, tuple[Person, Dialogue]] = {}
        self._now: str = ""  # whose id has become another's at the place under way

    def teaches(self, touch: Touch, person: Person, dialogue: Dialogue, where: Where, forwarded: bool = False) -> bool:
        """A touchpoint comes; whether it has not been here, and teaches something of its own customer. forwarded: it
        was told at another id of theirs."""
        return not person.comes_again(touch) and not self._arrives(touch, person, dialogue, where, forwarded)

    def _arrives(self, touch: Touch, person: Person, dialogue: Dialogue, where: Where, forwarded: bool) -> bool:
        """Whether it is of identities alone. What was known of another id, maybe in another partition, may be the
        customer's then: they are judged in part from then on."""
        self._now = ""
        if touch.kind == Kind.IDENTITY_MOVED:
            if touch.customer not in self._into:
                self.joins.arrives(touch, person, dialogue, where)
            self._joins(touch.customer, person, dialogue)
            return True
        if touch.customer in self._into:
            return True  # it goes on to them
        if touch.kind == Kind.IDENTITY_MERGED:
            into = str(getattr(touch.data, "into", ""))
            if into != touch.customer and not forwarded:
                self._into[touch.customer] = into
                self._gone[touch.customer] = person, dialogue
                self._now = touch.customer
                self.joins.leaves(touch, person, dialogue, where.now)
            return True
        return False

    def _joins(self, customer: str, person: Person, dialogue: Dialogue) -> None:
        """What another id had is the customer's. Of an id that is another's itself it goes on and changes nothing here,
        or the id is its own again, with whatever comes round to it."""
        person.joined = True
        dialogue.control.clear()
        self.windows.joins(customer)
        self._programme.joins(customer, person)

    def is_anothers(self, customer: str) -> bool:
        """Whether an id is another customer's: what comes there goes on to them."""
        return customer in self._into

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
            if (known := self._gone.pop(customer, None)) is not None:
                self._joins(customer, *known)
        elif into is not None and decision.what not in OF_THE_MERGE:
            moves = decision.what in BOOKED
            if not (self._now == customer and (moves or decision.what in ENDS)):
                yield Finding("identity", f"the id is {into}'s: nothing is decided about it", decision.what)
