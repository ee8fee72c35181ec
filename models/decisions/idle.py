"""Whether a look at a customer would come to nothing: nothing is due, and time alone changes nothing yet."""

from __future__ import annotations

from models.decisions.contact import NEVER, due_at
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.decisions.standing import LONGEST_WINDOW
from models.decisions.standing_stored import ends_in


def idle_until(policy: PolicyInForce, stored: bytes, contract: bool) -> int:
    """Until when a decision would say and change nothing, ms, that nothing asks for but a look; 0: it takes one.

    stored: how we stand with a customer. contract: they have had one; while it runs no level may wait.
    """
    if rules_of(policy).dated:
        return 0
    if not stored:
        return NEVER
    found = ends_in(stored)
    if found is None or (contract and found.level):
        return 0
    ends = [end for end in found.times if end]
    ends += map(due_at, found.outstanding)
    if found.counts is not None:
        ends.append(found.counts.ends + LONGEST_WINDOW)
    return min(ends, default=NEVER)
