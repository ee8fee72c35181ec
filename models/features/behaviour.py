"""Incremental aggregates: constant-time updates of a customer's behaviour by one touchpoint, compiled.

Two kinds of quantities, kept apart on purpose:

 - what does not depend on order: decayed counts (they decay to the newer of two times), sums, firsts and lasts. Every
   touchpoint enters them, however late it comes;
 - what does: gaps between purchase days, the latest amounts, EWMAs. They follow the log's order. A purchase older than
   the last known one enters the counts and sums alone; so does a late review or a late word's sentiment.

A purchase day that becomes known out of order counts as a day of its own, since the record does not keep the days; its
baskets, when there are several, count once each.

Purchases are counted by day (UTC): baskets of one day are one purchase day, whose amounts are still growing until the
next purchase day begins and folds them into the averages. Where another touchpoint is what counts as staying
(`models.churn.definition.SIGNS`), it takes the purchase's place here, and money enters with purchases as before.

`record` is one row of a block (`models.customer.layout.SLAB`). What is read from float32 is widened before it is
reckoned with, so that every number is rounded exactly once, when it is stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.customer.layout import (
    AMOUNT_EWMA,
    AMOUNT_SUM,
    BACK,
    BASKETS_EWMA,
    CAMPAIGNS,
    CANCELLED,
    COMPLAINTS,
    DAY_AMOUNT,
    DAY_BASKETS,
    DAY_QUANTITY,
    FIRST_PURCHASE,
    FIRST_TOUCH,
    GAP_EWMA,
    GAP_LOG_SQUARES,
    GAP_LOG_SUM,
    GAP_MAX,
    HALF_LIVES_PURCHASE,
    HALF_LIVES_TOUCH,
    LAST_PURCHASE,
    LEFT,
    MOST_FEEDBACK,
    NEWEST,
    OPENS,
    PAYMENT_FAILURES,
    PENDING_CHURNED,
    PENDING_RETURNED,
    PRESENCE,
    PURCHASE_DAYS,
    PURCHASE_DECAYS,
    QUANTITY_EWMA,
    RATING_EWMA,
    RATINGS,
    RETURNED,
    RETURNS,
    SENTIMENT_EWMA,
    SENTIMENTS,
    SPENT,
    STAYED,
    TOUCH_DECAYS,
    UNSUBSCRIBES,
    VISITS,
)
from models.customer.schedule import tick_time
from models.numerics.compiled import compiled
from models.numerics.maths import exp2, ln
from models.settings import DAY, SECOND
from models.touchpoints import Kind

LEAST_WEIGHT = 0.2
"""Weight of the newest value in every EWMA once there are five: older behaviour fades with a memory of about five."""

LAST_SECOND = 2**32 - 1
"""The largest that a record holds, in the year 2106."""

_PURCHASE, _RETURN, _REVIEW, _PRESENCE = map(int, (Kind.PURCHASE, Kind.RETURN, Kind.REVIEW, Kind.PRESENCE))
_HALF_LIVES = np.array(HALF_LIVES_PURCHASE)
_TOUCH_HALF_LIVES = np.array(HALF_LIVES_TOUCH)

COUNTED_KINDS = {
    Kind.COMPLAINT: COMPLAINTS,
    Kind.PAYMENT_FAILED: PAYMENT_FAILURES,
    Kind.MESSAGE_UNSUBSCRIBED: UNSUBSCRIBES,
    Kind.VISIT: VISITS,
    Kind.SEARCH: VISITS,
    Kind.CONTENT_VIEWED: VISITS,
    Kind.MESSAGE_OPENED: OPENS,
    Kind.MESSAGE_CLICKED: OPENS,
    Kind.PRESENCE: PRESENCE,
    Kind.RETURN: RETURNS,
    Kind.CAMPAIGN_RECEIVED: CAMPAIGNS,
    Kind.OFFER_DELIVERED: CAMPAIGNS,
}
"""The count that a touchpoint enters. Of presence, only coming online counts."""

_COUNTED_KIND_OF = np.full(256, -1)
for _kind, _counted in COUNTED_KINDS.items():
    _COUNTED_KIND_OF[_kind] = _counted


@compiled
def update(
    record: Any,
    kind: int,
    time: int,
    a: float,
    b: float,
    sentiment: float,
    late: bool,
    alive: bool,
    phase: int,
    rules: Any,
) -> None:
    """Let one touchpoint change the record.

    Args:
        record: a row of dtype SLAB.
        kind: the touchpoint's `Kind`.
        time: when it happened, ms.
        a, b: the kind's numbers (`models.touchpoints.payload`).
        sentiment: -1 to 1, NaN when not known.
        late: it is older than the allowed lateness.
        alive: it is a sign of staying.
        phase: the customer's own within the tick, ms.
        rules: dtype `models.engine.compiled_rules.RULES`.
    """
    times, numbers = record.times, record.numbers
    last = int(times[LAST_PURCHASE])
    new_day = alive and (last == 0 or time // DAY > last // DAY)
    older_day = alive and not new_day and time // DAY < last // DAY
    _count(record, kind, time, a, new_day or older_day)
    amount, quantity = 0.0, 0.0
    if kind == _PURCHASE:
        amount, quantity = a, b
        numbers[SPENT] = np.float64(numbers[SPENT]) + a
    if alive:
        _answer(record, time, phase, rules)
        if new_day:
            _purchase_day(record, time, amount, quantity)
        elif older_day:
            numbers[PURCHASE_DAYS] += 1.0
            numbers[AMOUNT_SUM] = np.float64(numbers[AMOUNT_SUM]) + ln(1.0 + amount)
        else:
            numbers[DAY_AMOUNT] = np.float64(numbers[DAY_AMOUNT]) + amount
            numbers[DAY_QUANTITY] = np.float64(numbers[DAY_QUANTITY]) + quantity
            numbers[DAY_BASKETS] += 1.0
            times[LAST_PURCHASE] = max(times[LAST_PURCHASE], np.float64(time))
        _earliest(record.seconds, FIRST_PURCHASE, time)
    if kind == _RETURN:
        numbers[RETURNED] = np.float64(numbers[RETURNED]) + a
    if late:
        return
    if kind == _REVIEW:
        _average(record, RATING_EWMA, RATINGS, a)
    if sentiment == sentiment:  # not nan
        _average(record, SENTIMENT_EWMA, SENTIMENTS, sentiment)


@compiled
def _answer(record: Any, time: int, phase: int, rules: Any) -> None:
    """Activity at `time` answers the pending examples into whose window it falls. One from before the
    cancellation, which becomes known late, answers nothing."""
    if record.flags & LEFT:
        if time < np.int64(record.seconds[CANCELLED]) * SECOND:
            return
        record.flags &= 0xFF & ~LEFT
        record.seconds[CANCELLED] = 0
    observed_at = tick_time(rules, phase, int(record.pending_ticks[PENDING_CHURNED]))
    if record.pending_ticks[PENDING_CHURNED] != 0 and observed_at <= time < observed_at + rules.horizon:
        record.flags |= STAYED
    observed_at = tick_time(rules, phase, int(record.pending_ticks[PENDING_RETURNED]))
    if record.pending_ticks[PENDING_RETURNED] != 0 and observed_at <= time < observed_at + rules.tick:
        record.flags |= BACK


@compiled
def _earliest(seconds: Any, at: int, time: int) -> None:
    """Keep the earlier of a time (ms) and what is stored, which holds no time before the epoch's first second."""
    second = min(max(time // SECOND, 1), LAST_SECOND)
    if seconds[at] == 0 or second < seconds[at]:
        seconds[at] = second


@compiled
def _count(record: Any, kind: int, time: int, a: float, purchase_day: bool) -> None:
    """Decayed counts: all are kept as of the newest touchpoint, an older one enters already decayed."""
    times, numbers = record.times, record.numbers
    ahead = (time - times[NEWEST]) / DAY if times[NEWEST] != 0.0 else 0.0
    if ahead > 0.0:
        for i in range(_HALF_LIVES.shape[0]):
            at = PURCHASE_DECAYS + i
            numbers[at] = np.float64(numbers[at]) * exp2(-ahead / _HALF_LIVES[i])
        for i in range(_TOUCH_HALF_LIVES.shape[0]):
            at = TOUCH_DECAYS + i
            if numbers[at] != 0.0:
                numbers[at] = np.float64(numbers[at]) * exp2(-ahead / _TOUCH_HALF_LIVES[i])
    age = max(-ahead, 0.0)
    counted = _COUNTED_KIND_OF[kind]
    if counted >= 0 and (kind != _PRESENCE or a > 0.0):
        at = TOUCH_DECAYS + counted
        numbers[at] = np.float64(numbers[at]) + exp2(-age / _TOUCH_HALF_LIVES[counted])
    if purchase_day:
        for i in range(_HALF_LIVES.shape[0]):
            at = PURCHASE_DECAYS + i
            numbers[at] = np.float64(numbers[at]) + exp2(-age / _HALF_LIVES[i])
    times[NEWEST] = max(times[NEWEST], np.float64(time))
    _earliest(record.seconds, FIRST_TOUCH, time)


@compiled
def _purchase_day(record: Any, time: int, amount: float, quantity: float) -> None:
    """A new purchase day begins: its gap enters the gap statistics, the day before is folded into the averages."""
    times, numbers = record.times, record.numbers
    n = np.float64(numbers[PURCHASE_DAYS])
    if n > 0.0:
        gap = np.float64(time // DAY - int(times[LAST_PURCHASE]) // DAY)
        x = ln(gap)
        weight = max(LEAST_WEIGHT, 1.0 / n)
        _move(numbers, GAP_EWMA, weight, x)
        numbers[GAP_LOG_SUM] = np.float64(numbers[GAP_LOG_SUM]) + x
        numbers[GAP_LOG_SQUARES] = np.float64(numbers[GAP_LOG_SQUARES]) + x * x
        numbers[GAP_MAX] = max(np.float64(numbers[GAP_MAX]), gap)
        logged = ln(1.0 + np.float64(numbers[DAY_AMOUNT]))
        _move(numbers, AMOUNT_EWMA, weight, logged)
        numbers[AMOUNT_SUM] = np.float64(numbers[AMOUNT_SUM]) + logged
        _move(numbers, QUANTITY_EWMA, weight, ln(1.0 + np.float64(numbers[DAY_QUANTITY])))
        _move(numbers, BASKETS_EWMA, weight, ln(np.float64(numbers[DAY_BASKETS])))
    numbers[PURCHASE_DAYS] = n + 1.0
    numbers[DAY_AMOUNT] = amount
    numbers[DAY_QUANTITY] = quantity
    numbers[DAY_BASKETS] = 1.0
    times[LAST_PURCHASE] = time


@compiled
def _move(numbers: Any, at: int, weight: float, value: float) -> None:
    before = np.float64(numbers[at])
    numbers[at] = before + weight * (value - before)


@compiled
def _average(record: Any, average: int, counter: int, value: float) -> None:
    count = record.feedback // counter % (MOST_FEEDBACK + 1)
    if count < MOST_FEEDBACK:
        count += 1
        record.feedback += counter
    _move(record.numbers, average, max(LEAST_WEIGHT, 1.0 / count), value)
