"""Whether the plans of a policy make sense, and the second steps of its actions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

from models.decisions.policy.condition_checks import faults_of_condition
from models.decisions.policy.conditions import PERSON_FIELDS, TOUCHPOINTS
from models.decisions.policy.faults import Faults
from models.decisions.policy.parts import ms_of
from models.decisions.policy.plan_types import Plan, Then
from models.decisions.policy.structure import Problem, meant
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import shown


def faults_of_plans(policy: Policy) -> Faults:
    """All that is wrong with them."""
    for name, plan in policy.plan.items():
        key = f"plan.{name}"
        if name in policy.moment or name in policy.action:
            yield Problem(key, "named as a moment or an action is", "give it another name")
        yield from _begins(key, plan, policy)
        yield from _steps(key, plan, policy)
        yield from _known(f"{key}.ends_with", plan.ends_with, TOUCHPOINTS, "the types of touchpoints")
        if plan.once_per is not None and ms_of(plan.once_per) == 0:
            yield Problem(f"{key}.once_per", shown(plan.once_per), 'give a duration above zero, such as "90d"')
    for name, action in policy.action.items():
        if action.then is not None:
            yield from _second(f"action.{name}.then", name, action.then, policy)
    named = {step.action for plan in policy.plan.values() for step in plan.steps}
    named |= {action.then.action for action in policy.action.values() if action.then is not None}
    for name, action in policy.action.items():
        if not action.moments and name not in named:
            takes = "name the moments at which it may be done, or make it a step of a plan"
            yield Problem(f"action.{name}.moments", "empty", takes)


def _begins(key: str, plan: Plan, policy: Policy) -> Faults:
    yield from _known(f"{key}.moments", plan.moments, policy.moment, "the policy's moments")
    for n, name in enumerate(plan.moments):
        if name in policy.moment and policy.moment[name].sort == "risk":
            takes = "give another moment: what the risk moment does is drawn; an action's `then` is its second step"
            yield Problem(f"{key}.moments[{n}]", shown(name), takes)
    if plan.when is not None:
        yield from faults_of_condition(f"{key}.when", plan.when, PERSON_FIELDS, policy.protected)


def _steps(key: str, plan: Plan, policy: Policy) -> Faults:
    for n, step in enumerate(plan.steps):
        at = f"{key}.steps[{n}]"
        yield from _known(f"{at}.action", (step.action,), policy.action, "the policy's actions", single=True)
        yield from _known(f"{at}.unless", step.unless, TOUCHPOINTS, "the types of touchpoints")
        if ms_of(step.within) == 0:
            yield Problem(f"{at}.within", shown(step.within), 'give a duration above zero, such as "1d"')
    for n, (before, after) in enumerate(pairwise(plan.steps), 1):
        if ms_of(after.after) < ms_of(before.after):
            takes = f"give at least what the step before it has ({before.after}): steps come in the order of their time"
            yield Problem(f"{key}.steps[{n}].after", shown(after.after), takes)


def _second(key: str, name: str, then: Then, policy: Policy) -> Faults:
    levels = [level.name for level in policy.risk.levels]
    yield from _known(f"{key}.action", (then.action,), policy.action, "the policy's actions", single=True)
    yield from _known(f"{key}.at", (then.at,), levels, "the levels of risk.levels", single=True)
    action = policy.action[name]
    if not any(one in policy.moment and policy.moment[one].sort == "risk" for one in action.moments):
        yield Problem(key, "given", "leave it out, or name the risk moment: only what is drawn there has a second step")
    second = policy.action.get(then.action)
    if second is not None and (second.purpose != "marketing" or second.then is not None):
        takes = "give an action of purpose marketing that has no `then` of its own: it is part of the draw"
        yield Problem(f"{key}.action", shown(then.action), takes)
    if then.at in levels and not any(levels.index(one) < levels.index(then.at) for one in action.levels or levels):
        takes = "give a level above those at which the action itself may be drawn"
        yield Problem(f"{key}.at", shown(then.at), takes)


def _known(key: str, named: Iterable[str], known: Collection[str], what: str, *, single: bool = False) -> Faults:
    for n, name in enumerate(named):
        if name not in known:
            near = meant(name, known)
            yield Problem(key if single else f"{key}[{n}]", shown(name), f"{near}give one of {what}")
