"""Decides by the policy in force, and puts what is said into the output buffer."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from models.churn.drivers import drivers
from models.customer.contract import runs_until
from models.customer.layout import (
    EPISODE,
    ERASED,
    FIRST_PURCHASE,
    FIRST_TOUCH,
    LAST_PURCHASE,
    LEFT,
    PURCHASE_DAYS,
    SPENT,
)
from models.customer.tail import Tail
from models.decisions.choosing.described import Counted
from models.decisions.draw import exempt_by_standing
from models.decisions.given import Given, Known, Said, Sending, Touched
from models.decisions.moments import decide, end_episode, take_all_back
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.preview import PREVIEWED
from models.decisions.response import erased
from models.decisions.rewards import parameters_of
from models.decisions.rules import rules_of
from models.decisions.shared_moments import answer_to
from models.decisions.shared_moments import erased as over_for_both
from models.decisions.sharing import Tells
from models.decisions.standing import Standing
from models.engine.compiled_rules import levels_end_with_contract
from models.engine.decide import DRIVERS, Row
from models.engine.draws import known_of_actions, taught
from models.engine.ledger import keep_earned
from models.engine.loyal import keep_loyalty
from models.engine.output_buffer import Emitted, Work
from models.loyalty.loop import Facts, LoopRules, level_stage_in, level_stage_named
from models.outputs import OUTCOME, ROLE, SHARED, Decision, LoopbackBody, Trigger, Withdrawal, loopback, output_id
from models.settings import SECOND, EngineSettings
from models.value.pyramid import value_of


class Customer(Struct, frozen=True, gc=False):
    """Whom a decision is about, as the record has them. times, numbers, seconds: by `models.customer.layout`. bucket,
    tier: of their value, as `models.customer.worth` has them. held: the tier at which the open episode opened,
    likewise."""

    name: bytes
    tail: Tail
    flags: int
    times: Any
    numbers: Any
    seconds: Any
    phase: int
    bucket: int = 0
    tier: int = 0
    held: int = 0

    def person(self, risk: float | None, settings: EngineSettings, policy: PolicyInForce | None) -> Person:
        """As decisions see them. policy: in force; None: nothing is known of their value, nor of the loyalty loop.
        settings: where other signs than purchases count as staying, the record does not tell them apart, and of
        purchases nothing is known: a visit makes nobody an existing customer."""
        bought = settings.alive == "purchase"
        return Person(
            self.name,
            self.tail,
            self.flags,
            int(self.times[LAST_PURCHASE]) if bought else 0,
            int(self.numbers[PURCHASE_DAYS]) if bought else None,
            float(self.numbers[SPENT]),
            risk,
            int(self.seconds[FIRST_TOUCH]) * SECOND,
            int(self.times[LAST_PURCHASE]),
            value_of(self.bucket - 1) if self.bucket and policy is not None and policy.policy.value else None,
            policy.tier_named(self.tier) if self.bucket and policy is not None else None,
            int(self.seconds[FIRST_PURCHASE]) * SECOND,
            loyal_by(
                policy,
                settings,
                self.flags,
                int(self.numbers[PURCHASE_DAYS]),
                int(self.times[LAST_PURCHASE]),
                bool(self.times[EPISODE]),
            ),
            rules_of(policy).membership if policy is not None else None,
            self.held - 1 if self.held else self.tier,
            level_stage_in(self.tail.loyalty) if policy is not None and policy.by_stage else 0,
        )


def loyal_by(
    policy: PolicyInForce | None, settings: EngineSettings, flags: int, days: int, signed: int, at_risk: bool
) -> tuple[LoopRules, Facts] | None:
    """What stage and index go by; None: the policy keeps none, or nothing is kept of the customer.

    flags, days, signed: of the record, its purchase days and last sign of staying, ms. at_risk: an episode is open.
    """
    rules = None if policy is None else rules_of(policy).loyalty
    if rules is None or flags & ERASED:
        return None
    return rules.loop, Facts(days, signed, bool(flags & LEFT), at_risk, settings.silence)


def by_policy(
    work: Work,
    policy: PolicyInForce,
    row: Row,
    customer: Customer,
    standing: Standing,
    why: int,
    touch: Touched | None,
    basis: NDArray[np.float32],
    stood: float = 0.0,
) -> None:
    """Decide what a step comes to, and emit it.

    Args:
        work: the output buffer.
        policy: in force.
        row: where in the line, about whom, with the estimate of risk if one was made.
        customer: as the record is after the step.
        standing: how we stand with them; changed.
        why: bits of `models.decisions.given.Asks`.
        touch: the touchpoint of the step; None: a timer.
        basis: what the risk was estimated from, shape (BASIS,).
        stood: what it was before; 0.0: no estimate was made.
    """
    settings = work.settings
    if has_no_levels(settings, policy, customer, standing, row.now):
        emit_end_of_episode(work, policy, row, standing)
    person = customer.person(row.probability, settings, policy)
    praised = keep_loyalty(work, policy, row, person, touch)
    booked = keep_earned(work, policy, row, person, touch, customer.phase)
    tick, shared = settings.tick, None if work.shared is None else work.shared.common
    stood = stood if row.now <= work.policy_since + tick else 0.0
    history = row.now < work.quiet_until
    asked = (row.now, tick, customer.phase, row.probability, why, touch, stood)
    known = None
    if policy.policy.choice.learned or standing.window is not None:  # nobody else asks
        counted = Counted(customer.numbers, customer.times, customer.tier)
        known = Known(counted, settings.horizon, known_of_actions(work.scorer), settings.lateness)
    more = (shared, history, work.stops, booked.points, known, praised, booked.level)
    given = Given(policy, person, standing, *asked, *more)
    for said in decide(given):
        emit_said(work, policy, row, said, person, basis)


def has_no_levels(
    settings: EngineSettings, policy: PolicyInForce, customer: Customer, standing: Standing, now: int
) -> bool:
    """Whether one has asked, and a contract runs that leaves its customer none. Where the risk is estimated their end
    is told by that; who has long been silent, and has a contract now, is estimated no more."""
    if not standing.waiting or not any(one.threshold for one in standing.waiting):
        return False
    return levels_end_with_contract(settings, policy) and now < runs_until(customer.tail.contract)


def emit_end_of_episode(work: Work, policy: PolicyInForce, row: Row, standing: Standing) -> None:
    """The levels may ask again, and what waits for risk is void."""
    for said in end_episode(standing, policy, row.customer, row.now):
        emit_said(work, policy, row, said)


def emit_withdrawals(work: Work, policy: PolicyInForce, row: Row, standing: Standing, reason: str) -> None:
    """Take back all that is out; what came of a draw is said without a name."""
    for said in [*erased(standing, row.now), *take_all_back(standing, policy, reason), *over_for_both(standing)]:
        emit_said(work, policy, row, said)


def emit_said(
    work: Work,
    policy: PolicyInForce,
    row: Row,
    said: Said,
    person: Person | None = None,
    basis: NDArray[np.float32] | None = None,
) -> None:
    """Emit a decision, and the trigger, the withdrawal or the word to another shard that comes with it; drivers are
    told with triggers only."""
    if not said.what:
        if said.tells is not None:
            tell(work, row, said.tells)
        return
    at, customer = work.position(row.at), row.customer.decode()
    name = said.id  # its trigger names it, and the draw can be made again from what is on the topic
    if said.what not in ("decided", PREVIEWED):
        name = output_id(said.what, customer, row.now, at.offset, at.due, said.trigger or said.id)
    reasons, control = "", policy.policy.control
    if said.sending is not None and row.probability is not None and basis is not None:
        found = drivers(work.scorer, basis, work.settings.alive, DRIVERS)
        reasons = "; ".join(driver.text for driver in found)
    decision = Decision(
        name,
        said.what,
        row.now,
        at,
        customer,
        row.probability,
        said.reason or reasons,
        said.action,
        said.trigger,
        work.version,
        moment=said.moment,
        level=said.level,
        channel=said.channel,
        gate=said.gate,
        until=said.until,
        candidates=said.candidates,
        control=said.control,
        policy=policy.name,
        test=said.test or (person is not None and person.is_test(row.now)),
        value=None if person is None else person.value,
        tier="" if person is None or person.tier is None else person.tier,
        drawn=said.drawn,
        ended=said.ended,
        levels_of=_levels_of(policy, said, person),
        levels_of_stage=_levels_of_stage(policy, said, person),
        exempt=said.what == "decided" and person is not None and exempt_by_standing(control, person, row.now),
        group=said.group,
    )
    if said.outcome is not None and said.ended is not None:
        outcome, ended = taught(work, row.now, said.outcome, said.ended)
        decision = replace(decision, ended=ended)
        key = outcome.customer.encode()
        work.emit(row.at, Emitted("examples", output_id(OUTCOME, said.id), key, outcome, row.now))
    work.emit(row.at, Emitted("decisions", name, row.customer, decision, row.now))
    if said.sending is not None and person is not None:
        trigger = trigger_of(work, policy, row, said, said.sending, person)
        key = trigger.customer.encode()
        work.emit(row.at, Emitted("triggers", trigger.id, key, trigger, row.now, trigger.expires_at))
        work.counts["triggers"] += 1
    if said.withdraws:
        name = output_id("withdrawal", said.trigger)
        withdrawal = Withdrawal(name, customer, said.trigger, said.reason, row.now, at)
        work.emit(row.at, Emitted("triggers", name, row.customer, withdrawal, row.now))
    if said.tells is not None:
        tell(work, row, said.tells)


def tell(work: Work, row: Row, tells: Tells) -> None:
    """Say something of a shared moment to another customer's shard."""
    customer, at = row.customer.decode(), work.position(row.at)
    name = output_id(SHARED, customer, row.now, at.partition, at.offset, at.due, tells.group, tells.step)
    data = LoopbackBody(
        work.partition,
        (customer,),
        step=tells.step,
        by=customer,
        group=tells.group,
        moment=tells.moment,
        action=tells.action,
        channel=tells.channel,
        asked=tells.asked,
        expires=tells.expires,
    )
    body = loopback(SHARED, name, tells.to, row.now, data)
    work.emit(row.at, Emitted(ROLE, name, tells.to.encode(), body, row.now))


def answer_for_nobody(work: Work, row: Row, data: Any) -> None:
    """Another shard says something of a shared moment, of somebody with whom there is and can be none."""
    tells = answer_to(data)
    if tells is not None:
        tell(work, row, tells)


def _levels_of(policy: PolicyInForce, said: Said, person: Person | None) -> str:
    """Where levels of risk go by the tier, of what they ask the tier; empty: the customer is in none."""
    if person is None or not said.level or not policy.by_tier:
        return ""
    return policy.tier_named(person.level_tier) or ""


def _levels_of_stage(policy: PolicyInForce, said: Said, person: Person | None) -> str:
    """The same where they go by the stage of the loyalty loop; empty: by that of none."""
    if person is None or not said.level or not policy.by_stage:
        return ""
    return level_stage_named(person.level_stage) or ""


def trigger_of(work: Work, policy: PolicyInForce, row: Row, said: Said, sending: Sending, person: Person) -> Trigger:
    """What downstream is asked to do. Its coupon follows from its id."""
    action, tail = policy.policy.action[said.action], person.tail
    of_reward = parameters_of(policy.policy, person.points.balance, tail.rewards) if action.reward else {}
    return Trigger(
        id=said.trigger or said.id,
        customer=said.to or row.customer.decode(),
        action=said.action,
        channel=said.channel,
        probability=0.0,
        drivers=[],
        episode=0,
        step=0,
        time=row.now,
        expires_at=sending.expires_at,
        model_version=work.version,
        at=work.position(row.at),
        moment=said.moment,
        level=said.level,
        purpose=action.purpose,
        kind=action.kind,
        priority=action.priority,
        decision=said.id,
        content=action.content,
        language=tail.language,
        zone=sending.zone,
        parameters={**action.parameters, **of_reward},
        notices=action.notices,
        coupon=(said.trigger or said.id) if action.promotion else "",
        valid_until=sending.valid_until,
        cost=sending.cost,
        propensity=sending.propensity,
        policy=policy.name,
        reserved=dict(sending.reserved),
        test=said.test,
        country=tail.country,
        not_before=sending.not_before,
        group=said.group,
    )
