"""Rewards of the policy's catalogue that are within a customer's reach, those that they like first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from models.decisions.policy.points_types import Reward
from models.decisions.policy.types import Policy

REWARD: Final = "reward"
PARTNER: Final = "partner"


def code_of(name: str, reward: Reward) -> str:
    """What the sender and the shop know a reward by."""
    return reward.code or name


def within_reach(policy: Policy, balance: int, liked: Sequence[str]) -> list[str]:
    """The rewards that a balance is enough for, by name: in the customer's own order of preference, then those that
    they have not named; of equals the dearest first, then by name."""

    def rank(name: str) -> tuple[int, int, str]:
        reward = policy.reward[name]
        words = {name, code_of(name, reward), *reward.likes}
        place = next((n for n, one in enumerate(liked) if one in words), len(liked))
        return place, -reward.points, name

    return sorted((name for name, one in policy.reward.items() if one.points <= balance), key=rank)


def next_reward(policy: Policy, balance: int) -> str | None:
    """The cheapest that it is not enough for yet; None: it is enough for all."""
    dearer = [(one.points, name) for name, one in policy.reward.items() if one.points > balance]
    return min(dearer)[1] if dearer else None


def parameters_of(policy: Policy, balance: int, liked: Sequence[str]) -> Mapping[str, str]:
    """What a trigger of an action that is about a reward says of the one that is chosen; nothing: none is in reach."""
    found = within_reach(policy, balance, liked)
    if not found:
        return {}
    reward = policy.reward[found[0]]
    partner = {PARTNER: reward.partner} if reward.partner else {}
    return {REWARD: code_of(found[0], reward), **partner}
