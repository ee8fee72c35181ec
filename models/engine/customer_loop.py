"""The compiled loop: applies each customer's touchpoints and timers in order.

Customers do not see each other inside a piece, so each has a lane. `walk` takes a lane to its next score: its steps
(`models.engine.customer_steps`) update the record, and move bands, ticks and due times. With the score, and the
crossing of the threshold that was predicted (`models.engine.waves`), the next call goes on from there. What has to be
decided or emitted about a customer is reported as an *effect*, in the order of the lane, with a copy of all that the
decision reads; plain Python (`models.engine.effects`) handles the effects afterwards. A lane also stops where plain
Python has to change the record first (a service case, an erasure, a trigger that expired).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.churn.crossing import target_of
from models.customer.bands import Band, Change
from models.customer.layout import (
    BACK,
    BASIS,
    CROSSING,
    DUE,
    EPISODE,
    LAST_PURCHASE,
    PENDING_CHURNED,
    PENDING_RETURNED,
    PENDING_RISK,
    REARMED,
    RISK,
    STAYED,
    TICK,
    UNLEARNED,
)
from models.decisions.episodes import assess
from models.decisions.given import Asks
from models.engine.arrivals import SEEN, Arrivals
from models.engine.compiled_rules import UNDER_CONTRACT
from models.engine.customer_steps import (
    SCORE,
    WAIT_CASE,
    WAIT_NEXT,
    apply_touch,
    due_step,
    report,
    touch_step,
)
from models.engine.customer_timers import begin_example, own_due, with_timer
from models.engine.lanes import Count, Effect, State
from models.engine.loop_step import count_in_loop
from models.numerics.compiled import compiled, linked
from models.timeline.order import NEVER, STAGES

_OPENED, _AGAIN, _CLOSED = int(Effect.OPENED), int(Effect.AGAIN), int(Effect.CLOSED)
_DECIDE, _UNDER_CONTRACT = int(Effect.DECIDE), UNDER_CONTRACT
_NEXT, _AFTER_CASE, _ASKING, _SCORED, _DONE = map(int, State)
_SCORES, _EPISODES, _ROWS = int(Count.SCORED), int(Count.EPISODES), int(Count.ROWS)
_BAND_AT_RISK = int(Band.AT_RISK)
_CHANGE_OPENED, _CHANGE_CLOSED = int(Change.OPENED), int(Change.CLOSED)
_LEVEL, _LOOP, _LOOPED = int(Asks.LEVEL), int(Asks.LOOP), int(Effect.LOOPED)

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
            outcome, reported = SCORE, n
            if lane.state == _NEXT:
                if not _choose(record, lane, arrivals, bound):
                    lane.state = _DONE
                    break
                lane.changed, lane.asks = 1, 0
                counts[_ROWS] += 1
                if lane.due != 0.0:
                    n, outcome = due_step(record, lane, index, rules, counts, effects, n)
                else:
                    n, outcome = touch_step(record, lane, index, arrivals, rules, counts, effects, n)
            elif lane.state == _AFTER_CASE:
                n, outcome = apply_touch(record, lane, index, arrivals, rules, counts, effects, n)
            if outcome == WAIT_CASE:
                lane.state = _AFTER_CASE
                break
            if outcome == SCORE:
                if lane.state != _SCORED:
                    lane.state = _ASKING
                    break
                estimate = probabilities[index]
                n = _conclude(record, lane, index, estimate, rules, counts, effects, n)
                record.seconds[CROSSING] = crossings[index] if record.times[TICK] != 0.0 else 0
            else:
                estimate = np.nan
            if (lane.stands or rules.stopped) and n > reported:
                # The end of an episode may take away a timer; one that a stop holds asks again at the next score.
                outcome = WAIT_NEXT
            if lane.asks == _LOOP and (arrivals.felt[lane.row] == SEEN or record.flags & UNLEARNED):
                n = report(effects, n, lane, index, _LOOPED, estimate, 0)
                outcome = WAIT_NEXT
            elif lane.asks == _LOOP:
                n = count_in_loop(record, lane, index, arrivals, rules, estimate, effects, n)
            elif lane.asks != 0:
                n = _ask(record, lane, index, estimate, effects, n)
                outcome = WAIT_NEXT
            lane.state = _NEXT
            if lane.exists:
                lane.own_due = own_due(record, rules, lane.phase)
                record.times[DUE] = with_timer(lane.own_due, record, rules, lane.phase, lane.now, lane.timer)
            if single or outcome == WAIT_NEXT:
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
def _conclude(
    record: Any, lane: Any, index: int, estimate: float, rules: Any, counts: Any, effects: Any, n: int
) -> int:
    """What a new estimate of risk changes; at a tick, examples begin if the customer's cadence says so."""
    counts[_SCORES] += 1
    times = record.times
    ladder, leave = rules.ladders[lane.ladder], rules.exits[lane.ladder]
    lane.stood = record.numbers[RISK]
    change = assess(record, ladder[0], leave, estimate, lane.now, lane.may_open == 1)
    if record.band != _BAND_AT_RISK:
        lane.held = 0
    quiet = lane.now < rules.quiet_until
    rearmed = record.flags & REARMED and estimate >= rules.enter and lane.may_open == 1 and not quiet
    if change == _CHANGE_CLOSED:
        lane.reached = 0.0
        n = report(effects, n, lane, index, _CLOSED, estimate, 0)
        effects[n - 1].flag = lane.ladder == _UNDER_CONTRACT
    elif rules.policy:
        counts[_EPISODES] += change == _CHANGE_OPENED
        at_risk = record.band == _BAND_AT_RISK and lane.may_open == 1 and not quiet
        if at_risk and estimate >= target_of(lane.reached, lane.reached, leave, ladder):
            lane.asks |= _LEVEL
    elif change == _CHANGE_OPENED or rearmed:
        counts[_EPISODES] += change == _CHANGE_OPENED
        record.flags &= 0xFF & ~REARMED
        what = _OPENED if change == _CHANGE_OPENED else _AGAIN
        n = report(effects, n, lane, index, what, estimate, int(times[EPISODE]))
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
    n = report(effects, n, lane, index, _DECIDE, estimate, int(record.times[EPISODE]))
    effects[n - 1].flag = lane.asks
    for i in range(BASIS):
        effects[n - 1].basis[i] = lane.basis[i]
    return n
