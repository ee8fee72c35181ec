"""What an action takes from the policy's budgets in the learned draw, and what that costs at their prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.decisions.choosing.numbers import Numbers
from models.decisions.gates import Judged
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of

MOST_KEPT: Final = 8
"""Policies whose takings are kept."""

_kept: Final[dict[str, dict[str, dict[str, float]]]] = {}


def taken(policy: PolicyInForce, action: str) -> Mapping[str, float]:
    """Units by budget: the most that its trigger takes, and its second step as often as that is reached."""
    kept = _kept.get(policy.sha256)
    if kept is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        kept = _kept[policy.sha256] = {}
    found = kept.get(action)
    if found is None:
        found = kept[action] = _taken(policy, action)
    return found


def _taken(policy: PolicyInForce, action: str) -> dict[str, float]:
    rules, then = rules_of(policy).actions, policy.policy.action[action].then
    found = {name: float(units) for name, units in rules[action].budgets}
    if then is not None:
        for name, units in rules[then.action].budgets:
            found[name] = found.get(name, 0.0) + then.reached * units
    return found


def prices_of(policy: PolicyInForce, actions: list[str], numbers: Numbers | None) -> dict[str, float]:
    """Of a unit of each budget that the actions take from, where a version has set one, money."""
    if numbers is None or not numbers.prices:
        return {}
    names = dict.fromkeys(name for action in actions for name in taken(policy, action))
    return {name: price for name in names if (price := numbers.prices.get(name, 0.0))}


def price_of(policy: PolicyInForce, action: str, prices: Mapping[str, float]) -> float:
    """What an action takes from budgets, at their prices, money."""
    found = 0.0
    if prices:
        for name, units in taken(policy, action).items():
            found += prices.get(name, 0.0) * units
    return found


def is_held_by_budgets_alone(found: Judged) -> bool:
    """Whether it could be done, were there room."""
    return len(found.held) == 1 and found.held[0].code == "budget"
