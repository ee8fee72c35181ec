"""Whoever stands above a level when a policy or an action goes live asks in turn: a share of the customers a day.

The turn is the customer's own, by hash. Without `ramp` all of them ask at their next estimate.
"""

from __future__ import annotations

from typing import Final

from models.decisions.given import Given
from models.decisions.policy.in_force import PolicyInForce
from models.numerics.shares import share_of
from models.settings import DAY, SECOND

CARRIED_OVER: Final = "carried_over"
"""Why a moment waits that stood at its level before."""


def own_turn(given: Given) -> int:
    """When the customer's turn comes, log time in ms, whole seconds after now; 0: at once."""
    if given.policy.policy.ramp is None:
        return 0
    return (given.now // SECOND + 1) * SECOND + turn_after(given.policy, given.person.customer)


def turn_after(policy: PolicyInForce, customer: bytes) -> int:
    """How long after their step a customer's turn comes, ms, whole seconds; 0 without `ramp`."""
    ramp = policy.policy.ramp
    if ramp is None:
        return 0
    days = 100.0 / ramp
    return (share_of("ramp", customer) * int(days * DAY) >> 64) // SECOND * SECOND
