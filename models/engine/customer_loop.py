"""The compiled loop: applies each customer's touchpoints and timers in order.

Customers do not see each other inside a piece, so each has a lane. `walk` takes a lane to its next score: it updates
the record, and moves bands, ticks and due times. With the score, and the crossing of the threshold that was predicted
(`models.engine.waves`), the next call goes on from there. What has to be decided or emitted about a customer it reports
as an *effect*, in the order of the lane, with a copy of all that the decision reads; plain Python
(`models.engine.effects`) handles the effects afterwards. A lane also stops where plain Python has to change the record
first (a service case, an erasure, a trigger that expired).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.churn.crossing import target_of
from models.customer.bands import Band, Change
from models.customer.layout import (
    BACK,
    BASIS,
    CANCELLED,
    CROSSING,
    DUE,
    EPISODE,
    ERASED,
    IDS,
    LAST_PURCHASE,
    LEFT,
    NEWEST,
    PENDING_CHURNED,
    PENDING_RETURNED,
    PENDING_RISK,
    PURCHASE_DAYS,
    REARMED,
    RISK,
    STAYED,
    TICK,
    UNLEARNED,
    UNSCORED,
)
from models.customer.merged import MERGED
from models.customer.schedule import next_tick, tick_time
from models.decisions.episodes import assess, close
from models.decisions.given import Asks
from models.engine.customer_timers import begin_example, matured, own_due, with_timer
from models.engine.lanes import (
    ASKS,
    BETWEEN,
    BUYS,
    LEAVING,
    SIGN,
    STAYS,
    UNDER_CONTRACT,
    WAITS,
    WAKES,
    Arrivals,
    Count,
    Effect,
    State,
)
from models.engine.valued import count_money, tell_money
from models.features import basis_of, update
from models.features.behaviour import LAST_SECOND
from models.numerics.compiled import compiled, linked
from models.settings import SECOND
from models.timeline.order import NEVER, STAGES, Stage
from models.touchpoints import Kind

_PROFILE, _CASE, _REARM, _ERASE, _LAPSED = (int(what) for what in list(Effect)[:5])
_CHURNED, _RETURNED, _OPENED, _AGAIN, _CLOSED = (int(what) for what in list(Effect)[5:10])
_FORGOTTEN, _REOPENED, _REFUSED = int(Effect.FORGOTTEN), int(Effect.REOPENED), int(Effect.REFUSED)
_NEXT, _AFTER_CASE, _ASKING, _SCORED, _DONE = map(int, State)
_APPLIED, _DUPLICATE, _LATE, _SKEWED, _DUE, _SCORES, _EPISODES, _CROSSINGS, _ROWS, *_MORE = map(int, Count)
_UNSURE, _BEYOND = _MORE
_BAND_LAPSED, _BAND_AT_RISK = int(Band.LAPSED), int(Band.AT_RISK)
_CHANGE_OPENED, _CHANGE_CLOSED = int(Change.OPENED), int(Change.CLOSED)
_STAGE_LABELS, _STAGE_LEAVING = int(Stage.LABELS), int(Stage.LEAVING)
_EXPIRED, _ERASURE = int(Kind.EXPIRED_UNSENT), int(Kind.ERASE_REQUESTED)
_CONSENT, _UNSUBSCRIBED = int(Kind.CONSENT_CHANGED), int(Kind.MESSAGE_UNSUBSCRIBED)
_ASKED_MAY, _PREVIEW = int(Kind.ASKED_MAY), int(Kind.PREVIEW_ASKED)
_SPAM, _RESTRICTED = int(Kind.SPAM_REPORTED), int(Kind.RESTRICTED)
_DECIDE = int(Effect.DECIDE)
_LEVEL, _TIMER, _TOUCHPOINT = (int(why) for why in Asks)
_ASKS, _WAKES, _STAYS, _BUYS, _BETWEEN, _UNDER_CONTRACT = ASKS, WAKES, STAYS, BUYS, BETWEEN, UNDER_CONTRACT
_MERGED_AWAY, _MERGE, _MOVED = MERGED, int(Kind.IDENTITY_MERGED), int(Kind.IDENTITY_MOVED)
_MERGED, _TAKEN_OVER, _PASSED_ON = int(Effect.MERGED), int(Effect.TAKEN_OVER), int(Effect.PASSED_ON)
_LOOKED = int(Kind.LOOKED_AT)

# What a step comes to.
_REST, _SCORE, _WAIT_NEXT, _WAIT_CASE = range(4)
_MOST_A_STEP = 3
"""Effects that one step reports at most."""


@linked
def walk(
    records: Any,
    lanes: Any,
    order: Any,
    arrivals: Arrivals,
    bound: float,
    rules: Any,
    single: bool,
    probabilities: Any,
    crossings: Any,
    counts: Any,
    effects: Any,
    n: int,
) -> int:
    """Take lanes to their next score, or their end. A lane also stops when the buffer of effects is full.

    Args:
        records, lanes, order, arrivals, bound, rules, single, counts, effects: as for `models.engine.waves.waves`.
        probabilities, crossings: of lanes that were scored (crossings: s since the epoch), shape (lanes,).
        n: how many `effects` are written already.

    Returns:
        How many are written then.
    """
    for at in range(order.shape[0]):
        index = order[at]
        lane, record = lanes[index], records[index]
        while lane.state != _DONE and n + _MOST_A_STEP <= effects.shape[0]:
            outcome, reported = _SCORE, n
            if lane.state == _NEXT:
                if not _choose(record, lane, arrivals, bound):
                    lane.state = _DONE
                    break
                lane.changed, lane.asks = 1, 0
                counts[_ROWS] += 1
                if lane.due != 0.0:
                    n, outcome = _due_step(record, lane, index, rules, counts, effects, n)
                else:
                    n, outcome = _touch_step(record, lane, index, arrivals, rules, counts, effects, n)
            elif lane.state == _AFTER_CASE:
                n, outcome = _apply(record, lane, index, arrivals, rules, counts, effects, n)
            if outcome == _WAIT_CASE:
                lane.state = _AFTER_CASE
                break
            if outcome == _SCORE:
                if lane.state != _SCORED:
                    lane.state = _ASKING
                    break
                estimate = probabilities[index]
                n = _conclude(record, lane, index, estimate, rules, counts, effects, n)
                record.seconds[CROSSING] = crossings[index] if record.times[TICK] != 0.0 else 0
                if lane.asks != 0:
                    n = _ask(record, lane, index, estimate, effects, n)
                    outcome = _WAIT_NEXT
            elif lane.asks != 0:
                n = _ask(record, lane, index, np.nan, effects, n)
                outcome = _WAIT_NEXT
            if lane.stands and n > reported:
                outcome = _WAIT_NEXT  # the end of an episode may take away a timer
            lane.state = _NEXT
            if lane.exists:
                lane.own_due = own_due(record, rules, lane.phase)
                record.times[DUE] = with_timer(lane.own_due, record, rules, lane.phase, lane.now, lane.timer)
            if single or outcome == _WAIT_NEXT:
                break
    return n


@compiled
def _choose(record: Any, lane: Any, arrivals: Arrivals, bound: float) -> bool:
    """Find the lane's next step; False when it is at its end."""
    due = record.times[DUE] if lane.exists else NEVER
    row = lane.cursor
    if row >= 0:
        if due == NEVER or int(due) // STAGES > arrivals.now[row]:
            lane.row, lane.due, lane.now = row, 0.0, arrivals.now[row]
            lane.cursor = arrivals.following[row]
            return True
    elif due > bound or (due == bound and not lane.before):
        return False
    lane.row, lane.due, lane.now = -1, due, int(due) // STAGES
    return True


@compiled
def _due_step(record: Any, lane: Any, index: int, rules: Any, counts: Any, effects: Any, n: int) -> tuple[int, int]:
    """A label, a tick, a crossing, the end of ticks, or that of the record."""
    counts[_DUE] += 1
    times = record.times
    if int(lane.due) % STAGES == _STAGE_LABELS:
        return _label(record, lane, index, rules, effects, n), _REST
    if int(lane.due) % STAGES == _STAGE_LEAVING:
        return _report(effects, n, lane, index, _FORGOTTEN, 0.0, 0), _WAIT_NEXT
    if lane.timer == lane.now:
        lane.asks = _TIMER
    if times[TICK] == 0.0:
        return n, _REST  # nobody is estimated who is lapsed, or has left: a timer alone has rung
    if lane.now - times[LAST_PURCHASE] > rules.silence:
        return _leave(record, lane, index, effects, n), _REST
    lane.may_open = 1
    _choose_ladder(lane)
    if times[TICK] == lane.now:
        times[TICK] = lane.now + rules.tick
    elif record.seconds[CROSSING] * SECOND == lane.now:
        counts[_CROSSINGS] += 1
    basis_of(record, lane.now, lane.basis)
    return n, _SCORE


@compiled
def _choose_ladder(lane: Any) -> None:
    """While a contract runs its customer has no levels."""
    lane.ladder = _UNDER_CONTRACT if lane.now < lane.runs_until else lane.own_ladder


@compiled
def _label(record: Any, lane: Any, index: int, rules: Any, effects: Any, n: int) -> int:
    """The label of a pending example whose window is over; that of the other kind is a timer of its own."""
    label_kind = matured(record, rules, lane.phase, lane.now)
    observed_at = tick_time(rules, lane.phase, int(record.pending_ticks[label_kind]))
    if label_kind == PENDING_CHURNED:
        n = _report(effects, n, lane, index, _CHURNED, np.float64(record.numbers[PENDING_RISK]), observed_at)
        effects[n - 1].flag = 0 if record.flags & STAYED else 1
    else:
        n = _report(effects, n, lane, index, _RETURNED, 0.0, observed_at)
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
    lane.reached, lane.bucket, lane.tier, lane.counted = 0.0, 0, 0, 0
    return _report(effects, n, lane, index, _LAPSED, 0.0, 0) if was_open else n


@compiled
def _touch_step(
    record: Any, lane: Any, index: int, arrivals: Arrivals, rules: Any, counts: Any, effects: Any, n: int
) -> tuple[int, int]:
    """A touchpoint, up to where it would change the record's numbers."""
    row, times = lane.row, record.times
    kind = arrivals.kinds[row]
    if arrivals.skewed[row]:
        counts[_SKEWED] += 1
    if kind in (_MERGE, _MOVED) or record.flags & _MERGED_AWAY == _MERGED_AWAY:
        return _of_identity(record, lane, index, arrivals, counts, effects, n)
    if kind == _EXPIRED:
        counts[_APPLIED] += 1
        lane.asks = _TOUCHPOINT if lane.stands else 0
        return _report(effects, n, lane, index, _REARM, 0.0, 0), _WAIT_NEXT
    if kind in (_LOOKED, _ASKED_MAY, _PREVIEW):
        # No touch of the customer's: nothing is known better by it.
        counts[_APPLIED] += 1
        lane.asks = _TOUCHPOINT if rules.policy and not record.flags & ERASED else 0
        return n, _REST
    if rules.forget_after != 0 and record.flags & ERASED:
        # A tombstone, which holds no ids: whatever comes changes nothing, but for a newer consent, and a refusal.
        time = arrivals.times[row]
        granted = kind == _CONSENT and arrivals.a[row] > 0.0 and time > times[NEWEST]
        if granted and time >= lane.now - rules.lateness:
            return _report(effects, n, lane, index, _REOPENED, 0.0, 0), _WAIT_CASE
        counts[_APPLIED] += 1
        if kind in (_CONSENT, _UNSUBSCRIBED, _SPAM, _RESTRICTED):
            return _report(effects, n, lane, index, _REFUSED, 0.0, 0), _WAIT_NEXT
        return n, _REST
    asks = arrivals.asks[row]
    if not asks & _BETWEEN and _came_before(record, lane.now, row, arrivals, rules, counts):
        counts[_DUPLICATE] += 1
        return n, _REST
    if kind == _ERASURE:
        counts[_APPLIED] += 1
        return _report(effects, n, lane, index, _ERASE, 0.0, 0), _WAIT_NEXT
    if record.flags & ERASED:
        counts[_APPLIED] += 1
        return n, _REST
    wakes = (asks & _WAKES and lane.stands) or (asks & _BUYS and lane.drawn)
    if asks & _ASKS or wakes or (asks & _STAYS and not lane.silence_kept):
        lane.asks = _TOUCHPOINT
    if arrivals.tells[row] != 0 or record.flags & UNLEARNED:
        # A restriction may have come to its end: whoever has one is looked at by plain Python first.
        waits = arrivals.tells[row] == WAITS or record.flags & UNLEARNED
        n = _report(effects, n, lane, index, _CASE if waits else _PROFILE, 0.0, 0)
        effects[n - 1].flag = 1 if arrivals.times[row] < lane.now - rules.lateness else 0
        if waits:
            return n, _WAIT_CASE
    return _apply(record, lane, index, arrivals, rules, counts, effects, n)


@compiled
def _came_before(record: Any, now: int, row: int, arrivals: Arrivals, rules: Any, counts: Any) -> bool:
    """Whether a touchpoint is one that was here already; remembered if it is not. What comes from another shard is
    not asked: there it was looked at."""
    times = record.times
    for i in range(IDS):
        if record.ids[i] == arrivals.hashes[row]:
            return True
    forgot = rules.forget_after != 0 and arrivals.times[row] < now - rules.silence - rules.forget_after
    if forgot or (record.ids[record.ring] != 0 and arrivals.times[row] <= times[NEWEST]):
        # Of what came before the last ones the record has forgotten all but the newest time: this may have been there.
        # And of a customer who has left the store and come back, everything from before.
        if rules.duplicate_window and arrivals.times[row] < times[NEWEST] - rules.duplicate_window:
            counts[_BEYOND] += 1
            return True
        counts[_UNSURE] += 1
    record.ids[record.ring] = arrivals.hashes[row]
    record.ring = (record.ring + 1) % IDS
    return False


@compiled
def _of_identity(
    record: Any, lane: Any, index: int, arrivals: Arrivals, counts: Any, effects: Any, n: int
) -> tuple[int, int]:
    """The customer's id is another's, or another's is theirs. What comes from another shard comes once."""
    row = lane.row
    kind, merged = arrivals.kinds[row], record.flags & _MERGED_AWAY == _MERGED_AWAY
    if not arrivals.asks[row] & _BETWEEN:
        for i in range(IDS):
            if record.ids[i] == arrivals.hashes[row]:
                counts[_DUPLICATE] += 1
                return n, _REST
        record.ids[record.ring] = arrivals.hashes[row]
        record.ring = (record.ring + 1) % IDS
    counts[_APPLIED] += 1
    what = _PASSED_ON if merged else _MERGED if kind == _MERGE else _TAKEN_OVER
    return _report(effects, n, lane, index, what, 0.0, 0), _WAIT_NEXT


@compiled
def _apply(
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
        return n, _REST
    if alive and times[TICK] == 0.0 and not record.flags & (LEFT | UNSCORED):
        times[TICK] = next_tick(rules, lane.phase, now)
    unscored = record.numbers[PURCHASE_DAYS] == 0.0 or record.flags & (LEFT | UNSCORED)
    if unscored or now - times[LAST_PURCHASE] > rules.silence:
        return n, _REST
    # A customer who has just bought is not lost, whatever the model expects: the next tick estimates again.
    lane.may_open = 0 if late or alive else 1
    _choose_ladder(lane)
    basis_of(record, now, lane.basis)
    return n, _SCORE


@compiled
def _conclude(
    record: Any, lane: Any, index: int, estimate: float, rules: Any, counts: Any, effects: Any, n: int
) -> int:
    """What a new estimate of risk changes; at a tick, examples begin if the customer's cadence says so."""
    counts[_SCORES] += 1
    times = record.times
    ladder, leave = rules.ladders[lane.ladder], rules.exits[lane.ladder]
    lane.stood = record.numbers[RISK]
    change = assess(record, ladder[0], leave, estimate, lane.now, lane.may_open == 1)
    quiet = lane.now < rules.quiet_until
    rearmed = record.flags & REARMED and estimate >= rules.enter and lane.may_open == 1 and not quiet
    if change == _CHANGE_CLOSED:
        lane.reached = 0.0
        n = _report(effects, n, lane, index, _CLOSED, estimate, 0)
    elif rules.policy:
        counts[_EPISODES] += change == _CHANGE_OPENED
        at_risk = record.band == _BAND_AT_RISK and lane.may_open == 1 and not quiet
        if at_risk and estimate >= target_of(lane.reached, lane.reached, leave, ladder):
            lane.asks |= _LEVEL
    elif change == _CHANGE_OPENED or rearmed:
        counts[_EPISODES] += change == _CHANGE_OPENED
        record.flags &= 0xFF & ~REARMED
        what = _OPENED if change == _CHANGE_OPENED else _AGAIN
        n = _report(effects, n, lane, index, what, estimate, int(times[EPISODE]))
        lane.reached = rules.enter
        for i in range(BASIS):
            effects[n - 1].basis[i] = lane.basis[i]
        if quiet:
            record.flags |= REARMED
    if lane.due != 0.0 and times[TICK] == lane.now + rules.tick:
        begin_example(record, lane, PENDING_RETURNED, BACK, rules)
        if lane.now - times[LAST_PURCHASE] <= rules.horizon and begin_example(
            record, lane, PENDING_CHURNED, STAYED, rules
        ):
            record.numbers[PENDING_RISK] = estimate
    return n


@compiled
def _ask(record: Any, lane: Any, index: int, estimate: float, effects: Any, n: int) -> int:
    """What asks for a decision by the policy in force. estimate: nan where none was made."""
    n = _report(effects, n, lane, index, _DECIDE, estimate, int(record.times[EPISODE]))
    effects[n - 1].flag = lane.asks
    for i in range(BASIS):
        effects[n - 1].basis[i] = lane.basis[i]
    return n


@compiled
def _report(effects: Any, n: int, lane: Any, index: int, what: int, estimate: float, opened: int) -> int:
    effect = effects[n]
    effect.lane, effect.what, effect.row = index, what, lane.row
    effect.due, effect.now = lane.due, lane.now
    effect.probability, effect.opened, effect.flag = estimate, opened, 0
    return n + 1
