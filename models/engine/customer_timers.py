"""A customer's timers: the pending examples, when their labels are due, and what comes first, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.customer.layout import (
    BASIS,
    CROSSING,
    ERASED,
    LEFT,
    NEWEST,
    NO_CONSENT,
    PENDING_CHURNED,
    PENDING_RETURNED,
    TICK,
    UNLEARNED,
)
from models.customer.merged import MERGED
from models.customer.schedule import begins_example, next_tick, tick_number, tick_time
from models.engine.valued import observe_money
from models.numerics.compiled import compiled
from models.numerics.float16 import float16_bits
from models.settings import SECOND
from models.timeline.order import NEVER, STAGES, Stage

_STAGE_LABELS, _STAGE_SCORES, _STAGE_LEAVING = int(Stage.LABELS), int(Stage.SCORES), int(Stage.LEAVING)
_FOR_GOOD, _MERGED = ERASED | NO_CONSENT, MERGED


@compiled
def begin_example(record: Any, lane: Any, label_kind: int, flag: int, rules: Any) -> bool:
    """At a tick, begin an example, unless one of its kind is pending, the customer's cadence names another tick, or
    nothing is learned from the customer."""
    number = tick_number(rules, lane.phase, lane.now)
    if record.flags & UNLEARNED or record.pending_ticks[label_kind] != 0:
        return False
    if not begins_example(lane.cadence_offset, number, rules.cadences[label_kind]):
        return False
    record.pending_ticks[label_kind] = number
    record.flags &= 0xFF & ~flag
    for i in range(BASIS):
        record.pending_bases[label_kind, i] = float16_bits(lane.basis[i])
    observe_money(lane, record.numbers, label_kind, rules)
    return True


@compiled
def label_time(record: Any, rules: Any, phase: int, label_kind: int) -> int:
    """When a pending example's label is due: at the end of its window, and of the lateness. 0: none is pending."""
    if record.pending_ticks[label_kind] == 0:
        return 0
    window = rules.horizon if label_kind == PENDING_CHURNED else rules.tick
    return int(tick_time(rules, phase, int(record.pending_ticks[label_kind])) + window + rules.lateness)


@compiled
def matured(record: Any, rules: Any, phase: int, now: int) -> int:
    """Which pending example's label is due now; if both, that of churn."""
    return PENDING_CHURNED if label_time(record, rules, phase, PENDING_CHURNED) == now else PENDING_RETURNED


@compiled
def own_due(record: Any, rules: Any, phase: int) -> float:
    """The earliest of the next tick, the crossing before it, and the ends of the pending examples' windows, as a timer
    position; `NEVER`: none of them is to come."""
    tick = int(record.times[TICK])
    crossing = 0 if record.flags & LEFT else int(record.seconds[CROSSING])
    due = NEVER
    if tick != 0:
        due = np.float64(tick * STAGES + _STAGE_SCORES)
    if crossing != 0:
        due = min(due, np.float64(crossing * SECOND * STAGES + _STAGE_SCORES))
    for label_kind in (PENDING_CHURNED, PENDING_RETURNED):
        label = label_time(record, rules, phase, label_kind)
        if label != 0:
            due = min(due, np.float64(label * STAGES + _STAGE_LABELS))
    return due


@compiled
def with_timer(own: float, record: Any, rules: Any, phase: int, now: int, timer: int) -> float:
    """The earlier of `own_due` and `timer` (what waits for the customer; ms, 0: nothing does), as a timer position;
    where neither is to come, when the record leaves the store."""
    due = own
    if timer != 0:
        due = min(due, np.float64(timer * STAGES + _STAGE_SCORES))
    if due == NEVER and rules.forget_after != 0:
        leaving = leaving_time(record, rules, phase, now)
        if leaving != 0:
            due = np.float64(leaving * STAGES + _STAGE_LEAVING)
    return due


@compiled
def next_due(record: Any, rules: Any, phase: int, now: int, timer: int) -> float:
    """When the customer is looked at next, as a timer position: `with_timer` of `own_due`."""
    return with_timer(own_due(record, rules, phase), record, rules, phase, now, timer)


@compiled
def leaving_time(record: Any, rules: Any, phase: int, now: int) -> int:
    """When a record that waits for nothing leaves the store: at the customer's own tick, after `now`. 0: never.

    An open case stays, since it keeps promotions away; an objection, too (there is no touchpoint then, or an erasure),
    and of an id that is another customer's, whose it is.
    """
    newest = int(record.times[NEWEST])
    kept = record.flags & _FOR_GOOD == _FOR_GOOD or record.flags & _MERGED == _MERGED
    if newest == 0 or record.open_cases != 0 or kept:
        return 0
    return int(next_tick(rules, phase, max(newest + rules.silence + rules.forget_after, now)))
