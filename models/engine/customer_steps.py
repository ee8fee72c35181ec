"""The steps of the compiled loop, up to the score: a touchpoint, a label, a tick, a crossing, the end of ticks.

Each changes the record's numbers, and reports as effects what plain Python has to decide or to change
(`models.engine.customer_loop`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.customer.bands import Band
from models.customer.layout import (
    BACK,
    BASIS,
    CANCELLED,
    CROSSING,
    EPISODE,
    ERASED,
    IDS,
    LAST_PURCHASE,
    LEFT,
    NEWEST,
    PENDING_CHURNED,
    PENDING_RISK,
    PURCHASE_DAYS,
    STAYED,
    TICK,
    UNLEARNED,
    UNSCORED,
)
from models.customer.merged import MERGED, PASSED_ON, WAS_ERASED
from models.customer.schedule import next_tick, tick_time
from models.decisions.episodes import close
from models.decisions.given import Asks
from models.engine.arrivals import ASKS, BETWEEN, BUYS, LOOPS, STAYS, WAITS, WAKES, Arrivals
from models.engine.compiled_rules import LEAVING, LEVELS_OF, SIGN, TIERS, UNDER_CONTRACT
from models.engine.customer_timers import matured
from models.engine.lanes import Count, Effect
from models.engine.valued import count_money, tell_money
from models.features import basis_of, update
from models.features.behaviour import LAST_SECOND
from models.numerics.compiled import compiled
from models.settings import SECOND
from models.timeline.order import STAGES, Stage
from models.touchpoints import Kind
from models.touchpoints.kinds import RIGHTS

_PROFILE, _CASE, _REARM, _ERASE, _LAPSED = (int(what) for what in list(Effect)[:5])
_CHURNED, _RETURNED = int(Effect.CHURNED), int(Effect.RETURNED)
_FORGOTTEN, _REOPENED, _REFUSED = int(Effect.FORGOTTEN), int(Effect.REOPENED), int(Effect.REFUSED)
_APPLIED, _DUPLICATE, _LATE, _SKEWED, _DUE = map(int, list(Count)[:5])
_CROSSINGS, _UNSURE, _BEYOND = int(Count.CROSSINGS), int(Count.UNSURE), int(Count.BEYOND)
_BAND_LAPSED, _BAND_AT_RISK = int(Band.LAPSED), int(Band.AT_RISK)
_STAGE_LABELS, _STAGE_LEAVING = int(Stage.LABELS), int(Stage.LEAVING)
_EXPIRED, _ERASURE = int(Kind.EXPIRED_UNSENT), int(Kind.ERASE_REQUESTED)
_CONSENT, _UNSUBSCRIBED = int(Kind.CONSENT_CHANGED), int(Kind.MESSAGE_UNSUBSCRIBED)
_ASKED_MAY, _PREVIEW = int(Kind.ASKED_MAY), int(Kind.PREVIEW_ASKED)
_SPAM, _RESTRICTED = int(Kind.SPAM_REPORTED), int(Kind.RESTRICTED)
_RIGHTS = tuple(sorted(map(int, RIGHTS)))
_TIMER, _TOUCHPOINT, _LOOP = int(Asks.TIMER), int(Asks.TOUCHPOINT), int(Asks.LOOP)
_ASKS, _WAKES, _STAYS, _BUYS, _BETWEEN, _LOOPS = ASKS, WAKES, STAYS, BUYS, BETWEEN, LOOPS
_UNDER_CONTRACT, _TIERS, _LEVELS_OF = UNDER_CONTRACT, TIERS, LEVELS_OF
_MERGED_AWAY, _MERGE, _MOVED = MERGED, int(Kind.IDENTITY_MERGED), int(Kind.IDENTITY_MOVED)
_MERGED, _TAKEN_OVER, _PASSED_ON = int(Effect.MERGED), int(Effect.TAKEN_OVER), int(Effect.PASSED_ON)
_LOOKED, _SHARED, _ANSWERED = int(Kind.LOOKED_AT), int(Kind.SHARED_MOMENT), int(Effect.ANSWERED)
_MARK, _WAS_ERASED = np.uint64(PASSED_ON), WAS_ERASED

REST, SCORE, WAIT_NEXT, WAIT_CASE = range(4)
"""What a step comes to."""


@compiled
def due_step(record: Any, lane: Any, index: int, rules: Any, counts: Any, effects: Any, n: int) -> tuple[int, int]:
    """A label, a tick, a crossing, the end of ticks, or that of the record."""
    counts[_DUE] += 1
    times = record.times
    if int(lane.due) % STAGES == _STAGE_LABELS:
        return _label(record, lane, index, rules, effects, n), REST
    if int(lane.due) % STAGES == _STAGE_LEAVING:
        return report(effects, n, lane, index, _FORGOTTEN, 0.0, 0), WAIT_NEXT
    if lane.timer == lane.now:
        lane.asks = _TIMER
    if times[TICK] == 0.0:
        return n, REST  # nobody is estimated who is lapsed, or has left: a timer alone has rung
    if lane.now - times[LAST_PURCHASE] > rules.silence:
        return _leave(record, lane, index, effects, n), REST
    lane.may_open = 1
    _choose_ladder(record, lane, rules)
    if times[TICK] == lane.now:
        times[TICK] = lane.now + rules.tick
    elif record.seconds[CROSSING] * SECOND == lane.now:
        counts[_CROSSINGS] += 1
    basis_of(record, lane.now, lane.basis)
    return n, SCORE


@compiled
def _choose_ladder(record: Any, lane: Any, rules: Any) -> None:
    """Levels go by the class and, where the policy says so, by the tier: as it was before this score, and as long as an
    episode is open as it was when that opened. And by the stage of the loyalty loop, as it was before they slipped.
    While a contract runs its customer has none."""
    tier = 0
    if not rules.by_tier:
        lane.held = 0
    else:
        if record.band != _BAND_AT_RISK or lane.held == 0:
            lane.held = lane.tier + 1
        tier = lane.held - 1
    if lane.now < lane.runs_until:
        lane.ladder = _UNDER_CONTRACT
    else:
        lane.ladder = lane.level_stage * _LEVELS_OF + lane.of_class * _TIERS + tier


@compiled
def _label(record: Any, lane: Any, index: int, rules: Any, effects: Any, n: int) -> int:
    """The label of a pending example whose window is over; that of the other kind is a timer of its own."""
    label_kind = matured(record, rules, lane.phase, lane.now)
    observed_at = tick_time(rules, lane.phase, int(record.pending_ticks[label_kind]))
    if label_kind == PENDING_CHURNED:
        n = report(effects, n, lane, index, _CHURNED, np.float64(record.numbers[PENDING_RISK]), observed_at)
        effects[n - 1].flag = 0 if record.flags & STAYED else 1
    else:
        n = report(effects, n, lane, index, _RETURNED, 0.0, observed_at)
        effects[n - 1].flag = 1 if record.flags & BACK else 0
    for i in range(BASIS):
        effects[n - 1].pending_basis[i] = record.pending_bases[label_kind, i]
    tell_money(lane, label_kind, effects[n - 1])
    record.pending_ticks[label_kind] = 0
    return n


@compiled
def _leave(record: Any, lane: Any, index: int, effects: Any, n: int) -> int:
    """No further ticks, and no open episode."""
    record.times[TICK] = 0.0
    record.seconds[CROSSING] = 0
    was_open = record.times[EPISODE] != 0.0
    close(record, _BAND_LAPSED)
    lane.reached, lane.bucket, lane.tier, lane.counted, lane.held = 0.0, 0, 0, 0, 0
    return report(effects, n, lane, index, _LAPSED, 0.0, 0) if was_open else n


@compiled
def touch_step(
    record: Any, lane: Any, index: int, arrivals: Arrivals, rules: Any, counts: Any, effects: Any, n: int
) -> tuple[int, int]:
    """A touchpoint, up to where it would change the record's numbers."""
    row, times = lane.row, record.times
    kind = arrivals.kinds[row]
    if arrivals.skewed[row]:
        counts[_SKEWED] += 1
    if kind in (_MERGE, _MOVED) or record.flags & _MERGED_AWAY == _MERGED_AWAY:
        return _of_identity(record, lane, index, arrivals, rules, counts, effects, n)
    if kind == _EXPIRED:
        counts[_APPLIED] += 1
        lane.asks = _TOUCHPOINT if lane.stands else 0
        return report(effects, n, lane, index, _REARM, 0.0, 0), WAIT_NEXT
    if kind in (_LOOKED, _ASKED_MAY, _PREVIEW):
        # No touch of the customer's: nothing is known better by it.
        counts[_APPLIED] += 1
        lane.asks = _TOUCHPOINT if rules.policy and not record.flags & ERASED else 0
        return n, REST
    if kind == _SHARED:
        counts[_APPLIED] += 1
        if rules.policy and not record.flags & ERASED:
            lane.asks = _TOUCHPOINT
            return n, REST
        return report(effects, n, lane, index, _ANSWERED, 0.0, 0), REST
    if rules.forget_after != 0 and record.flags & ERASED:
        # A tombstone, which holds no ids: whatever comes changes nothing, but for a newer consent, and a refusal.
        time = arrivals.times[row]
        granted = kind == _CONSENT and arrivals.a[row] > 0.0 and time > times[NEWEST]
        if granted and time >= lane.now - rules.lateness:
            _note_asks(lane, arrivals.asks[row])
            return report(effects, n, lane, index, _REOPENED, 0.0, 0), WAIT_CASE
        counts[_APPLIED] += 1
        if kind in (_CONSENT, _UNSUBSCRIBED, _SPAM, _RESTRICTED):
            return report(effects, n, lane, index, _REFUSED, 0.0, 0), WAIT_NEXT
        return n, REST
    asks = arrivals.asks[row]
    if asks & _BETWEEN:
        again = _counted_before(record, arrivals.hashes[row])
    else:
        again = _came_before(record, lane.now, row, arrivals, rules, counts, np.uint64(0))
    if again:
        counts[_DUPLICATE] += 1
        return n, REST
    if kind == _ERASURE:
        counts[_APPLIED] += 1
        return report(effects, n, lane, index, _ERASE, 0.0, 0), WAIT_NEXT
    if record.flags & ERASED:
        counts[_APPLIED] += 1
        return n, REST
    _note_asks(lane, asks)
    if arrivals.tells[row] != 0 or record.flags & UNLEARNED:
        # A restriction may have come to its end: whoever has one is looked at by plain Python first.
        waits = arrivals.tells[row] == WAITS or record.flags & UNLEARNED
        n = report(effects, n, lane, index, _CASE if waits else _PROFILE, 0.0, 0)
        effects[n - 1].flag = 1 if arrivals.times[row] < lane.now - rules.lateness else 0
        if waits:
            return n, WAIT_CASE
    return apply_touch(record, lane, index, arrivals, rules, counts, effects, n)


@compiled
def _note_asks(lane: Any, asks: int) -> None:
    """Whether the touchpoint of this step asks for a decision, or counts in the loyalty loop alone. asks: of
    `Arrivals`."""
    wakes = (asks & _WAKES and lane.stands) or (asks & _BUYS and lane.drawn)
    if asks & _ASKS or wakes or (asks & _STAYS and not lane.silence_kept):
        lane.asks = _TOUCHPOINT
    elif asks & _LOOPS:
        lane.asks = _LOOP


@compiled
def _came_before(record: Any, now: int, row: int, arrivals: Arrivals, rules: Any, counts: Any, mark: Any) -> bool:
    """Whether a touchpoint is one that was here already; remembered if it is not. mark: where it goes on
    `PASSED_ON`, else 0."""
    times = record.times
    if _is_remembered(record, arrivals.hashes[row]):
        return True
    forgot = rules.forget_after != 0 and arrivals.times[row] < now - rules.silence - rules.forget_after
    if forgot or (record.ids[record.ring] != 0 and arrivals.times[row] <= times[NEWEST]):
        # Of what came before the last ones the record has forgotten all but the newest time: this may have been there.
        # And of a customer who has left the store and come back, everything from before.
        too_old = rules.duplicate_window != 0 and arrivals.times[row] < times[NEWEST] - rules.duplicate_window
        if too_old and arrivals.kinds[row] not in _RIGHTS:
            counts[_BEYOND] += 1
            return True
        counts[_UNSURE] += 1
    _remember(record, arrivals.hashes[row] ^ mark)
    return False


@compiled
def _is_remembered(record: Any, number: Any) -> bool:
    """Whether an event is among the last that were counted here or passed on."""
    found = False
    for i in range(IDS):
        found |= record.ids[i] == number or record.ids[i] == number ^ _MARK
    return found


@compiled
def _counted_before(record: Any, number: Any) -> bool:
    """Whether an event that comes from another id of the customer's is among the last that were counted here;
    remembered if it is not. How late it is was looked at there."""
    for i in range(IDS):
        if record.ids[i] == number:
            return True
    _remember(record, number)
    return False


@compiled
def _remember(record: Any, number: Any) -> None:
    record.ids[record.ring] = number
    record.ring = (record.ring + 1) % IDS


@compiled
def _of_identity(
    record: Any, lane: Any, index: int, arrivals: Arrivals, rules: Any, counts: Any, effects: Any, n: int
) -> tuple[int, int]:
    """The customer's id is another's, or another's is theirs. What comes from another shard comes once."""
    row = lane.row
    kind, merged = arrivals.kinds[row], record.flags & _MERGED_AWAY == _MERGED_AWAY
    if not arrivals.asks[row] & _BETWEEN:
        # Of a merge, and of what no customer does, no more is asked than whether it is remembered.
        touches = merged and kind not in (_MERGE, _EXPIRED, _LOOKED, _ASKED_MAY, _PREVIEW)
        mark = _MARK if merged else np.uint64(0)
        if touches:
            again = _came_before(record, lane.now, row, arrivals, rules, counts, mark)
        else:
            again = _is_remembered(record, arrivals.hashes[row])
        if again:
            counts[_DUPLICATE] += 1
            return n, REST
        if touches and not record.flags & _WAS_ERASED:  # there stands when it was
            record.times[NEWEST] = max(record.times[NEWEST], np.float64(arrivals.times[row]))
        if not touches:
            _remember(record, arrivals.hashes[row] ^ mark)
    counts[_APPLIED] += 1
    what = _PASSED_ON if merged else _MERGED if kind == _MERGE else _TAKEN_OVER
    return report(effects, n, lane, index, what, 0.0, 0), WAIT_NEXT


@compiled
def apply_touch(
    record: Any, lane: Any, index: int, arrivals: Arrivals, rules: Any, counts: Any, effects: Any, n: int
) -> tuple[int, int]:
    """Let the touchpoint of this step change the numbers."""
    row, now, times = lane.row, lane.now, record.times
    kind, time = int(arrivals.kinds[row]), arrivals.times[row]
    late = time < now - rules.lateness
    alive = rules.signs[kind] == SIGN
    counts[_LATE if late else _APPLIED] += 1
    update(
        record, kind, time, arrivals.a[row], arrivals.b[row], arrivals.sentiment[row], late, alive, lane.phase, rules
    )
    count_money(lane, int(record.pending_ticks[PENDING_CHURNED]), kind, time, arrivals.a[row], rules)
    if rules.signs[kind] == LEAVING and time >= times[LAST_PURCHASE]:
        cancelled = max(time // SECOND, np.int64(record.seconds[CANCELLED]) if record.flags & LEFT else 1)
        record.flags = (record.flags | LEFT) & 0xFF & ~(STAYED | BACK)
        n = _leave(record, lane, index, effects, n)
        record.seconds[CANCELLED] = min(cancelled, LAST_SECOND)
        return n, REST
    if alive and times[TICK] == 0.0 and not record.flags & (LEFT | UNSCORED):
        times[TICK] = next_tick(rules, lane.phase, now)
    unscored = record.numbers[PURCHASE_DAYS] == 0.0 or record.flags & (LEFT | UNSCORED)
    if unscored or now - times[LAST_PURCHASE] > rules.silence:
        return n, REST
    # A customer who has just bought is not lost, whatever the model expects: the next tick estimates again.
    lane.may_open = 0 if late or alive else 1
    _choose_ladder(record, lane, rules)
    basis_of(record, now, lane.basis)
    return n, SCORE


@compiled
def report(effects: Any, n: int, lane: Any, index: int, what: int, estimate: float, opened: int) -> int:
    effect = effects[n]
    effect.lane, effect.what, effect.row = index, what, lane.row
    effect.due, effect.now = lane.due, lane.now
    effect.probability, effect.opened, effect.flag = estimate, opened, 0
    return n + 1
