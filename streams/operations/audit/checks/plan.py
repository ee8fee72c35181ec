"""Whether a step of a plan came in its time, after its cause, and before what ends or leaves it out."""

from __future__ import annotations

from collections.abc import Iterator

from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Finding
from streams.operations.audit.checks.case import Case
from streams.operations.audit.policies import Table, span
from streams.operations.audit.predicate import holds, of_data
from streams.operations.audit.records import SECOND


def check(case: Case) -> Iterator[Finding]:
    """The rules of the family `plans`."""
    plan, number = case.policy.step(case.trigger.moment)
    if plan is not None:
        yield from _step(case, plan, number)
    elif number:
        yield from _second(case)
    if case.marketing:
        yield from _held(case, plan)


def _step(case: Case, plan: Table, number: int) -> Iterator[Finding]:
    moment, steps = case.trigger.moment, plan["steps"]
    if number > len(steps) or steps[number - 1]["action"] != case.trigger.action:
        yield Finding("wrong_moment", f"{len(steps)} steps of their own actions", f"{case.trigger.action} at {moment}")
        return
    step = steps[number - 1]
    after, within = span(step.get("after", "0s")), span(step.get("within", "1d"))
    causes = [
        asked
        for asked, touch in case.dialogue.causes
        if asked + after - SECOND <= case.now <= asked + after + within + SECOND and _begins(case, plan, touch)
    ]
    began = case.dialogue.began.get(moment.partition(".")[0], "")
    if not causes and began and began != case.trigger.policy:
        return  # at a moment of the policy of then
    if not causes and all(case.policy.moments[name].get("sort") == "touchpoint" for name in plan["moments"]):
        says = f"{after} ms after {' or '.join(plan['moments'])}, within {step.get('within', '1d')}"
        yield Finding("no_cause", says, "no such touchpoint came")
        return
    ends = {*plan.get("ends_with", ()), *step.get("unless", ())}
    marks = [heard for heard, kind in case.dialogue.marks if kind in ends]
    if causes and all(any(asked < heard < case.now for heard in marks) for asked in causes):
        yield Finding("plan_over", f"not after {' or '.join(sorted(ends))}", f"{moment} was sent")
    former = [one for one in case.dialogue.sent if one.moment == moment and causes and one.time >= min(causes)]
    unsent = sum(one.given_back or one.bounced for one in former)
    if causes and len(former) >= len(causes) + min(unsent, len(causes)):
        yield Finding("asked_again", f"{len(causes)} touchpoints asked", f"trigger number {len(former) + 1}")


def _begins(case: Case, plan: Table, touch: Touch) -> bool:
    for name in plan["moments"]:
        moment = case.policy.moments[name]
        condition = moment.get("when")
        meant = condition is None or holds(condition, of_data(touch.data)) is not False
        if Kind(touch.kind).type in moment.get("touchpoints", []) and meant:
            return True
    return False


def _second(case: Case) -> Iterator[Finding]:
    """The second step of an action that was drawn: within the window of its draw, at its level."""
    first, _, _ = case.trigger.moment.partition(".")
    then = case.policy.actions.get(first, {}).get("then")
    if then is None or then["action"] != case.trigger.action:
        yield Finding("wrong_moment", "a step of a plan or of an action", f"{case.trigger.action} at {first}")
        return
    drawn, window = case.dialogue.drawn, span(case.policy.choice["window"])
    former = [one for one in case.dialogue.sent if one.action == first and one.level and one.time + window > case.now]
    if drawn is None or case.now >= drawn.until + SECOND or not former:
        yield Finding("no_cause", f"{first} was drawn less than {window} ms before", "it was not")


def _held(case: Case, own: Table | None) -> Iterator[Finding]:
    for name in case.dialogue.running:
        plan = case.policy.plans.get(name)
        if plan is None or not plan.get("holds") or plan is own:
            continue
        if all(step["action"] != case.trigger.action for step in plan["steps"]):
            yield Finding("held", f"plan {name} holds marketing while it runs", f"{case.trigger.action} was sent")
