"""Response windows of the learned choice: each draw opens one, which ends in one outcome before the next."""

from __future__ import annotations

from collections.abc import Iterator

from models.outputs import Decision
from streams.operations.audit.breaches import Finding
from streams.operations.audit.policies import Policy, span
from streams.operations.audit.records import SECOND

LEAVE_ALONE = "leave_alone"


class Windows:
    """The open ones of a partition, by customer: the draw, and when its outcome is to be said (log time, ms), which is
    the allowed lateness after its end."""

    def __init__(self, lateness: int) -> None:
        self._lateness = lateness
        self._open: dict[str, tuple[Decision, int]] = {}
        self._joined: set[str] = set()

    def hears(self, decision: Decision, policy: Policy | None) -> Iterator[Finding]:
        """What is asked of a decision that opens or ends one. Those who try things out have none."""
        if decision.what == "outcome":
            yield from self._ends(decision)
        elif decision.what == "decided" and decision.drawn is not None and not decision.test:
            if decision.customer in self._joined:
                return
            before = self._open.get(decision.customer)
            if before is not None:
                says = f"the outcome of {before[0].id} is said before the next draw"
                yield Finding("outcome", says, "another draw")
            lasts = span(policy.choice["window"]) if policy is not None else 0
            self._open[decision.customer] = decision, decision.time + lasts + self._lateness

    def leaves(self, customer: str) -> None:
        """The customer's id is another's, whose their window is."""
        self._open.pop(customer, None)

    def joins(self, customer: str) -> None:
        """What was drawn for another id may be this customer's: which window is theirs is known no more."""
        self._open.pop(customer, None)
        self._joined.add(customer)

    def unended(self, now: int) -> Iterator[tuple[Decision, Finding]]:
        """Draws whose window was over by now and of which nothing was said."""
        for draw, ends in self._open.values():
            if ends + SECOND < now:
                yield draw, Finding("no_outcome", f"its outcome was due at {ends}", "there is no outcome of it")

    def _ends(self, decision: Decision) -> Iterator[Finding]:
        if decision.customer in self._joined:
            return
        ended, found = decision.ended, self._open.pop(decision.customer, None)
        if ended is None or found is None or ended.decision != found[0].id:
            named = "none" if ended is None else ended.decision
            is_open = "none is open" if found is None else f"{found[0].id} is open"
            yield Finding("outcome", is_open, f"the outcome of {named}")
            return
        draw, ends = found
        if decision.time < ends and ended.unlearned != "erased":
            yield Finding("outcome", f"it is due at {ends}", f"the outcome came at {decision.time}")
        arm = next((one.arm for one in draw.candidates if one.action == draw.action), "")
        drawn = "" if draw.action == LEAVE_ALONE else arm
        told = (ended.arm, ended.control)
        if told != (drawn, draw.control):
            yield Finding(
                "outcome", f"arm {drawn!r} was drawn, control {draw.control}", f"of arm {told[0]!r}, {told[1]}"
            )
