"""The walk: every customer of a piece on their own way through it, touchpoint by touchpoint, due item by due item.

Customers do not see each other inside a piece, so each has a lane. `walk` takes a lane as far as it can: it updates the
record, estimates the risk with the version in force, and moves bands, ticks and due times. What has to be decided or
said about a customer it writes down as an *event*, in the order of the lane, with a copy of all that the decision
reads; plain Python (models.run) goes through the events afterwards. A lane stops early where plain Python has to
change the record first (a service case, an erasure, a trigger that expired, a new learning snapshot), or where the
scorer is not a compiled one; the next call goes on from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.bands import Band, Change
from models.calendar import NEVER, STAGES, Stage
from models.churn.logistic import probability
from models.compiled import compiled
from models.customer import (
    BASIS,
    BOUGHT,
    DUE,
    EPISODE,
    ERASED,
    IDS,
    LAST_PURCHASE,
    PURCHASE_DAYS,
    REARMED,
    SNAPSHOT,
    SNAPSHOT_RISK,
    TICK,
)
from models.features import FEATURES, basis_of, update
from models.lanes import Arrivals, Count, State, What
from models.profile import TELLING
from models.risk import assess, close
from models.touchpoints import Kind

_TOLD, _CASE, _REARM, _ERASE, _LAPSED = (int(what) for what in list(What)[:5])
_LABEL, _OPENED, _AGAIN, _CLOSED, _TAKEN = (int(what) for what in list(What)[5:])
_NEXT, _AFTER_CASE, _ASKING, _SCORED, _DONE = map(int, State)
_APPLIED, _DUPLICATE, _LATE, _SKEWED, _DUE, _SCORES, _EPISODES, _ROWS = map(int, Count)
_BAND_LAPSED = int(Band.LAPSED)
_CHANGE_OPENED, _CHANGE_CLOSED = int(Change.OPENED), int(Change.CLOSED)
_STAGE_LABELS, _STAGE_SCORES = int(Stage.LABELS), int(Stage.SCORES)
_PURCHASE, _EXPIRED, _ERASURE = int(Kind.PURCHASE), int(Kind.EXPIRED_UNSENT), int(Kind.ERASE_REQUESTED)
_TELLS = np.array([kind in TELLING for kind in range(256)])
_OF_CASES = np.array([kind in (Kind.CASE_OPENED, Kind.CASE_RESOLVED) for kind in range(256)])
_WIDTH = len(FEATURES)

# What a step comes to.
_REST, _SCORE, _WAIT_NEXT, _WAIT_CASE = range(4)
_MOST_A_STEP = 3
"""Events that one step writes at most."""


@compiled
def walk(
    records: Any,
    lanes: Any,
    order: Any,
    arrivals: Arrivals,
    place: float,
    rules: Any,
    parameters: Any,
    asks: bool,
    single: bool,
    probabilities: Any,
    counts: Any,
    events: Any,
) -> int:
    """Take the lanes in `order` as far as they go; returns how many `events` were written.

    records: a block's rows. place: where the piece ends. parameters: of the
    compiled scorer. asks: the scorer is another one: stop before every score, which comes in `probabilities` (by lane).
    single: one step a lane. A lane also stops when there is no more room for events.
    """
    features = np.empty(_WIDTH)
    n = 0
    for at in range(order.shape[0]):
        index = order[at]
        lane, record = lanes[index], records[index]
        while lane.state != _DONE and n + _MOST_A_STEP <= events.shape[0]:
            scored = lane.state == _SCORED
            if lane.state == _NEXT:
                if not _choose(record, lane, arrivals, place):
                    lane.state = _DONE
                    break
                lane.changed = 1
                counts[_ROWS] += 1
                if lane.due != 0.0:
                    n, outcome = _due_step(record, lane, index, rules, counts, events, n)
                else:
                    n, outcome = _touch_step(record, lane, index, arrivals, rules, counts, events, n)
            elif lane.state == _AFTER_CASE:
                outcome = _apply(record, lane, arrivals, rules, counts)
            else:
                outcome = _SCORE
            if outcome == _WAIT_CASE:
                lane.state = _AFTER_CASE
                break
            if outcome == _SCORE:
                if asks and not scored:
                    lane.state = _ASKING
                    break
                estimate = probabilities[index] if scored else probability(lane.basis, parameters, features)
                n, outcome = _conclude(record, lane, index, estimate, rules, counts, events, n)
            lane.state = _NEXT
            if lane.exists:
                record.times[DUE] = next_due(record, rules)
            if single or outcome == _WAIT_NEXT:
                break
    return n


@compiled
def _choose(record: Any, lane: Any, arrivals: Arrivals, place: float) -> bool:
    """Find the lane's next step; False when it is at its end."""
    due = record.times[DUE] if lane.exists else NEVER
    row = lane.cursor
    if row >= 0:
        if due == NEVER or int(due) // STAGES > arrivals.now[row]:
            lane.row, lane.due, lane.now = row, 0.0, arrivals.now[row]
            lane.cursor = arrivals.following[row]
            return True
    elif due > place or (due == place and not lane.before):
        return False
    lane.row, lane.due, lane.now = -1, due, int(due) // STAGES
    return True


@compiled
def _due_step(record: Any, lane: Any, index: int, rules: Any, counts: Any, events: Any, n: int) -> tuple[int, int]:
    """A label, a tick, or the end of ticks."""
    counts[_DUE] += 1
    times = record.times
    if int(lane.due) % STAGES == _STAGE_LABELS:
        n = _say(events, n, lane, index, _LABEL, np.float64(record.numbers[SNAPSHOT_RISK]), int(times[SNAPSHOT]))
        events[n - 1].flag = 0 if record.flags & BOUGHT else 1
        for i in range(BASIS):
            events[n - 1].snapshot[i] = record.snapshot[i]
        times[SNAPSHOT] = 0.0
        return n, _REST
    if lane.now - times[LAST_PURCHASE] > rules.silence:
        times[TICK] = 0.0
        was_open = times[EPISODE] != 0.0
        close(record, _BAND_LAPSED)
        if was_open:
            n = _say(events, n, lane, index, _LAPSED, 0.0, 0)
        return n, _REST
    times[TICK] = lane.now + rules.tick
    lane.may_open = 1
    basis_of(record, lane.now, lane.basis)
    return n, _SCORE


@compiled
def _touch_step(
    record: Any, lane: Any, index: int, arrivals: Arrivals, rules: Any, counts: Any, events: Any, n: int
) -> tuple[int, int]:
    """A touchpoint, up to where it would change the record's numbers."""
    row = lane.row
    kind = arrivals.kinds[row]
    if arrivals.skewed[row]:
        counts[_SKEWED] += 1
    if kind == _EXPIRED:
        counts[_APPLIED] += 1
        return _say(events, n, lane, index, _REARM, 0.0, 0), _WAIT_NEXT
    for i in range(IDS):
        if record.ids[i] == arrivals.hashes[row]:
            counts[_DUPLICATE] += 1
            return n, _REST
    record.ids[record.ring] = arrivals.hashes[row]
    record.ring = (record.ring + 1) % IDS
    if kind == _ERASURE:
        counts[_APPLIED] += 1
        return _say(events, n, lane, index, _ERASE, 0.0, 0), _WAIT_NEXT
    if record.flags & ERASED:
        counts[_APPLIED] += 1
        return n, _REST
    if _TELLS[kind]:
        n = _say(events, n, lane, index, _CASE if _OF_CASES[kind] else _TOLD, 0.0, 0)
        events[n - 1].flag = 1 if arrivals.times[row] < lane.now - rules.lateness else 0
        if _OF_CASES[kind]:
            return n, _WAIT_CASE
    return n, _apply(record, lane, arrivals, rules, counts)


@compiled
def _apply(record: Any, lane: Any, arrivals: Arrivals, rules: Any, counts: Any) -> int:
    """Let the touchpoint of this step change the numbers."""
    row, now, times = lane.row, lane.now, record.times
    kind, time = int(arrivals.kinds[row]), arrivals.times[row]
    late = time < now - rules.lateness
    counts[_LATE if late else _APPLIED] += 1
    update(record, kind, time, arrivals.a[row], arrivals.b[row], arrivals.sentiment[row], rules.horizon, late)
    if kind == _PURCHASE and times[TICK] == 0.0:
        times[TICK] = next_tick(rules, lane.phase, now)
    if record.numbers[PURCHASE_DAYS] == 0.0 or now - times[LAST_PURCHASE] > rules.silence:
        return _REST
    # Who has just bought is not lost yet, whatever the model expects of them: the next tick looks again.
    lane.may_open = 0 if late or kind == _PURCHASE else 1
    basis_of(record, now, lane.basis)
    return _SCORE


@compiled
def _conclude(
    record: Any, lane: Any, index: int, estimate: float, rules: Any, counts: Any, events: Any, n: int
) -> tuple[int, int]:
    """What a new estimate of risk changes; at a tick, a learning snapshot if it is this customer's turn."""
    counts[_SCORES] += 1
    times = record.times
    change = assess(record, rules.enter, rules.exit, estimate, lane.now, lane.may_open == 1)
    rearmed = record.flags & REARMED and estimate >= rules.enter and lane.may_open == 1
    if change == _CHANGE_CLOSED:
        n = _say(events, n, lane, index, _CLOSED, estimate, 0)
    elif change == _CHANGE_OPENED or rearmed:
        counts[_EPISODES] += change == _CHANGE_OPENED
        record.flags &= 0xFF & ~REARMED
        what = _OPENED if change == _CHANGE_OPENED else _AGAIN
        n = _say(events, n, lane, index, what, estimate, int(times[EPISODE]))
        for i in range(BASIS):
            events[n - 1].basis[i] = lane.basis[i]
    if lane.due == 0.0 or lane.now - times[LAST_PURCHASE] > rules.horizon or times[SNAPSHOT] != 0.0:
        return n, _REST
    if not takes_snapshot(rules, lane.phase, lane.turn, lane.now):
        return n, _REST
    times[SNAPSHOT] = lane.now
    record.numbers[SNAPSHOT_RISK] = estimate
    record.flags &= 0xFF & ~BOUGHT
    n = _say(events, n, lane, index, _TAKEN, estimate, 0)
    for i in range(BASIS):
        events[n - 1].basis[i] = lane.basis[i]
    return n, _WAIT_NEXT


@compiled
def _say(events: Any, n: int, lane: Any, index: int, what: int, estimate: float, opened: int) -> int:
    event = events[n]
    event.lane, event.what, event.row = index, what, lane.row
    event.due, event.now = lane.due, lane.now
    event.probability, event.opened = estimate, opened
    return n + 1


@compiled
def next_due(record: Any, rules: Any) -> float:
    """The earlier of the next tick and the end of the open label's window, as a place."""
    tick, snapshot = int(record.times[TICK]), int(record.times[SNAPSHOT])
    due = NEVER
    if tick != 0:
        due = np.float64(tick * STAGES + _STAGE_SCORES)
    if snapshot != 0:
        label = snapshot + rules.horizon + rules.lateness
        due = min(due, np.float64(label * STAGES + _STAGE_LABELS))
    return due


@compiled
def next_tick(rules: Any, phase: int, now: int) -> int:
    """The customer's first tick after `now`."""
    tick: int = rules.tick
    zero: int = rules.anchor + phase
    return now + tick - (now - zero) % tick


@compiled
def takes_snapshot(rules: Any, phase: int, turn: int, tick: int) -> bool:
    """True at one tick per label window: each customer has one open label at most, at a rhythm of their own.

    Otherwise every label would begin just after a first purchase, and the model would never see a long silence.
    """
    number = (tick - rules.anchor - phase) // rules.tick
    return bool((number + turn) % rules.rhythm == 0)
