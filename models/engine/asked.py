"""Handlers of effects that ask the policy in force, or that only count in the loyalty loop."""

from __future__ import annotations

from models.customer.layout import EPISODE, LAST_PURCHASE, PURCHASE_DAYS
from models.decisions.given import Asks, Touched
from models.decisions.idle import idle_until, is_idle
from models.decisions.inert import is_inert
from models.decisions.person import Person
from models.decisions.rules import rules_of
from models.engine.by_policy import Customer, answer_for_nobody, by_policy, has_no_levels, loyal_by
from models.engine.ground import Ground, ReportedEffect
from models.engine.loyal import keep_loyalty


def decide(ground: Ground, effect: ReportedEffect) -> None:
    """The policy in force is asked: a level of risk, a timer, or a touchpoint that asks, reports or wakes."""
    policy, lane = ground.work.policy, effect.lane
    if policy is None or comes_to_nothing(ground, effect):
        return
    standing, touch = ground.stands(lane), _touched(ground, effect)
    risk = effect.risk
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


def comes_to_nothing(ground: Ground, effect: ReportedEffect) -> bool:
    """Whether what asks for a decision comes to nothing, so that none need be made; what it counts in the loyalty loop
    has counted then."""
    if effect.flag == Asks.LOOP:
        return counts_in_loop_alone(ground, effect)
    policy, tail = ground.work.policy, ground.block.tail(effect.lane)
    if effect.flag != Asks.TOUCHPOINT or policy is None or tail.points or tail.membership:
        return False
    touch = _touched(ground, effect)
    if touch is None or not is_inert(policy, tail.standing, touch, effect.now, bool(tail.contract)):
        return False
    if rules_of(policy).loyalty is not None:
        return counts_in_loop_alone(ground, effect)
    tail.loyalty = b""  # of an earlier policy, as a decision would leave it
    return True


def counts_in_loop_alone(ground: Ground, effect: ReportedEffect) -> bool:
    """Let a touchpoint that asks nothing (`Asks.LOOP`) count in the loyalty loop, where a decision would come to
    nothing else; whether it is so."""
    work, policy, lane = ground.work, ground.work.policy, effect.lane
    touch, tail = _touched(ground, effect), ground.block.tail(lane)
    if policy is None or touch is None or tail.points or tail.membership:
        return False
    if effect.now < idle_until(policy, tail.standing, bool(tail.contract)):
        block = ground.block
        days, signed = int(block.numbers[lane, PURCHASE_DAYS]), int(block.times[lane, LAST_PURCHASE])
        _count_in_loop(ground, effect, touch, int(block.flags[lane]), days, signed, bool(block.times[lane, EPISODE]))
        return True
    standing, customer = ground.stands(lane), customer_of(ground, lane)
    if has_no_levels(work.settings, policy, customer, standing, effect.now):
        return False
    risk = effect.risk
    person = customer.person(risk, work.settings, policy)
    if not is_idle(policy, person, standing, touch.kind, effect.now):
        return False
    keep_loyalty(work, policy, ground.where(effect, risk), person, touch)
    return True


def _count_in_loop(
    ground: Ground, effect: ReportedEffect, touch: Touched, flags: int, days: int, signed: int, at_risk: bool
) -> None:
    """Let a touchpoint count in the loyalty loop. flags, days, signed, at_risk: as for `loyal_by`."""
    work, tail = ground.work, ground.block.tail(effect.lane)
    if work.policy is None:
        return
    loyal = loyal_by(work.policy, work.settings, flags, days, signed, at_risk)
    person = Person(ground.block.names[effect.lane], tail, flags, loyal=loyal)
    keep_loyalty(work, work.policy, ground.where(effect, effect.risk), person, touch)


def answered(ground: Ground, effect: ReportedEffect) -> None:
    """Another shard says something of a shared moment, and nothing can be decided of the customer."""
    answer_for_nobody(ground.work, ground.where(effect), ground.touchpoint(effect.row).data)


def looped(ground: Ground, effect: ReportedEffect) -> None:
    """A touchpoint counts in the loyalty loop, and nothing else could come of it; its lane has gone on."""
    touch = _touched(ground, effect)
    if touch is not None:
        days, signed, _ = ground.effects["money"][effect.number].tolist()
        _count_in_loop(ground, effect, touch, effect.flag, int(days), int(signed), bool(effect.opened))


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
