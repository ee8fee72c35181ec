"""The arms of a policy: its actions at a level of risk, by the hash of what they say, and what the policy expects."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
from xxhash import xxh3_64_intdigest

from models.decisions.choosing.numbers import Arm
from models.decisions.choosing.prior import Prior, prior_arm
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.types import Action, Policy

MOST_EXPECTED: Final = 0.1
"""Of the value at stake: no action is believed to keep more before it has shown it, whatever the policy's figure."""
MOST_KEPT: Final = 8
"""Policies whose arms are kept."""


class PolicyArm(NamedTuple):
    """An arm. action: its name. number: 32 bits of the hash of its content. figure: money that the policy expects of it
    above leaving alone, after its discount and before the cost of contact. cost: beside the channel's, money. then: of
    a second step, how often it is reached, and its channel where it has one of its own."""

    action: str
    number: int
    figure: float
    cost: float
    then: tuple[float, str] = (0.0, "")

    @property
    def name(self) -> str:
        return arm_name(self.number)

    def cost_by(self, policy: Policy, channel: str) -> float:
        """Of a contact by a channel, money."""
        reached, own = self.then
        again = reached * policy.channel[own or channel].cost if reached else 0.0
        return self.cost + policy.channel[channel].cost + again


_kept: Final[dict[str, dict[str, PolicyArm]]] = {}


def arms_of(policy: PolicyInForce) -> dict[str, PolicyArm]:
    """The arms of a policy, by action: those that its risk moment names, whatever their mode."""
    found = _kept.get(policy.sha256)
    if found is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        moment = policy.risk_moment
        names = policy.actions_of(moment) if moment is not None else ()
        found = _kept[policy.sha256] = {name: _arm(name, policy.policy) for name in names}
    return found


def arm_name(number: int) -> str:
    """An arm as versions and outputs name it."""
    return f"{number:08x}"


def expected_share(figure: float, worth: float) -> float:
    """The policy's figure as a share of the value at stake, sceptically.

    >>> expected_share(2.0, 100.0), expected_share(50.0, 100.0)
    (0.02, 0.1)
    """
    return min(max(figure / worth, -MOST_EXPECTED), MOST_EXPECTED)


def new_arm(arm: PolicyArm, worth: float, features: int) -> Arm:
    """An arm of which a version knows nothing yet. worth: the value at stake, money."""
    return prior_arm(Prior(), {0: expected_share(arm.figure, worth)}, features)


def changed_arm(former: Arm) -> Arm:
    """An arm of which a version knows nothing but what it replaces: what that one showed, as unsure as a new one."""
    return prior_arm(Prior(), dict(enumerate(former.effect)), len(former.effect))


def _arm(name: str, policy: Policy) -> PolicyArm:
    action = policy.action[name]
    number = xxh3_64_intdigest(msgspec.json.encode([name, *_content(name, policy)], order="sorted")) & 0xFFFFFFFF
    figure, cost, then = action.effect - action.discount, action.cost, (0.0, "")
    if action.then is not None:
        second = policy.action[action.then.action]
        figure += action.then.reached * (second.effect - second.discount)
        cost += action.then.reached * second.cost
        then = (action.then.reached, second.channels[0] if second.channels else "")
    return PolicyArm(name, number, figure, cost, then)


def _content(name: str, policy: Policy) -> list[object]:
    """What a customer gets: other levels, limits or figures make no other arm of it."""
    action = policy.action[name]
    told = _said_by(action)
    if action.then is not None:
        told += [action.then.action, action.then.at, _said_by(policy.action[action.then.action])]
    return told


def _said_by(action: Action) -> list[object]:
    return [
        action.purpose,
        action.kind,
        action.content,
        action.parameters,
        action.notices,
        action.promotion,
        action.discount,
        action.valid,
        action.topic,
        action.channels,
    ]
