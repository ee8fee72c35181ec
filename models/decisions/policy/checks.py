"""Whether a policy makes sense: what it refers to exists, and nothing in it contradicts the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Final, get_args

from models.decisions.policy.asking_checks import faults_of_dated
from models.decisions.policy.asking_types import Level, Moment, RiskOfClasses, RiskOfStages, RiskOfTiers
from models.decisions.policy.budget_checks import faults_of_budgets
from models.decisions.policy.calendar_checks import faults_of_calendars
from models.decisions.policy.choice_checks import faults_of_choice
from models.decisions.policy.condition_checks import faults_of_condition
from models.decisions.policy.conditions import PERSON_FIELDS, TOUCHPOINTS, fields_of
from models.decisions.policy.contact_checks import faults_of_contact
from models.decisions.policy.faults import Faults, among, positive, twice
from models.decisions.policy.limits_told import rests_of
from models.decisions.policy.loyalty_checks import faults_of_loyalty
from models.decisions.policy.membership_checks import faults_of_membership
from models.decisions.policy.parts import SELLING, ms_of
from models.decisions.policy.people_checks import faults_of_people
from models.decisions.policy.plan_checks import faults_of_plans
from models.decisions.policy.points_checks import faults_of_points
from models.decisions.policy.protection_checks import faults_of_protection
from models.decisions.policy.retention_checks import faults_of_retention
from models.decisions.policy.sharing_checks import faults_of_sharing
from models.decisions.policy.steps import steps_of
from models.decisions.policy.structure import Problem
from models.decisions.policy.types import Action, Policy
from models.decisions.policy.value_checks import faults_of_values
from models.decisions.policy.wording import shown
from models.decisions.standing import MAX_ONCE, channel_number, number_of
from models.decisions.zones import zone_of
from models.touchpoints.fields import CustomerClass

MOST_ARMS: Final = 7
"""Actions among which a level draws, beside leaving alone."""
_OURS: Final = ("leave_alone", "task_for_a_person")


def faults_of_sense(policy: Policy) -> tuple[list[Problem], list[Problem]]:
    """What is wrong with a policy that is one in form: in any release, and in this one (time zones)."""
    found = [problem for check in _CHECKS for problem in check(policy)]
    named = {"zone": policy.zone} | {f"freeze[{n}].zone": row.zone for n, row in enumerate(policy.freeze)}
    takes = 'give the IANA name of a time zone, such as "Europe/Berlin"'
    unknown = [(key, zone) for key, zone in named.items() if zone is not None and zone_of(zone) is None]
    return found, [Problem(key, shown(zone), takes) for key, zone in unknown]


def _ladder(policy: Policy) -> Faults:
    names = [level.name for level in policy.risk.levels]
    yield from _climbs("risk", policy.risk.levels, policy.risk.exit)
    yield from twice("risk.levels", names)
    classes = [one for row in policy.risk.for_classes for one in row.classes]
    yield from twice("risk.for_classes", classes)
    for n, row in enumerate(policy.risk.for_classes):
        key = f"risk.for_classes[{n}]"
        yield from _others(key, row, policy)
        if not row.classes:
            yield Problem(f"{key}.classes", "empty", "name the classes whose levels these are")
    yield from _of_tiers(policy)
    yield from _of_stages(policy)


def _of_tiers(policy: Policy) -> Faults:
    value, seen = policy.value, set[tuple[str, str]]()
    named = [] if value is None else [*(tier.name for tier in value.tiers), value.rest]
    for n, row in enumerate(policy.risk.for_tiers):
        key = f"risk.for_tiers[{n}]"
        if value is None:
            yield Problem(key, "given", "add [value]: without it nobody is in a tier")
            return
        yield from _others(key, row, policy)
        yield from among(f"{key}.tiers", row.tiers, named, "the tiers of [value]")
        yield from _each_once(key, "tier", row.tiers, row.classes, seen)


def _of_stages(policy: Policy) -> Faults:
    seen = set[tuple[str, str]]()
    for n, row in enumerate(policy.risk.for_stages):
        key = f"risk.for_stages[{n}]"
        if policy.loyalty is None:
            yield Problem(key, "given", "add [loyalty]: without it nobody is at a stage")
            return
        yield from _others(key, row, policy)
        yield from _each_once(key, "stage", row.stages, row.classes, seen)


def _each_once(
    key: str, what: str, named: tuple[str, ...], classes: tuple[str, ...], seen: set[tuple[str, str]]
) -> Faults:
    """Whose levels a row has: customers of some tiers, or at some stages. seen: whose those of the rows before are;
    takes theirs."""
    field = f"{key}.{what}s"
    if not named:
        yield Problem(field, "empty", f"name the {what}s whose levels these are")
    whose = {(one, name) for one in classes or get_args(CustomerClass) for name in named}
    for customer_class, name in sorted(whose & seen):
        takes = f"give each {what} of a class levels once: another row has it"
        yield Problem(field, f"{name} of {customer_class}", takes)
    yield from twice(field, named)
    yield from twice(f"{key}.classes", classes)
    seen |= whose


def _others(key: str, row: RiskOfClasses | RiskOfTiers | RiskOfStages, policy: Policy) -> Faults:
    """Levels that some customers have in place of those of all."""
    names, theirs = [level.name for level in policy.risk.levels], [level.name for level in row.levels]
    yield from _climbs(key, row.levels, policy.risk.exit if row.exit is None else row.exit)
    if theirs != names:
        takes = f"give the levels of risk.levels in their order: {', '.join(names)}"
        yield Problem(f"{key}.levels", ", ".join(theirs), takes)


def _climbs(key: str, levels: tuple[Level, ...], leave: float) -> Faults:
    for n, (lower, higher) in enumerate(pairwise(levels), 1):
        if higher.at <= lower.at:
            takes = f"give more than the level before it has ({lower.name}: {lower.at:g})"
            yield Problem(f"{key}.levels[{n}].at", f"{higher.at:g}", takes)
    if leave >= levels[0].at:
        takes = f"give less than the lowest level has ({levels[0].name}: {levels[0].at:g})"
        yield Problem(f"{key}.exit", f"{leave:g}", takes)


def _control(policy: Policy) -> Faults:
    for name in ("exempt_plans", "exempt_programmes", "exempt_tiers"):
        yield from twice(f"control.{name}", getattr(policy.control, name))


def _moments(policy: Policy) -> Faults:
    risk = [name for name, moment in policy.moment.items() if moment.sort == "risk"]
    for name in risk[1:]:
        yield Problem(f"moment.{name}.sort", '"risk"', f"there is one risk moment at most, and {risk[0]} is it")
    for name, moment in policy.moment.items():
        key = f"moment.{name}"
        yield from positive(f"{key}.within", moment.within)
        yield from positive(f"{key}.once_per", moment.once_per)
        yield from twice(f"{key}.touchpoints", moment.touchpoints)
        yield from among(f"{key}.answered_by", moment.answered_by, TOUCHPOINTS, "the types of touchpoints")
        yield from twice(f"{key}.answered_by", moment.answered_by)
        if moment.sort in _ASK:
            yield from _asked_by_no(key, moment)
        else:
            yield from _of_risk(key, moment, policy) if moment.sort == "risk" else _of_touchpoints(key, moment, policy)


def _of_risk(key: str, moment: Moment, policy: Policy) -> Faults:
    yield from among(f"{key}.levels", moment.levels, _levels(policy), "the levels of risk.levels")
    if moment.touchpoints:
        yield Problem(f"{key}.touchpoints", shown(moment.touchpoints), "leave it out: levels of risk ask here")
    if moment.when is not None:
        yield Problem(f"{key}.when", "given", "leave it out: it is about a touchpoint; give it to the actions")


_ASK: Final = {
    "date": "dates ask",
    "points": "a balance asks",
    "membership": "a level of the programme asks",
    "spoke_well": "a good word asks",
}


def _asked_by_no(key: str, moment: Moment) -> Faults:
    for name in ("levels", "touchpoints"):
        if named := getattr(moment, name):
            yield Problem(f"{key}.{name}", shown(named), f"leave it out: {_ASK[moment.sort]} here")


def _of_touchpoints(key: str, moment: Moment, policy: Policy) -> Faults:
    if not moment.touchpoints:
        yield Problem(f"{key}.touchpoints", "", "give the types of touchpoints that ask, such as complaint")
    if moment.levels:
        yield Problem(f"{key}.levels", shown(moment.levels), "leave it out: touchpoints ask here, not levels")
    yield from among(f"{key}.touchpoints", moment.touchpoints, TOUCHPOINTS, "the types of touchpoints")
    if moment.when is not None:
        known = [fields_of(name) for name in moment.touchpoints if name in TOUCHPOINTS]
        fields = {name: wanted for one in known for name, wanted in one.items()}
        yield from faults_of_condition(f"{key}.when", moment.when, fields, policy.protected)


def _actions(policy: Policy) -> Faults:
    risk = [name for name, moment in policy.moment.items() if moment.sort == "risk"]
    for name, action in policy.action.items():
        key, at_risk = f"action.{name}", bool({*action.moments} & {*risk})
        yield from among(f"{key}.moments", action.moments, policy.moment, "the policy's moments")
        yield from among(f"{key}.levels", action.levels, _levels(policy), "the levels of risk.levels")
        yield from among(f"{key}.channels", action.channels, policy.channel, "the policy's channels")
        yield from among(f"{key}.withdraw_when", action.withdraw_when or (), TOUCHPOINTS, "the types of touchpoints")
        for listed in ("moments", "levels", "channels", "classes", "languages"):
            yield from twice(f"{key}.{listed}", getattr(action, listed))
        if action.levels and not at_risk:
            yield Problem(f"{key}.levels", shown(action.levels), "leave it out: none of its moments is the risk moment")
        if at_risk and action.purpose != "marketing":
            takes = 'give "marketing": actions at the risk moment are drawn, and nobody may be drawn out of the rest'
            yield Problem(f"{key}.purpose", shown(action.purpose), takes)
        if action.when is not None:
            yield from faults_of_condition(f"{key}.when", action.when, PERSON_FIELDS, policy.protected)
        yield from _sells(key, action)
        yield from _times(key, action)


def _sells(key: str, action: Action) -> Faults:
    """What only marketing may do."""
    if action.purpose == "marketing":
        return
    takes = f'leave it out, or give purpose "marketing": what is {action.purpose} sells nothing'
    if action.kind in SELLING:
        known = "care, onboarding or service"
        yield Problem(f"{key}.kind", shown(action.kind), f'give {known}, or purpose "marketing": it is an offer to buy')
    if action.discount:
        yield Problem(f"{key}.discount", f"{action.discount:g}", takes)
    if action.promotion:
        yield Problem(f"{key}.promotion", "true", takes)


def _times(key: str, action: Action) -> Faults:
    for name in ("expires", "valid", "once_per"):
        yield from positive(f"{key}.{name}", getattr(action, name))
    if action.valid is not None and ms_of(action.valid) < ms_of(action.expires):
        takes = f"give at least what `expires` is ({action.expires}): it must not end before it is sent"
        yield Problem(f"{key}.valid", shown(action.valid), takes)
    if action.valid is not None and not action.promotion:
        yield Problem(f"{key}.valid", shown(action.valid), "leave it out, or give promotion = true")
    naive = [name for name in ("from", "until") if (at := _stated(action, name)) is not None and at.tzinfo is None]
    for name in naive:
        takes = "give it with its offset, such as 2026-12-01T00:00:00Z"
        yield Problem(f"{key}.{name}", shown(_stated(action, name)), takes)
    if not naive and action.from_ is not None and action.until is not None and action.until <= action.from_:
        yield Problem(f"{key}.until", shown(action.until), f"give a time after `from` ({shown(action.from_)})")


def _stated(action: Action, name: str) -> datetime | None:
    return action.from_ if name == "from" else action.until


def _arms(policy: Policy) -> Faults:
    """How many actions a level draws among, and whether their least chances fit."""
    most = 0
    for name, moment in policy.moment.items():
        if moment.sort != "risk":
            continue
        for level in _levels(policy):
            arms = [
                one
                for one, action in policy.action.items()
                if name in action.moments and level in (*action.levels, level)[:1]
            ]
            most = max(most, len(arms))
            if len(arms) > MOST_ARMS:
                takes = f"give a level {MOST_ARMS} actions at most"
                yield Problem(f"action: those of level {level}", f"{len(arms)} ({', '.join(arms)})", takes)
    drawn = min(most, MOST_ARMS) * policy.choice.floor
    if max(policy.choice.hold_out, policy.choice.floor) + drawn > 1:
        takes = f"give at most {max(0.0, 1 - drawn):g}: each of {most} actions has its `floor` too"
        yield Problem("choice.hold_out", f"{policy.choice.hold_out:g}", takes)
    yield from positive("choice.window", policy.choice.window)


def _names(policy: Policy) -> Faults:
    """A customer's record keeps names as numbers, and few of them."""
    for name in _OURS:
        if name in policy.action:
            yield Problem(f"action.{name}", "a word of the engine's own", "give it another name")
    for name in policy.action:
        if name in policy.moment:
            yield Problem(f"action.{name}", "named as a moment is", "give it another name")
    named = {f"moment.{name}": number_of(name) for name in policy.moment}
    named |= {f"action.{name}": number_of(name) for name in policy.action if name not in policy.moment}
    named |= {f"plan.{name}": number_of(name) for name in policy.plan if name not in {*policy.moment, *policy.action}}
    named |= {f"step {step.name}": number_of(step.name) for step in steps_of(policy)}
    yield from _one_number(named)
    yield from _one_number({f"channel.{name}": channel_number(name) for name in policy.channel})
    sparing = [
        f"{table}.{name}"
        for table in ("moment", "action", "plan")
        for name, one in getattr(policy, table).items()
        if one.once_per
    ] + [f"channel.{name}" for name in rests_of(policy)]
    if len(sparing) > MAX_ONCE:
        key = sparing[MAX_ONCE] + (".rest" if sparing[MAX_ONCE].startswith("channel.") else ".once_per")
        what = "`once_per` to moments, actions and plans, and a `rest` to channels, here or in rows of hours,"
        takes = f"give {what} {MAX_ONCE} times at most: the record keeps no more"
        yield Problem(key, f"that of the {MAX_ONCE + 1}th", takes)


def _one_number(numbers: Mapping[str, int]) -> Faults:
    first: dict[int, str] = {}
    for key, number in numbers.items():
        if number in first:
            yield Problem(key, f"to a customer's record the same as {first[number]}", "give it another name")
        first.setdefault(number, key)


def _levels(policy: Policy) -> list[str]:
    return [level.name for level in policy.risk.levels]


_CHECKS: Final[tuple[Callable[[Policy], Faults], ...]] = (
    _ladder,
    _control,
    _moments,
    faults_of_dated,
    _actions,
    _arms,
    faults_of_contact,
    faults_of_budgets,
    faults_of_calendars,
    faults_of_choice,
    faults_of_plans,
    faults_of_retention,
    faults_of_people,
    faults_of_protection,
    faults_of_values,
    faults_of_points,
    faults_of_loyalty,
    faults_of_membership,
    faults_of_sharing,
    _names,
)
