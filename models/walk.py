"""The walk: every customer of a piece on their own way through it, touchpoint by touchpoint, due item by due item.

Customers do not see each other inside a piece, so each has a lane. `walk` takes a lane as far as it can: it updates the
record, estimates the risk with the version in force, and moves bands, ticks and due times. What has to be decided or
said about a customer it writes down as an *event*, in the order of the lane, with a copy of all that the decision
reads; plain Python (models.engine) goes through the events afterwards. A lane stops early where plain Python has to
change the record first (a service case, an erasure, a trigger that expired, a new learning snapshot), or where the
scorer is not a compiled one; the next call goes on from there.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.batch import Batch
from models.block import Block
from models.calendar import NEVER, Stage
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
from models.line import Piece
from models.profile import TELLING
from models.risk import Band, Change, assess, close
from models.settings import EngineSettings
from models.touchpoints import Kind


class What(IntEnum):
    """What an event is about."""

    TOLD = 1  # a touchpoint that enters the tail
    CASE = 2  # the same, and the lane waits until it has
    REARM = 3  # a trigger expired unsent; the lane waits
    ERASE = 4  # the lane waits
    LAPSED = 5  # silent too long, with an open episode
    LABEL = 6  # a label has matured
    OPENED = 7  # an episode
    AGAIN = 8  # the open episode may ask again
    CLOSED = 9
    SNAPSHOT = 10  # a learning snapshot is taken; the lane waits until it is stored


class State(IntEnum):
    """Where a lane stands."""

    NEXT = 0  # before its next step
    TOLD = 1  # in the middle of a touchpoint: its case is in the tail now
    ASKING = 2  # its basis waits for a scorer
    SCORED = 3  # the probability has come
    DONE = 4


class Count(IntEnum):
    """Fields of `models.line.Totals` that the walk counts."""

    APPLIED = 0
    DUPLICATE = 1
    LATE = 2
    SKEWED = 3
    DUE = 4
    SCORED = 5
    EPISODES = 6
    ROWS = 7  # steps taken


LANE = np.dtype(
    [
        ("cursor", "<i8"),  # the lane's next touchpoint, a row of the batch; -1: none
        ("row", "<i8"),  # the touchpoint of the step under way; -1: it is a due item
        ("due", "<f8"),  # the place of the due item, 0: it is a touchpoint
        ("now", "<i8"),
        ("phase", "<i8"),
        ("turn", "<i8"),  # the customer's own rhythm of snapshots
        ("basis", "<f4", BASIS),
        ("exists", "u1"),
        ("before", "u1"),  # the customer stands before the piece's bound at its place
        ("changed", "u1"),
        ("state", "u1"),
        ("may_open", "u1"),
    ]
)

EVENT = np.dtype(
    [
        ("lane", "<i8"),
        ("what", "<i8"),
        ("row", "<i8"),
        ("due", "<f8"),
        ("now", "<i8"),
        ("probability", "<f8"),  # of this estimate; of a label: what was predicted
        ("opened", "<i8"),  # when the episode opened; of a label: when the snapshot was taken
        ("flag", "u1"),  # a touchpoint: it was late; a label: churned
        ("snapshot", "<u2", BASIS),  # a label's, as stored
        ("basis", "<f4", BASIS),
    ]
)

RULES = np.dtype(
    [
        ("horizon", "<i8"),
        ("silence", "<i8"),
        ("lateness", "<i8"),
        ("tick", "<i8"),
        ("anchor", "<i8"),
        ("rhythm", "<i8"),
        ("enter", "<f8"),
        ("exit", "<f8"),
    ]
)


def rules_of(settings: EngineSettings) -> Any:
    """The settings that compiled code reads."""
    rhythm = -(-(settings.horizon + settings.lateness) // settings.tick)
    told = (settings.horizon, settings.silence, settings.lateness, settings.tick, settings.anchor, rhythm)
    return np.array([(*told, settings.enter, settings.exit)], dtype=RULES)[0]


class Arrivals(NamedTuple):
    """The touchpoints of a batch as columns, of shape (rows,). `following`: the customer's next one, -1: none."""

    kinds: NDArray[np.uint8]
    times: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    sentiment: NDArray[np.float64]
    skewed: NDArray[np.bool_]
    now: NDArray[np.int64]
    following: NDArray[np.int64]


_TOLD, _CASE, _REARM, _ERASE, _LAPSED = (int(what) for what in list(What)[:5])
_LABEL, _OPENED, _AGAIN, _CLOSED, _TAKEN = (int(what) for what in list(What)[5:])
_NEXT, _AFTER_CASE, _ASKING, _SCORED, _DONE = map(int, State)
_APPLIED, _DUPLICATE, _LATE, _SKEWED, _DUE, _SCORES, _EPISODES, _ROWS = map(int, Count)
_BAND_LAPSED = int(Band.LAPSED)
_CHANGE_OPENED, _CHANGE_CLOSED = int(Change.OPENED), int(Change.CLOSED)
_STAGES, _STAGE_LABELS, _STAGE_SCORES = 8, int(Stage.LABELS), int(Stage.SCORES)
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
    first: int,
    last: int,
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

    records: a block's rows. first, last: the piece's rows of the batch; place: where it ends. parameters: of the
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
        if due == NEVER or int(due) // _STAGES > arrivals.now[row]:
            lane.row, lane.due, lane.now = row, 0.0, arrivals.now[row]
            lane.cursor = arrivals.following[row]
            return True
    elif due > place or (due == place and not lane.before):
        return False
    lane.row, lane.due, lane.now = -1, due, int(due) // _STAGES
    return True


@compiled
def _due_step(record: Any, lane: Any, index: int, rules: Any, counts: Any, events: Any, n: int) -> tuple[int, int]:
    """A label, a tick, or the end of ticks."""
    counts[_DUE] += 1
    times = record.times
    if int(lane.due) % _STAGES == _STAGE_LABELS:
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
        due = np.float64(tick * _STAGES + _STAGE_SCORES)
    if snapshot != 0:
        label = snapshot + rules.horizon + rules.lateness
        due = min(due, np.float64(label * _STAGES + _STAGE_LABELS))
    return due


@compiled
def next_tick(rules: Any, phase: int, now: int) -> int:
    """The customer's first tick after `now`. (models.calendar.next_tick, compiled.)"""
    tick: int = rules.tick
    zero: int = rules.anchor + phase
    return now + tick - (now - zero) % tick


@compiled
def takes_snapshot(rules: Any, phase: int, turn: int, tick: int) -> bool:
    """True at one tick per label window, at a rhythm of the customer's own. (models.calendar, compiled.)"""
    number = (tick - rules.anchor - phase) // rules.tick
    return bool((number + turn) % rules.rhythm == 0)


@compiled
def _link(first: int, lane_of_row: Any, heads: Any, following: Any) -> None:
    """Chain each lane's rows in order; `lane_of_row` is -1 where a record concerns no customer."""
    for i in range(lane_of_row.shape[0] - 1, -1, -1):
        lane = lane_of_row[i]
        if lane >= 0:
            following[first + i] = heads[lane].cursor
            heads[lane].cursor = first + i


def lanes_of(block: Block, settings: EngineSettings, piece: Piece) -> NDArray[Any]:
    """A lane for every row of the block, before its first step."""
    lanes = np.zeros(len(block.names), dtype=LANE)
    lanes["cursor"] = -1
    lanes["exists"] = block.known
    lanes["turn"] = (block.hashes >> np.uint64(32)).astype(np.int64)
    if settings.phase != "aligned":
        lanes["phase"] = (block.hashes % np.uint64(settings.tick // 1_000)).astype(np.int64) * 1_000
    customer = piece.bound[1]
    lanes["before"] = [name < customer for name in block.names] if customer else False
    return lanes


def arrivals_of(batch: Batch, piece: Piece, time: int, lane_of_row: NDArray[np.int64], lanes: NDArray[Any]) -> Arrivals:
    """The piece's touchpoints, chained by lane. time: the shard's before the piece."""
    columns = batch.columns
    following = np.full(len(batch), -1, dtype=np.int64)
    _link(piece.first, lane_of_row, lanes, following)
    now = np.maximum(batch.reached, time)
    return Arrivals(
        columns.kinds,
        columns.times,
        columns.hashes,
        columns.a,
        columns.b,
        columns.sentiment,
        columns.skewed,
        now,
        following,
    )
