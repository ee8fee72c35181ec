"""Who is of the control group, by what the decisions say. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from models.decisions.draw import ONE
from models.outputs import TAKEN_OVER, Decision
from models.outputs.control import ControlMember

LEAVES: Final = frozenset({"erased", "forgotten", "merged"})
"""What is said of a customer of whom nothing is known from then on, or at another id alone."""
SAYS: Final = frozenset({"decided", "shadow", TAKEN_OVER})


class Change(NamedTuple):
    """member: None: of it no more."""

    customer: str
    member: ControlMember | None


class Members:
    """Of one partition. known: as its rows say."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = set(known)

    def __len__(self) -> int:
        return len(self._known)

    def hears(self, decision: Decision) -> Change | None:
        """What a decision changes; None: nothing.

        Who had a draw of their own is of it no more: they have another account, or the policy another salt or share.
        Who tries things out (`test`) tells nothing of it. Of an erasure a row leaves whether it is known or not: who
        reads the topic may have it from before.
        """
        customer = decision.customer
        if decision.what in LEAVES:
            if customer not in self._known and decision.what != "erased":
                return None
            self._known.discard(customer)
            return Change(customer, None)
        if decision.what not in SAYS or decision.test or not customer:
            return None
        if decision.control and customer not in self._known:
            self._known.add(customer)
            return Change(customer, ControlMember(customer, decision.time, decision.policy))
        drawn = sum(one.chance for one in decision.candidates) == ONE
        if drawn and not decision.control and customer in self._known:
            self._known.discard(customer)
            return Change(customer, None)
        return None
