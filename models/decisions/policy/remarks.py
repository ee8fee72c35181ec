"""What is allowed in a policy and still worth a second look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from models.decisions.policy.limits_told import caps_of
from models.decisions.policy.parts import LONGEST_DURATION, ms_of
from models.decisions.policy.protection_checks import never_together
from models.decisions.policy.retention_types import periods_of
from models.decisions.policy.types import OF_ACCOUNTS, Policy
from models.decisions.treated import MOST
from models.settings import DAY
from models.touchpoints.fields import CustomerClass


def remarks(policy: Policy) -> list[str]:
    """Sentences without their full stop, each beginning with the key that it is about."""
    of_contact = (*_contact(policy), *_control(policy), *_left_alone(policy))
    return [*_moments(policy), *_actions(policy), *of_contact, *_loyalty(policy)]


def _moments(policy: Policy) -> Iterator[str]:
    if not any(moment.sort == "risk" for moment in policy.moment.values()):
        yield "moment: there is no risk moment, so a rising risk asks for nothing"
    for name, moment in policy.moment.items():
        actions = [one for one in policy.action.values() if name in one.moments and one.mode == "live"]
        if not actions and any(name in plan.moments for plan in policy.plan.values()):
            continue
        if not actions:
            yield f"moment.{name}: no live action names it, so it always ends in leaving alone"
        elif moment.sort == "risk":
            for level in moment.levels or tuple(level.name for level in policy.risk.levels):
                if not any(not one.levels or level in one.levels for one in actions):
                    yield f"moment.{name}: no live action is for level {level}, so it always ends in leaving alone"


def _actions(policy: Policy) -> Iterator[str]:
    for name, action in policy.action.items():
        key = f"action.{name}"
        at_risk = any(policy.moment[moment].sort == "risk" for moment in action.moments)
        cost = action.cost + action.discount
        if at_risk and action.mode == "live" and action.effect <= cost:
            told = f"{key}.effect: {action.effect:g} is expected of it and it costs {cost:g}"
            yield f"{told}, so it is only ever drawn by its least chance"
        if action.discount and not action.promotion:
            yield f"{key}.promotion: it gives a discount and is no promotion, so several can run at a time"
        by_person = action.classes and OF_ACCOUNTS.issuperset(action.classes)
        if action.purpose == "marketing" and by_person and not action.human:
            yield f"{key}.classes: they buy for accounts, so it is always a task for a person"
        shared = any(policy.moment[moment].shared_on for moment in action.moments)  # it goes out when that is over
        lives = (ms_of(policy.moment[moment].within) for moment in action.moments)
        longest = LONGEST_DURATION if shared else max(lives, default=LONGEST_DURATION)
        if not at_risk and ms_of(action.expires) > longest:
            yield f"{key}.expires: it is worth sending longer ({action.expires}) than its moments live"


def _contact(policy: Policy) -> Iterator[str]:
    for key, cap in caps_of(policy.contact).items():
        if cap.most == 0:
            yield f"{key}.most: 0 lets nothing of this kind out, ever"
    yield from never_together(policy)
    marketing = [one for one in policy.action.values() if one.purpose == "marketing"]
    if marketing and not any(cap.purpose == "marketing" for cap in policy.contact.caps):
        yield "contact.caps: nothing bounds how often marketing contacts a customer"


def _control(policy: Policy) -> Iterator[str]:
    """Nobody is held out, or nobody of a kind that takes in whoever matters."""
    control, value = policy.control, policy.value
    if control.share == 0:
        yield "control.share: without a control group nothing can show what the programme is worth"
        return
    if set(get_args(CustomerClass)) <= set(control.exempt):
        yield "control.exempt: it names every class, so nobody is in the control group"
    if value is not None and {*(tier.name for tier in value.tiers), value.rest} <= set(control.exempt_tiers):
        yield "control.exempt_tiers: it names every tier, so nobody who is in one is in the control group"


def _left_alone(policy: Policy) -> Iterator[str]:
    """Too few are left alone to know what becomes of whom nothing is done for."""
    control, hold_out = policy.control, policy.choice.hold_out
    some = control.exempt or control.exempt_plans or control.exempt_programmes or control.exempt_tiers
    share = 0.0 if some else control.share
    alone = share + (1.0 - share) * hold_out
    if policy.choice.learned and alone * MOST < 1.0:
        told = f"choice.hold_out: with {hold_out:g}, and {share:g} in the control group"
        told += " for those who are exempt" if some else ""
        yield (
            f"{told}, too few are left alone to stand for all, since none counts more than {MOST:g} times: the risk is "
            f"told too low; {1.0 / MOST:g} of either is enough"
        )


def _loyalty(policy: Policy) -> Iterator[str]:
    """Entries that are gone from their topic before what they booked is."""
    kept = periods_of(policy.retention)
    lives = {"points": _points_live(policy), "membership": _levels_live(policy)}
    for table, lives_for in lives.items():
        for role in ("touchpoints", "decisions"):
            if lives_for is not None and role in kept and kept[role] < lives_for:
                what = f"retention.{role}: what [{table}] books counts longer, {lives_for // DAY} days or more"
                yield f"{what}, so that it can neither be rebuilt nor judged by then"


def _points_live(policy: Policy) -> int | None:
    """How long points live at the least where they are not spent, ms; of those that never expire, for good."""
    points = policy.points
    if points is None:
        return None
    return LONGEST_DURATION if points.expires is None else ms_of(points.expires)


def _levels_live(policy: Policy) -> int | None:
    """How long what counts towards a level does, and a grace after it."""
    rules = policy.membership
    if rules is None:
        return None
    return (365 * DAY if rules.window is None else ms_of(rules.window)) + ms_of(rules.grace)
