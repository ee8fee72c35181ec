"""Plans: several steps after one moment, and the second step of an action that was drawn.

A step that is due asks as a moment of its own, named after its plan and its number (``dunning.2``), and passes all
gates. A step that they hold for longer than its `within` is left out; the next ones come in their time, counted from
the plan's beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from models.customer.moments import whole
from models.decisions.contact import remember, withdraw
from models.decisions.given import Given, Said, Touched, id_at
from models.decisions.person import value_of
from models.decisions.policy.conditions import holds
from models.decisions.policy.steps import step_name
from models.decisions.resending import never_mind
from models.decisions.rule_types import PlanRules
from models.decisions.rules import rules_of
from models.decisions.running import MAX_RUNNING, Running
from models.decisions.standing import MAX_WAITING, Outstanding, Stage, Waiting, number_of
from models.decisions.unsent import Unsent
from models.touchpoints.kinds import Kind

STARTED, ENDED, LEFT_OUT = "plan_started", "plan_ended", "step_left_out"
"""What is said of a plan: `Decision.what`."""
DONE, NO_PLAN = "done", "no_plan"
"""Why a plan ends, beside the touchpoints that end it: its last step has asked, the policy no longer has it."""


def begin(given: Given, moment: str) -> Iterator[Said]:
    """Begin the plans of a moment that asks."""
    standing, now = given.standing, given.now
    rules = rules_of(given.policy)
    for plan in rules.plans_of.get(moment, ()):
        if len(standing.running) >= MAX_RUNNING or any(one.plan == plan.number for one in standing.running):
            continue
        if plan.once_per and now < standing.once.get(plan.number, -plan.once_per) + plan.once_per:
            continue
        if plan.when is not None and not holds(plan.when, lambda field: value_of(given.person, field, now)):
            continue
        began = whole(now)
        standing.running.append(Running(plan.number, began, 1, began + plan.steps[0].after))
        if plan.once_per:
            remember(standing, given.policy, plan.number, now)
        yield Said(STARTED, id_at(given, plan.name), moment=plan.name, reason=moment)


def heard(given: Given, touch: Touched) -> list[Said]:
    """A touchpoint may end plans, or leave steps out."""
    standing, said = given.standing, list[Said]()
    rules = rules_of(given.policy)
    for one in list(standing.running):
        plan = rules.plans.get(one.plan)
        if plan is None:
            continue
        if touch.kind in plan.ends_with:
            said += _end(given, one, plan, Kind(touch.kind).type)
            continue
        left_out = one.left_out
        for at, step in enumerate(plan.steps):
            left_out |= (touch.kind in step.unless) << at
        if left_out != one.left_out:
            standing.running[standing.running.index(one)] = one._replace(left_out=left_out)
            said += _never_mind(given, plan, left_out)
    return said


def due(given: Given) -> list[Said]:
    """Let the steps ask whose time has come."""
    standing, now, said = given.standing, given.now, list[Said]()
    rules = rules_of(given.policy)
    for one in list(standing.running):
        plan = rules.plans.get(one.plan)
        if plan is None:
            standing.running.remove(one)
            said.append(Said(ENDED, id_at(given, str(one.plan)), gate=NO_PLAN))
            continue
        at, step = standing.running.index(one), one
        while step.due and step.due <= now and step.next <= len(plan.steps):
            said += _ask(given, plan, step)
            following = step.next + 1
            after = plan.steps[following - 1].after if following <= len(plan.steps) else 0
            step = step._replace(next=following, due=step.began + after if following <= len(plan.steps) else 0)
        if step != one:
            standing.running[at] = step
    return said


def over(given: Given) -> list[Said]:
    """End the plans whose steps have all had their answer."""
    standing, said = given.standing, list[Said]()
    rules = rules_of(given.policy)
    for one in list(standing.running):
        plan = rules.plans.get(one.plan)
        if plan is not None and one.next > len(plan.steps) and not _under_way(given, plan, one):
            standing.running.remove(one)
            said.append(Said(ENDED, id_at(given, plan.name), moment=plan.name, reason=DONE))
    return said


# -- the second step of an action that was drawn


def arm_drawn(given: Given, action: str) -> None:
    """An action of two steps was drawn: the second comes with its level, within the window."""
    plan = rules_of(given.policy).plans.get(number_of(action))
    then = given.policy.policy.action[action].then
    if plan is None or then is None or len(given.standing.running) >= MAX_RUNNING:
        return
    levels = given.levels
    at = next(level.at for level in levels if level.name == then.at)
    began = whole(given.now)
    given.standing.running.append(Running(plan.number, began, 2, 0, at=at))


def level_reached(given: Given, threshold: float) -> list[Said]:
    """The second step of what was drawn asks, if the risk has reached its level before the window is over."""
    standing, said = given.standing, list[Said]()
    for one in list(standing.running):
        if not one.at or threshold < one.at:
            continue
        standing.running.remove(one)
        plan = rules_of(given.policy).plans.get(one.plan)
        if plan is not None and standing.acts_until > given.now:
            said += _ask(given, plan, one)
    return said


def window_over(given: Given) -> None:
    """What was drawn has no second step any more."""
    if not given.standing.window_ends and any(one.at for one in given.standing.running):
        given.standing.running = [one for one in given.standing.running if not one.at]


# -- parts


def _ask(given: Given, plan: PlanRules, one: Running) -> list[Said]:
    """Let a step ask, unless a touchpoint has left it out."""
    standing, name = given.standing, step_name(plan.name, one.next)
    if one.left_out >> (one.next - 1) & 1:
        return [Said(LEFT_OUT, id_at(given, name), moment=name)]
    number = number_of(name)
    if len(standing.waiting) >= MAX_WAITING or any(waits.moment == number for waits in standing.waiting):
        return [Said(LEFT_OUT, id_at(given, name), moment=name, gate="crowded")]
    standing.waiting.append(Waiting(number, one.due or whole(given.now), given.now))
    return []


def _under_way(given: Given, plan: PlanRules, one: Running) -> bool:
    """Whether a step of a plan waits, is out, or was stopped: what ends the plan has something to end."""
    standing, steps = given.standing, _numbers(plan)
    asks = {*(waits.moment for waits in standing.waiting), *(held.moment for held in standing.unsent)}
    return bool(steps & asks) or any(True for _ in _out(given, plan, one))


def _end(given: Given, one: Running, plan: PlanRules, reason: str) -> list[Said]:
    """End a plan: its steps that wait do so no more, and what of it is out is taken back."""
    standing, steps = given.standing, _numbers(plan)
    standing.running.remove(one)
    said = [Said(ENDED, id_at(given, plan.name), moment=plan.name, reason=reason)]
    standing.waiting = [waits for waits in standing.waiting if waits.moment not in steps]
    said += never_mind(given, reason, _asked_by(steps))
    for out, name in list(_out(given, plan, one)):
        if withdraw(standing, out.id, rules_of(given.policy).final):
            said.append(Said("withdrawn", reason=reason, trigger=f"{out.id:032x}", action=name, withdraws=True))
    return said


def _never_mind(given: Given, plan: PlanRules, left_out: int) -> list[Said]:
    """Steps that were asked already and are left out now wait no more."""
    standing, said = given.standing, list[Said]()
    for at in range(len(plan.steps)):
        if not left_out >> at & 1:
            continue
        name = step_name(plan.name, at + 1)
        number = number_of(name)
        for waits in [one for one in standing.waiting if one.moment == number]:
            standing.waiting.remove(waits)
            said.append(Said(LEFT_OUT, id_at(given, name), moment=name))
        said += never_mind(given, LEFT_OUT, _asked_by({number}))
    return said


def _numbers(plan: PlanRules) -> set[int]:
    """The steps of a plan, as moments are numbered."""
    return {number_of(step_name(plan.name, at)) for at in range(1, len(plan.steps) + 1)}


def _out(given: Given, plan: PlanRules, one: Running) -> Iterator[tuple[Outstanding, str]]:
    """The triggers of a plan that are out, each with its action."""
    actions = {number_of(step.action): step.action for step in plan.steps}
    for out in given.standing.outstanding:
        if out.id and out.stage == Stage.OUT and out.action in actions and out.time >= one.began:
            yield out, actions[out.action]


def _asked_by(moments: set[int]) -> Callable[[Unsent], bool]:
    return lambda unsent: unsent.moment in moments
