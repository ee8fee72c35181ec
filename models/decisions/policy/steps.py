"""Steps of plans by name: each asks as a moment of its own, named after its plan and its number, such as dunning.2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from models.decisions.policy.parts import Duration
from models.decisions.policy.types import Policy


class NamedStep(NamedTuple):
    """A step of a plan, or the second one of an action that is drawn."""

    name: str
    action: str
    within: Duration


def step_name(plan: str, number: int) -> str:
    """The name of a plan's step, counted from 1; nothing else in a policy has a dot in its name."""
    return f"{plan}.{number}"


def beginning_of(policy: Policy, moment: str) -> str:
    """The moment at which the plan of a step began; of what is no step it is the moment itself."""
    plan = policy.plan.get(moment.partition(".")[0]) if "." in moment else None
    return plan.moments[0] if plan is not None else moment.partition(".")[0]


def steps_of(policy: Policy) -> Iterator[NamedStep]:
    """All steps of a policy that ask as moments of their own."""
    for name, plan in policy.plan.items():
        for number, step in enumerate(plan.steps, 1):
            yield NamedStep(step_name(name, number), step.action, step.within)
    for name, action in policy.action.items():
        if action.then is not None:
            yield NamedStep(step_name(name, 2), action.then.action, action.then.within)
