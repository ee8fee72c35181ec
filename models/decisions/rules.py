"""What follows from a policy alone, in the form in which decisions read it: times in ms, names as numbers, sets.

Worked out once for each policy, so that a decision only looks things up.
"""

from __future__ import annotations

from typing import Final

from models.customer.restrictions import ACTION_PURPOSES
from models.decisions.dated_rules import BY_SIGN, OF_CONTRACT, TELL, dated_rules
from models.decisions.loyalty_rules import loyalty_rules
from models.decisions.membership_rules import level_rules
from models.decisions.points_rules import points_rules
from models.decisions.policy.asking_checks import is_dated
from models.decisions.policy.contact_types import Cap, Freeze
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.limits_told import caps_of, rests_of
from models.decisions.policy.parts import KINDS, ms_of
from models.decisions.policy.plan_types import Plan
from models.decisions.policy.steps import NamedStep, steps_of
from models.decisions.policy.types import Action, Budget, Policy
from models.decisions.policy.units import most_units, units_of
from models.decisions.rule_types import (
    ANY,
    RESTS,
    ActionRules,
    BudgetRules,
    Frozen,
    Limit,
    MomentRules,
    PlanRules,
    RestsOn,
    Rules,
    StepRules,
)
from models.decisions.standing import channel_number, number_of
from models.decisions.zones import moment_told
from models.touchpoints.kinds import Kind
from models.touchpoints.times import milliseconds

MOST_KEPT: Final = 8
"""Policies whose rules are kept: a shard has one, and looks at another where one comes into force."""


def limit_of(cap: Cap, priority: int = 9) -> Limit:
    """A cap of the policy file, as it is for actions of a priority."""
    return Limit(
        cap.most - (cap.reserve if priority < cap.reserve_for else 0),
        ms_of(cap.within),
        ACTION_PURPOSES.index(cap.purpose),
        ANY if cap.channel is None else channel_number(cap.channel),
        ANY if cap.kind is None else KINDS.index(cap.kind),
        cap.countries,
    )


_kept: Final[dict[str, Rules]] = {}


def rules_of(policy: PolicyInForce) -> Rules:
    """The rules of a policy in force."""
    found = _kept.get(policy.sha256)
    if found is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        found = _kept[policy.sha256] = rules_in(policy.policy)
    return found


def rules_in(policy: Policy) -> Rules:
    """The rules of a policy."""
    channels = tuple(policy.channel)
    actions = {name: _action(name, one, policy) for name, one in policy.action.items()}
    rest, talk = policy.contact.rest, policy.conversation
    once = {name: one.once_per for name, one in policy.action.items()}
    once |= {name: one.once_per for name, one in policy.moment.items()}
    once |= {name: one.once_per for name, one in policy.plan.items()}
    resting = {
        name: tuple((ms_of(one.lasts), one.countries) for one in rests) for name, rests in rests_of(policy).items()
    }
    plans = {name: _plan(name, one) for name, one in policy.plan.items()}
    arms = [_arm(name, one) for name, one in policy.action.items() if one.then is not None]
    dated = tuple(dated_rules(name, one, _lead(name, policy)) for name, one in policy.moment.items() if is_dated(one))
    silences = {one.number: one.silent_for for one in dated if one.silent_for or one.field in BY_SIGN}
    return Rules(
        policy=policy,
        actions=actions,
        moments={name: _moment(name, policy, actions, channels) for name in policy.moment}
        | {one.name: _step(one, actions, channels) for one in steps_of(policy)},
        channels=channels,
        channel_numbers={channel: channel_number(channel) for channel in channels},
        cool_down=ms_of(policy.contact.cool_down),
        declined=ms_of(rest.declined),
        spam=ms_of(rest.spam),
        soft_failure=ms_of(rest.soft_failure),
        bad_experience=ms_of(rest.bad_experience),
        frozen=tuple(_frozen(row, policy.zone or "UTC") for row in policy.freeze),
        talks=_kinds(talk.touchpoints if talk else ()),
        talk_lasts=ms_of(talk.lasts) if talk else 0,
        once_per={number_of(name): ms_of(time) for name, time in once.items() if time is not None}
        | {number_of(RESTS.format(name)): max(ms for ms, _ in rests) for name, rests in resting.items()},
        dated=dated,
        tell_dates=frozenset(kind for one in dated for kind in TELL.get(one.field, ())),
        answers=frozenset(kind for one in dated for kind in one.answered_by),
        of_contract=all(one.field in OF_CONTRACT for one in dated),
        of_silence=bool(silences),
        silences=silences,
        lead={name: ms_of(one.lead) for name, one in policy.channel.items()},
        rests_on={channel_number(name): RestsOn(number_of(RESTS.format(name)), one) for name, one in resting.items()},
        final=frozenset(channel_number(name) for name, one in policy.channel.items() if not one.withdrawable),
        cancelling=ms_of(policy.contract.cancelling),
        session=ms_of(policy.contract.session),
        budgets={name: _budget(name, one, policy) for name, one in policy.budget.items()},
        alarm=policy.alarm,
        points=points_rules(policy),
        loyalty=loyalty_rules(policy),
        membership=level_rules(policy),
        plans={one.number: one for one in (*plans.values(), *arms)},
        plans_of={
            moment: tuple(plans[name] for name, plan in policy.plan.items() if moment in plan.moments)
            for moment in policy.moment
        },
    )


def _frozen(row: Freeze, zone: str) -> Frozen:
    return Frozen(
        moment_told(row.from_, row.zone or zone),
        moment_told(row.until, row.zone or zone),
        frozenset(row.purposes),
        frozenset(KINDS.index(kind) for kind in row.kinds),
        frozenset(row.countries),
        row.then == "drop",
        ms_of(row.spread),
    )


def _budget(name: str, budget: Budget, policy: Policy) -> BudgetRules:
    money, most, tranche = budget.counts == "money", most_units(budget), ms_of(budget.tranche)
    takes = (units_of(action, budget.counts) for action in policy.action.values() if name in action.budgets)
    return BudgetRules(name, number_of(name), money, most, budget.per, policy.zone, tranche, max(takes, default=1))


def _action(name: str, action: Action, policy: Policy) -> ActionRules:
    kind, purpose = KINDS.index(action.kind), ACTION_PURPOSES.index(action.purpose)
    limits = [limit_of(cap, action.priority) for cap in caps_of(policy.contact).values()]
    counting = [limit for limit in limits if limit.purpose == purpose and limit.kind in (ANY, kind)]
    expires = ms_of(action.expires)
    valid = expires if action.valid is None else ms_of(action.valid)
    return ActionRules(
        name=name,
        number=number_of(name),
        purpose=action.purpose,
        kind=kind,
        promotion=action.promotion,
        off=action.mode == "off",
        shadow=action.mode == "shadow",
        rollout=action.rollout,
        starts=milliseconds(action.from_) if action.from_ is not None else 0,
        ends=milliseconds(action.until) if action.until is not None else 0,
        levels=frozenset(action.levels),
        classes=frozenset(action.classes),
        when=action.when,
        channels=action.channels,
        topic=action.topic,
        languages=tuple(language.lower() for language in action.languages),
        once_per=0 if action.once_per is None else ms_of(action.once_per),
        expires=expires,
        valid=valid if action.promotion else 0,
        limits=tuple(limit for limit in counting if limit.channel == ANY),
        limits_on={
            channel: tuple(limit for limit in counting if limit.channel == channel_number(channel))
            for channel in policy.channel
        },
        budgets=tuple((one, units_of(action, policy.budget[one].counts)) for one in action.budgets),
        human=action.human,
        reward=action.reward,
        liability=action.discount + action.cost if action.liability is None else action.liability,
    )


def _moment(name: str, policy: Policy, actions: dict[str, ActionRules], channels: tuple[str, ...]) -> MomentRules:
    moment = policy.moment[name]
    own = [one for one in actions.values() if name in policy.action[one.name].moments]
    risk = moment.sort == "risk"
    return MomentRules(
        number=number_of(name),
        risk=risk,
        within=0 if risk else ms_of(moment.within),
        once_per=0 if moment.once_per is None else ms_of(moment.once_per),
        actions=tuple(one.name for one in own),
        purposes=frozenset(one.purpose for one in own),
        channels=tuple(dict.fromkeys(channel for one in own for channel in one.channels or channels)),
        shared_on=frozenset(moment.shared_on),
    )


def _step(step: NamedStep, actions: dict[str, ActionRules], channels: tuple[str, ...]) -> MomentRules:
    action = actions[step.action]
    return MomentRules(
        number=number_of(step.name),
        risk=False,
        within=ms_of(step.within),
        once_per=0,
        actions=(step.action,),
        purposes=frozenset((action.purpose,)),
        channels=action.channels or channels,
    )


def _plan(name: str, plan: Plan) -> PlanRules:
    return PlanRules(
        name,
        number_of(name),
        tuple(StepRules(step.action, ms_of(step.after), _kinds(step.unless)) for step in plan.steps),
        plan.when,
        _kinds(plan.ends_with),
        plan.holds,
        0 if plan.once_per is None else ms_of(plan.once_per),
    )


def _arm(name: str, action: Action) -> PlanRules:
    steps = (name, action.then.action) if action.then is not None else (name,)
    return PlanRules(name, number_of(name), tuple(StepRules(step, 0, frozenset()) for step in steps))


def _kinds(types: tuple[str, ...]) -> frozenset[int]:
    return frozenset(int(Kind[name.upper()]) for name in types)


def _lead(moment: str, policy: Policy) -> int:
    """How much earlier a date asks, since nothing that may be done then arrives at once, ms."""
    channels = {
        channel
        for action in policy.action.values()
        if moment in action.moments
        for channel in action.channels or policy.channel
    }
    return min((ms_of(policy.channel[channel].lead) for channel in channels), default=0)
