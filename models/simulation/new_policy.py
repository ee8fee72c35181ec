"""What a policy would have done by its figures in draws that were made under others."""

from __future__ import annotations

import numpy as np

from models.decisions.choosing.arms import PolicyArm, arms_of
from models.decisions.draw import ONE, chances
from models.decisions.policy.in_force import PolicyInForce
from models.outputs import Candidate, Decision
from models.simulation.logged_values import Target
from models.simulation.own_draws import Joined

WRONG_LEVEL = "wrong_level"
"""The gate of an action by its own levels (`models.decisions.gates`): the one that a decision can be asked again."""


def by_figures(policy: PolicyInForce, joined: Joined, name: str) -> Target:
    """The policy's draw by its figures in each row, under the gates as they were. name: of the policy, for people.

    What was not in a draw with the same content and that the policy could have done is unsupported: an action that is
    new, one whose content is another, one that only its levels held.
    """
    place = {arm: number for number, arm in enumerate(joined.arms)}
    choice = policy.policy.choice
    arms = [one for one in arms_of(policy).values() if policy.policy.action[one.action].mode == "live"]
    found = np.zeros((len(joined.decisions), len(place)))
    missing = np.zeros(len(joined.decisions))
    for row, decision in enumerate(joined.decisions):
        by_action = {one.action: one for one in decision.candidates}
        open_ = [one for one in arms if _could(policy, one, decision, by_action.get(one.action))]
        scores = [one.figure - one.cost_by(policy.policy, _channel(policy, one, by_action)) for one in open_]
        likely = [one / ONE for one in chances(scores, choice.floor, choice.hold_out)] if open_ else [1.0]
        found[row, 0] = likely[0]
        for one, chance in zip(open_, likely[1:], strict=True):
            candidate = by_action.get(one.action)
            if candidate is not None and candidate.arm == one.name:
                found[row, place[one.name]] = chance
            else:
                missing[row] += chance
    return Target(name, found, missing)


def _could(policy: PolicyInForce, arm: PolicyArm, decision: Decision, candidate: Candidate | None) -> bool:
    levels = policy.policy.action[arm.action].levels
    if levels and decision.level not in levels:
        return False
    return candidate is None or bool(candidate.arm) or candidate.gates == (WRONG_LEVEL,)


def _channel(policy: PolicyInForce, arm: PolicyArm, by_action: dict[str, Candidate]) -> str:
    """That of the draw, else the action's own best, else the policy's first."""
    candidate = by_action.get(arm.action)
    if candidate is not None and candidate.channel in policy.policy.channel:
        return candidate.channel
    return next(iter([*policy.policy.action[arm.action].channels, *policy.policy.channel]))
