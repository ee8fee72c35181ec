"""Handlers of effects that ask the policy in force, or that only count in the loyalty loop."""

from __future__ import annotations

from math import isnan

from models.decisions.given import Asks, Touched
from models.decisions.idle import is_idle
from models.decisions.person import Person
from models.decisions.rules import rules_of
from models.engine.by_policy import Customer, answer_for_nobody, by_policy, has_no_levels, loyal_by
from models.engine.ground import Ground, ReportedEffect
from models.engine.loyal import keep_loyalty


def decide(ground: Ground, effect: ReportedEffect) -> None:
    """The policy in force is asked: a level of risk, a timer, or a touchpoint that asks, reports or wakes."""
    policy, lane = ground.work.policy, effect.lane
    if policy is None or (effect.flag == Asks.LOOP and counts_in_loop_alone(ground, effect)):
        return
    standing, touch = ground.stands(lane), _touched(ground, effect)
    risk = None if isnan(effect.probability) else effect.probability
    customer = customer_of(ground, lane)
    row, basis = ground.where(effect, risk), ground.effects["basis"][effect.number]
    stood = float(ground.lanes["stood"][lane]) if risk is not None else 0.0
    by_policy(ground.work, policy, row, customer, standing, effect.flag, touch, basis, stood)
    ground.keep_at(lane, standing, effect.now)


def _touched(ground: Ground, effect: ReportedEffect) -> Touched | None:
    """The touchpoint of a step; None: a timer."""
    if effect.row < 0:
        return None
    told = ground.touchpoint(effect.row)
    # Nobody is triggered by what is history.
    moments = ground.moments.get(effect.row, ()) if effect.now >= ground.work.quiet_until else ()
    time, number = int(ground.arrivals.times[effect.row]), int(ground.arrivals.hashes[effect.row])
    head = ground.work.batch.columns.between.get(effect.row) if moments else None
    told_at = head.path[0] if head is not None else ""
    return Touched(int(told.kind), told.id, time, told.data, moments, number, told_at)


def counts_in_loop_alone(ground: Ground, effect: ReportedEffect) -> bool:
    """Let a touchpoint that asks nothing (`Asks.LOOP`) count in the loyalty loop, where a decision would come to
    nothing else; whether it is so."""
    work, policy = ground.work, ground.work.policy
    touch, customer = _touched(ground, effect), customer_of(ground, effect.lane)
    if policy is None or touch is None or customer.tail.points or customer.tail.membership:
        return False
    risk = None if isnan(effect.probability) else effect.probability
    person = customer.person(risk, work.settings, policy)
    if customer.tail.standing or rules_of(policy).dated:
        standing = ground.stands(effect.lane)
        if has_no_levels(work.settings, policy, customer, standing, effect.now):
            return False
        if not is_idle(policy, person, standing, touch.kind, effect.now):
            return False
    keep_loyalty(work, policy, ground.where(effect, risk), person, touch)
    return True


def answered(ground: Ground, effect: ReportedEffect) -> None:
    """Another shard says something of a shared moment, and nothing can be decided of the customer."""
    answer_for_nobody(ground.work, ground.where(effect), ground.touchpoint(effect.row).data)


def looped(ground: Ground, effect: ReportedEffect) -> None:
    """A touchpoint counts in the loyalty loop, and nothing else could come of it; its lane has gone on."""
    work, touch = ground.work, _touched(ground, effect)
    if work.policy is None or touch is None:
        return
    days, signed, _ = ground.effects["money"][effect.number].tolist()
    loyal = loyal_by(work.policy, work.settings, effect.flag, int(days), int(signed), bool(effect.opened))
    person = Person(ground.block.names[effect.lane], ground.block.tail(effect.lane), effect.flag, loyal=loyal)
    risk = None if isnan(effect.probability) else effect.probability
    keep_loyalty(work, work.policy, ground.where(effect, risk), person, touch)


def customer_of(ground: Ground, lane: int) -> Customer:
    """As the record is after the step; of a lane that waits."""
    block, of_lane = ground.block, ground.lanes[lane]
    return Customer(
        block.names[lane],
        block.tail(lane),
        int(block.flags[lane]),
        block.times[lane],
        block.numbers[lane],
        block.seconds[lane],
        int(of_lane["phase"]),
        int(of_lane["bucket"]),
        int(of_lane["tier"]),
        int(of_lane["held"]),
    )
