"""Handlers of what the compiled loop reports of identities: the lane has stopped, and its record changes as a whole."""

from __future__ import annotations

from models.customer.bands import Band
from models.customer.layout import DUE, ERASED, UNLEARNED
from models.customer.record import Record
from models.decisions.standing_stored import unpack_standing
from models.engine.customer_timers import next_due
from models.engine.ground import Ground, ReportedEffect
from models.engine.moving import merge_away, pass_on, take_over
from models.engine.valued import forget_worth


def merges_away(ground: Ground, effect: ReportedEffect) -> None:
    """The id is another customer's."""
    record, into = ground.block.record(effect.lane), ground.touchpoint(effect.row).data.into
    came = ground.work.batch.columns.between.get(effect.row)
    _put(ground, effect, merge_away(ground.work, ground.where(effect), record, into, came, _tier(ground, effect)))


def takes_over(ground: Ground, effect: ReportedEffect) -> None:
    """What was known of another id arrives."""
    record, moved = ground.block.record(effect.lane), ground.touchpoint(effect.row).data
    phase = int(ground.lanes["phase"][effect.lane])
    tier = _tier(ground, effect)
    _put(ground, effect, take_over(ground.work, ground.where(effect), record, moved, phase, tier))


def passes_on(ground: Ground, effect: ReportedEffect) -> None:
    """Something comes at an id that is another customer's."""
    record, phase = ground.block.record(effect.lane), int(ground.lanes["phase"][effect.lane])
    _put(ground, effect, pass_on(ground.work, ground.where(effect), record, effect.row, phase))


def _tier(ground: Ground, effect: ReportedEffect) -> str | None:
    """The tier of value that a customer is in; None: in none, or it is not known."""
    policy, lane = ground.work.policy, ground.lanes[effect.lane]
    return policy.tier_named(int(lane["tier"])) if policy is not None and lane["bucket"] else None


def _put(ground: Ground, effect: ReportedEffect, record: Record) -> None:
    """The record, and what compiled code reads of it in the lane."""
    lane, lanes = effect.lane, ground.lanes
    ground.block.put(lane, record)
    ground.keep(lane, unpack_standing(record.tail.standing))
    if ground.work.policy is None:  # the lane as `models.engine.lanes.lanes_of` has it then: nothing waits for anybody
        lanes["reached"][lane] = ground.work.settings.enter if record.band == Band.AT_RISK else 0.0
        lanes["timer"][lane] = 0
        for name in ("stands", "silence_kept", "drawn"):
            lanes[name][lane] = False
    if record.flags & (ERASED | UNLEARNED):
        forget_worth(lanes[lane])
    row, timer = ground.block.rows[lane], int(lanes["timer"][lane])
    row["times"][DUE] = next_due(row, ground.rules, int(lanes["phase"][lane]), effect.now, timer)
