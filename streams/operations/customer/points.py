"""A customer's points for people: balance, lots, what is pending, what can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.customer.record import Record
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.types import Policy
from models.decisions.rewards import code_of, next_reward, within_reach
from models.loyalty.account import NEVER_EXPIRES
from models.loyalty.stored import unpack_account
from streams.operations.customer.person import iso


def points_view(record: Record, policy: PolicyInForce | None = None) -> dict[str, Any] | None:
    """JSON types only; None: nothing is booked, or not any more. What has expired is there until it is booked, half an
    hour at most. policy: in force, for its catalogue of rewards; None: it is not known."""
    if not record.tail.points:
        return None
    account = unpack_account(record.tail.points)
    pending = [one for one in account.earned if one.active_at]
    rewards = _rewards(policy.policy, account.balance, record.tail.rewards) if policy is not None else {}
    return {
        "balance": account.balance,
        "pending": account.pending,
        "owed": account.owed,
        "next_expiry": iso(account.next_expiry),
        "lots": [f"{points:,} {_until(expires)}" for expires, points in sorted(account.lots.items())],
        "becoming_active": [f"{one.points:,} on {iso(one.active_at)}, {_until(one.expires)}" for one in pending],
        "rewards_that_can_be_cancelled": [
            f"{sum(points for _, points in one.parts):,} until {iso(one.until)}" for one in account.drawn
        ],
        **rewards,
    }


def _rewards(policy: Policy, balance: int, liked: Sequence[str]) -> dict[str, Any]:
    """What there is within reach, what they like first, and what comes next; nothing without a catalogue."""
    if not policy.reward:
        return {}
    following = next_reward(policy, balance)
    return {
        "rewards_within_reach": [code_of(one, policy.reward[one]) for one in within_reach(policy, balance, liked)],
        "next_reward": None if following is None else code_of(following, policy.reward[following]),
        "points_to_next_reward": None if following is None else policy.reward[following].points - balance,
    }


def _until(expires: int) -> str:
    return "for good" if expires == NEVER_EXPIRES else f"until {iso(expires)}"
