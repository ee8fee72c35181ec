"""Handlers of effects that ask the policy in force, or that only count in the loyalty loop."""

from __future__ import annotations

from math import isnan
from typing import Final

from models.customer.layout import EPISODE, LAST_PURCHASE, PURCHASE_DAYS
from models.decisions.contacts_noted import with_contact
from models.decisions.given import Asks, Touched
from models.decisions.inert import is_inert
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.engine.by_policy import Customer, answer_for_nobody, by_policy, loyal_by
from models.engine.ground import Ground, ReportedEffect
from models.engine.loyal import emit_loyalty, keep_loyalty
from models.loyalty.loop import STAGES
from models.outputs import LoyaltyEntry

_TOUCHPOINT: Final = int(Asks.TOUCHPOINT)


def decide(ground: Ground, effect: ReportedEffect) -> None:
    """The policy in force is asked: a level of risk, a timer, or a touchpoint that asks, reports or wakes."""
    policy, lane = ground.work.policy, effect.lane
    touch = _touched(ground, effect)
    if policy is None or (effect.flag == _TOUCHPOINT and _is_inert(ground, effect, touch)):
        return
    if effect.flag == _TOUCHPOINT and _notes_contact(ground, policy, effect, touch):
        return
    standing, risk = ground.stands(lane), effect.risk
    customer = customer_of(ground, lane)
    row, basis = ground.where(effect, risk), ground.columns.basis[effect.number]
    stood = ground.columns.stood.item(lane) if risk is not None else 0.0
    by_policy(ground.work, policy, row, customer, standing, effect.flag, touch, basis, stood)
    ground.keep_at(lane, standing, effect.now)


def _touched(ground: Ground, effect: ReportedEffect) -> Touched | None:
    """The touchpoint of a step; None: a timer."""
    if effect.row < 0:
        return None
    told = ground.touchpoint(effect.row)
    # Nobody is triggered by what is history.
    moments = ground.moments.get(effect.row, ()) if effect.now >= ground.work.quiet_until else ()
    time, number = ground.arrivals.times.item(effect.row), ground.arrivals.hashes.item(effect.row)
    head = ground.work.batch.columns.between.get(effect.row) if moments else None
    told_at = head.path[0] if head is not None else ""
    return Touched(int(told.kind), told.id, time, told.data, moments, number, told_at)


def comes_to_nothing(ground: Ground, effect: ReportedEffect) -> bool:
    """Whether what asks for a decision comes to nothing, so that none need be made; what it counts in the loyalty loop
    has counted then."""
    return effect.flag == _TOUCHPOINT and _is_inert(ground, effect, _touched(ground, effect))


def _is_inert(ground: Ground, effect: ReportedEffect, touch: Touched | None) -> bool:
    """The same of a touchpoint that may ask, report or wake, and with which no level of risk asks."""
    policy, tail = ground.work.policy, ground.block.tail(effect.lane)
    if policy is None or touch is None or tail.points or tail.membership:
        return False
    if not is_inert(policy, tail.standing, touch, effect.now, bool(tail.contract)):
        return False
    _count_in_loop(ground, policy, effect, touch)
    return True


def _notes_contact(ground: Ground, policy: PolicyInForce, effect: ReportedEffect, touch: Touched | None) -> bool:
    """Whether a touchpoint tells of a contact by others and of nothing else; it is noted then."""
    tail = ground.block.tail(effect.lane)
    if touch is None or tail.points or tail.membership:
        return False
    packed = with_contact(policy, tail.standing, touch, effect.now, bool(tail.contract))
    if packed is None:
        return False
    _count_in_loop(ground, policy, effect, touch)
    ground.keep_packed_at(effect.lane, packed, effect.now)
    return True


def looped(ground: Ground, effect: ReportedEffect) -> None:
    """A touchpoint counts in the loyalty loop, and asks for no decision: one in which somebody speaks of us, or whose
    words are to be read, or of somebody of whom nothing may be kept."""
    policy, touch = ground.work.policy, _touched(ground, effect)
    if policy is not None and touch is not None:
        _count_in_loop(ground, policy, effect, touch)


def _count_in_loop(ground: Ground, policy: PolicyInForce, effect: ReportedEffect, touch: Touched) -> None:
    """Let a touchpoint of a lane that waits count in the loyalty loop."""
    work, block, lane = ground.work, ground.block, effect.lane
    if policy.policy.loyalty is None and not block.tail(lane).loyalty:
        return
    flags, days, times = block.flags.item(lane), int(block.numbers.item(lane, PURCHASE_DAYS)), block.times.item
    loyal = loyal_by(policy, work.settings, flags, days, int(times(lane, LAST_PURCHASE)), bool(times(lane, EPISODE)))
    person = Person(block.names[lane], block.tail(lane), flags, loyal=loyal)
    keep_loyalty(work, policy, ground.where(effect, effect.risk), person, touch)


def staged(ground: Ground, effect: ReportedEffect) -> None:
    """A touchpoint has counted in the loyalty loop, and the customer is at another stage; their lane has gone on."""
    policy, touch = ground.work.policy, ground.touchpoint(effect.row)
    if policy is None:
        return
    index, praised, blame = ground.effects["money"][effect.number].tolist()
    entry = LoyaltyEntry(
        STAGES[(effect.flag & 15) - 1],
        STAGES[(effect.flag >> 4) - 1] if effect.flag >> 4 else "",
        None if isnan(index) else index,
        int(praised),
        int(blame),
        cause=touch.id,
    )
    row, tail = ground.where(effect, effect.risk), ground.block.tail(effect.lane)
    emit_loyalty(ground.work, policy.name, row, entry, Person(row.customer, tail).is_test(effect.now))


def answered(ground: Ground, effect: ReportedEffect) -> None:
    """Another shard says something of a shared moment, and nothing can be decided of the customer."""
    answer_for_nobody(ground.work, ground.where(effect), ground.touchpoint(effect.row).data)


def customer_of(ground: Ground, lane: int) -> Customer:
    """As the record is after the step; of a lane that waits."""
    block, columns = ground.block, ground.columns
    return Customer(
        block.names[lane],
        block.tail(lane),
        block.flags.item(lane),
        block.times[lane].tolist(),  # of which more is read than of the numbers
        block.numbers[lane],
        block.seconds[lane].tolist(),
        columns.phase.item(lane),
        columns.bucket.item(lane),
        columns.tier.item(lane),
        columns.held.item(lane),
    )
