"""Handlers of the effects that the compiled loop reports: one for each kind, in one table.

The loop reports an effect with all that the decision reads. A handler, in plain Python, changes the part of the record
that compiled code does not, decides, and emits the output. Handlers know the piece's lanes and outputs, not the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.customer.bands import Band
from models.customer.kept import refuse
from models.customer.layout import (
    BACK,
    CROSSING,
    DUE,
    EPISODE,
    ERASED,
    LEFT,
    NEWEST,
    NO_CONSENT,
    OLDEST_CASE,
    PENDING_RISK,
    PURCHASE_DAYS,
    REARMED,
    RISK,
    STAYED,
    TICK,
    UNLEARNED,
    UNSCORED,
)
from models.customer.profile import oldest, open_cases, take_in
from models.decisions.episodes import forget_episode
from models.decisions.standing import Standing
from models.engine.asked import answered, customer_of, decide, looped, staged
from models.engine.by_policy import emit_end_of_episode, emit_withdrawals
from models.engine.customer_timers import next_due
from models.engine.decide import RUNS, ask, emit_decision, emit_entry
from models.engine.ground import Ground, ReportedEffect, reported
from models.engine.identities import merges_away, passes_on, takes_over
from models.engine.labels import churned, returned
from models.engine.lanes import Effect
from models.engine.ledger import close_earned
from models.engine.loyal import keep_loyalty
from models.engine.valued import forget_worth
from models.settings import DAY


def _profile(ground: Ground, effect: ReportedEffect) -> None:
    """A touchpoint enters the tail."""
    touch, time = ground.touchpoint(effect.row), int(ground.arrivals.times[effect.row])
    by_policy = ground.work.policy is not None
    take_in(ground.block.open(effect.lane), touch.kind, time, touch.data, effect.flag == 1, effect.now, by_policy)


def _case(ground: Ground, effect: ReportedEffect) -> None:
    """The same, and what compiled code reads of it enters the slab: a case, consent, a restriction."""
    block, lane, touch = ground.block, effect.lane, ground.touchpoint(effect.row)
    record = block.open(lane)
    before, late = record.flags, effect.flag == 1
    time, by_policy = int(ground.arrivals.times[effect.row]), ground.work.policy is not None
    take_in(record, touch.kind, time, touch.data, late, effect.now, by_policy)
    tail, row = record.tail, block.rows[lane]
    row["open_cases"] = open_cases(tail)
    if tail.cases or not tail.more_cases:
        row["seconds"][OLDEST_CASE] = oldest(tail.cases)
    ground.read_tail(lane, tail)
    if record.flags & UNLEARNED and not before & UNLEARNED:
        _unlearned(row)
        forget_worth(ground.lanes[lane])
    if record.flags & UNSCORED and not before & UNSCORED:
        _unscored(ground, effect)
    emit_entry(ground.work, ground.where(effect), touch.data, late)


def _unlearned(record: Any) -> None:
    """Nothing is learned from the customer from now on: what was begun is dropped."""
    record["pending_ticks"] = 0
    record["pending_bases"] = 0
    record["numbers"][PENDING_RISK] = 0.0
    record["flags"] &= 0xFF & ~(STAYED | BACK)


def _unscored(ground: Ground, effect: ReportedEffect) -> None:
    """The customer objects to profiling: no estimate is made from now on, and none is kept."""
    record = ground.block.rows[effect.lane]
    record["times"][TICK], record["numbers"][RISK] = 0.0, 0.0
    ground.lanes["reached"][effect.lane], ground.lanes["held"][effect.lane] = 0.0, 0
    if not record["flags"] & LEFT:
        record["seconds"][CROSSING] = 0
    was_open = record["times"][EPISODE] != 0.0
    record["times"][EPISODE] = 0.0
    record["flags"] &= 0xFF & ~REARMED
    record["band"] = Band.LAPSED if record["numbers"][PURCHASE_DAYS] else Band.PROSPECT
    if was_open:
        _end_episode(ground, effect)
        emit_decision(ground.work, ground.where(effect), "episode_closed", "objects to profiling")


def _rearm(ground: Ground, effect: ReportedEffect) -> None:
    """A trigger expired before it could be sent: the episode may ask again, once the risk is next estimated."""
    record, band = ground.block.open(effect.lane), ground.block.rows["band"][effect.lane]
    wanted = getattr(ground.touchpoint(effect.row).data, "trigger_id", "")
    if band != Band.AT_RISK or record.tail.trigger.hex() != wanted:
        return
    record.tail.trigger = b""
    record.flags |= REARMED
    emit_decision(ground.work, ground.where(effect), "rearmed", "the trigger expired before it could be sent")


def _erase(ground: Ground, effect: ReportedEffect) -> None:
    """Forget all but that there is nothing to remember: the id check, the ring of event ids, the flag.

    Where records leave the store, what is left is a tombstone: the time of the erasure, and an objection, without ids.
    """
    block, lane = ground.block, effect.lane
    record, settings, policy = block.rows[lane], ground.work.settings, ground.work.policy
    if policy is not None and block.open(lane).tail.standing:
        emit_withdrawals(ground.work, policy, ground.where(effect), ground.stands(lane), "erased")
    close_earned(ground.work, ground.where(effect), block.open(lane).tail)
    if settings.forget_after:
        objects = block.forget(lane, erased=True)
        record["flags"], record["band"] = ERASED | (NO_CONSENT if objects else 0), Band.ERASED
        record["times"][NEWEST] = effect.now
        record["times"][DUE] = next_due(record, ground.rules, int(ground.lanes["phase"][lane]), effect.now, 0)
    else:
        block.clear(lane)
        record["flags"], record["band"] = ERASED, Band.ERASED
        record["ids"][0], record["ring"] = ground.arrivals.hashes[effect.row], 1
    ground.keep(lane, Standing())
    forget_worth(ground.lanes[lane])
    emit_decision(ground.work, ground.where(effect), "erased", "the customer asked to be forgotten")


def _refused(ground: Ground, effect: ReportedEffect) -> None:
    """An erased customer refuses something: it is kept for when they come back, and nothing is said of it."""
    lane, touch = effect.lane, ground.touchpoint(effect.row)
    tail, record = ground.block.tail(lane), ground.block.rows[lane]
    refuse(tail, touch.kind, touch.data, int(ground.arrivals.times[effect.row]))
    if tail.consents:
        record["flags"] |= NO_CONSENT
    record["times"][DUE] = next_due(record, ground.rules, int(ground.lanes["phase"][lane]), effect.now, 0)


def _reopened(ground: Ground, effect: ReportedEffect) -> None:
    """A consent that is newer than the erasure: the customer begins as a new one, with this touchpoint."""
    block, lane = ground.block, effect.lane
    block.forget(lane, erased=True)
    ground.keep(lane, Standing())
    record = block.rows[lane]
    record["ids"][0], record["ring"] = ground.arrivals.hashes[effect.row], 1
    emit_decision(ground.work, ground.where(effect), "reopened", "consented to be contacted after the erasure")
    _case(ground, effect)


def _forgotten(ground: Ground, effect: ReportedEffect) -> None:
    """A record leaves the store, but for an objection. Of visitors and erased customers nothing is said: that would
    keep their ids."""
    block, lane = ground.block, effect.lane
    band = int(block.rows["band"][lane])
    kept = block.forget(lane)
    ground.keep(lane, Standing())
    forget_worth(ground.lanes[lane])
    if kept:
        block.rows["band"][lane] = band
    else:
        ground.lanes["exists"][lane] = 0
    if band not in (Band.PROSPECT, Band.ERASED):
        days = ground.work.settings.forget_after / DAY
        emit_decision(ground.work, ground.where(effect), "forgotten", f"silent for two horizons and {days:g} days")


def _look(ground: Ground, effect: ReportedEffect, waited: bool) -> None:
    """An episode is over, and no touchpoint asks for a look: where is the customer in the loyalty loop? waited: the
    lane has, so that the record is still as after this step."""
    work = ground.work
    if waited and effect.row < 0 and work.policy is not None and work.policy.policy.loyalty is not None:
        person = customer_of(ground, effect.lane).person(None, work.settings, work.policy)
        keep_loyalty(work, work.policy, ground.where(effect), person, None)


def _end_episode(ground: Ground, effect: ReportedEffect) -> None:
    """The tail's part of the end of an episode."""
    tail, policy = ground.block.open(effect.lane).tail, ground.work.policy
    forget_episode(tail)
    if policy is not None and tail.standing:
        standing = ground.stands(effect.lane)
        emit_end_of_episode(ground.work, policy, ground.where(effect), standing)
        ground.keep_at(effect.lane, standing, effect.now)


def _lapsed(ground: Ground, effect: ReportedEffect) -> None:
    waited = bool(ground.block.tail(effect.lane).standing)
    _end_episode(ground, effect)
    reason = "cancelled" if effect.row >= 0 else "silent for two horizons"
    emit_decision(ground.work, ground.where(effect), "episode_closed", reason)
    _look(ground, effect, waited)


def _opened(ground: Ground, effect: ReportedEffect) -> None:
    opener = ground.touchpoint(effect.row).id if effect.row >= 0 else "due"
    ground.block.open(effect.lane).tail.opener = opener
    _ask(ground, effect, "episode_opened")


def _again(ground: Ground, effect: ReportedEffect) -> None:
    _ask(ground, effect, "episode_continued")


def _ask(ground: Ground, effect: ReportedEffect, what: str) -> None:
    row, record = ground.where(effect, effect.probability), ground.block.open(effect.lane)
    ask(ground.work, row, what, record, effect.opened, ground.effects["basis"][effect.number])


def _closed(ground: Ground, effect: ReportedEffect) -> None:
    waited = bool(ground.block.tail(effect.lane).standing)
    _end_episode(ground, effect)
    row = ground.where(effect, effect.probability)
    why = RUNS if effect.flag else "risk fell below the exit threshold"
    emit_decision(ground.work, row, "episode_closed", why)
    _look(ground, effect, waited)


HANDLERS: dict[int, Callable[[Ground, ReportedEffect], None]] = {
    Effect.PROFILE: _profile,
    Effect.CASE: _case,
    Effect.REARM: _rearm,
    Effect.ERASE: _erase,
    Effect.LAPSED: _lapsed,
    Effect.CHURNED: churned,
    Effect.RETURNED: returned,
    Effect.OPENED: _opened,
    Effect.AGAIN: _again,
    Effect.CLOSED: _closed,
    Effect.FORGOTTEN: _forgotten,
    Effect.REOPENED: _reopened,
    Effect.REFUSED: _refused,
    Effect.DECIDE: decide,
    Effect.LOOPED: looped,
    Effect.STAGED: staged,
    Effect.MERGED: merges_away,
    Effect.TAKEN_OVER: takes_over,
    Effect.PASSED_ON: passes_on,
    Effect.ANSWERED: answered,
}
"""By `Effect`; keys are compared with the plain integers of the buffer."""


_OF_THE_LANE: Final = frozenset((Effect.PROFILE, Effect.CHURNED, Effect.RETURNED, Effect.STAGED))
"""What their handlers do has nothing to do with the loyalty loop, and their lane may have gone on in it."""


def handle(ground: Ground, effect: ReportedEffect) -> None:
    """Let a reported effect take effect."""
    handler = HANDLERS[effect.what]
    if effect.what in _OF_THE_LANE:
        handler(ground, effect)
    else:
        ground.with_loop_in_tail(handler, effect)


def take_effect(ground: Ground, written: int) -> None:
    """Handle the first `written` effects in order: a customer's tail follows the order of their lane."""
    for effect in reported(ground, written):
        handle(ground, effect)
