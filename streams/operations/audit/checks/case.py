"""A trigger, and all that is known at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from models.outputs import Decision, Trigger
from streams.operations.audit.breaches import Finding
from streams.operations.audit.dialogue import Dialogue
from streams.operations.audit.person import Person
from streams.operations.audit.policies import Policy, Table, span


class Case(NamedTuple):
    """A trigger at its place. action, moment: the policy's tables of them. decision: None where there is none.
    alive: what the shards take for a sign of staying."""

    policy: Policy
    person: Person
    dialogue: Dialogue
    trigger: Trigger
    action: Table
    moment: Table
    decision: Decision | None
    alive: str = "purchase"

    @property
    def now(self) -> int:
        """Log time of the decision, ms."""
        return self.trigger.time

    @property
    def sent_from(self) -> int:
        """The earliest moment at which it may be sent, ms."""
        return max(self.trigger.not_before, self.trigger.time)

    @property
    def lead(self) -> int:
        """How long what goes by its channel takes to arrive, ms."""
        return span(self.policy.channels.get(self.trigger.channel, {}).get("lead", "0s"))

    @property
    def purpose(self) -> str:
        """What the policy says that the action is for."""
        return str(self.action.get("purpose", "marketing"))

    @property
    def marketing(self) -> bool:
        return self.purpose == "marketing"

    @property
    def customer_class(self) -> str:
        """A customer of whom no class is known is a consumer."""
        return self.person.customer_class or "consumer"


Check = Callable[[Case], Iterator[Finding]]
