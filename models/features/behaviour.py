"""Behaviour: O(1) updates of a customer's record by one touchpoint, compiled.

Two kinds of quantities, kept apart on purpose:

 - what does not depend on order: decayed counts (they decay to the newer of two times), sums, firsts and lasts. Every
   touchpoint enters them, however late it comes;
 - what does: gaps between purchase days, the latest amounts, EWMAs. They follow the log's order. A purchase older than
   the last known one enters the counts and sums alone; so does a late review or a late word's sentiment.

A purchase day that becomes known out of order counts as a day of its own, since the record does not keep the days; its
baskets, when there are several, count once each.

Purchases are counted by day (UTC): baskets of one day are one purchase day, whose amounts are still growing until the
next purchase day begins and folds them into the averages.

`record` is one row of a block (`models.customer.SLAB`). What is read from float32 is widened before it is reckoned
with, so that every number is rounded exactly once, when it is stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from models.customer import (
    AMOUNT_EWMA,
    AMOUNT_SUM,
    BASKETS_EWMA,
    BOUGHT,
    DAY_AMOUNT,
    DAY_BASKETS,
    DAY_QUANTITY,
    FAMILY_DECAYS,
    FIRST_PURCHASE,
    GAP_EWMA,
    GAP_LOG_SQUARES,
    GAP_LOG_SUM,
    GAP_MAX,
    GAP_SUM,
    HALF_LIFE_FAMILY,
    HALF_LIVES_PURCHASE,
    LAST_PURCHASE,
    MOST_HEARD,
    NEWEST,
    PURCHASE_DAYS,
    PURCHASE_DECAYS,
    QUANTITY_EWMA,
    RATING_EWMA,
    RATINGS,
    RETURNED,
    SENTIMENT_EWMA,
    SENTIMENTS,
    SNAPSHOT,
    SPENT,
)
from models.maths import exp2, ln
from models.settings import DAY, SECOND
from models.touchpoints import Kind

LEAST_WEIGHT = 0.2
"""Weight of the newest value in every EWMA once there are five: older behaviour fades with a memory of about five."""

LAST_SECOND = 2**32 - 1
"""The largest that a record holds, in the year 2106."""

_PURCHASE, _RETURN, _REVIEW = int(Kind.PURCHASE), int(Kind.RETURN), int(Kind.REVIEW)
_FAMILY_BITS = 4  # a kind is 16 x family + place
_HALF_LIVES = np.array(HALF_LIVES_PURCHASE)


@compiled
def update(record: Any, kind: int, time: int, a: float, b: float, sentiment: float, horizon: int, late: bool) -> None:
    """Let one touchpoint change the record. `late`: it is older than the allowed lateness. Times and horizon in ms."""
    times, numbers = record.times, record.numbers
    last = int(times[LAST_PURCHASE])
    new_day = kind == _PURCHASE and (last == 0 or time // DAY > last // DAY)
    older_day = kind == _PURCHASE and not new_day and time // DAY < last // DAY
    _count(record, kind, time, new_day or older_day)
    if kind == _PURCHASE:
        numbers[SPENT] = np.float64(numbers[SPENT]) + a
        if times[SNAPSHOT] != 0.0 and times[SNAPSHOT] <= time < times[SNAPSHOT] + horizon:
            record.flags |= BOUGHT
        if new_day:
            _purchase_day(record, time, a, b)
        elif older_day:
            numbers[PURCHASE_DAYS] += 1.0
            numbers[AMOUNT_SUM] = np.float64(numbers[AMOUNT_SUM]) + ln(1.0 + a)
        else:
            numbers[DAY_AMOUNT] = np.float64(numbers[DAY_AMOUNT]) + a
            numbers[DAY_QUANTITY] = np.float64(numbers[DAY_QUANTITY]) + b
            numbers[DAY_BASKETS] += 1.0
            times[LAST_PURCHASE] = max(times[LAST_PURCHASE], np.float64(time))
        if times[FIRST_PURCHASE] == 0.0 or time < times[FIRST_PURCHASE]:
            times[FIRST_PURCHASE] = time
    elif kind == _RETURN:
        numbers[RETURNED] = np.float64(numbers[RETURNED]) + a
    if late:
        return
    if kind == _REVIEW:
        _hear(record, RATING_EWMA, RATINGS, a)
    if sentiment == sentiment:  # not nan
        _hear(record, SENTIMENT_EWMA, SENTIMENTS, sentiment)


@compiled
def _count(record: Any, kind: int, time: int, purchase_day: bool) -> None:
    """Decayed counts: all are kept as of the newest touchpoint, an older one enters already decayed."""
    times, numbers = record.times, record.numbers
    ahead = (time - times[NEWEST]) / DAY if times[NEWEST] != 0.0 else 0.0
    if ahead > 0.0:
        for i in range(_HALF_LIVES.shape[0]):
            at = PURCHASE_DECAYS + i
            numbers[at] = np.float64(numbers[at]) * exp2(-ahead / _HALF_LIVES[i])
        fade = exp2(-ahead / HALF_LIFE_FAMILY)
        for at in range(FAMILY_DECAYS, PURCHASE_DAYS):
            numbers[at] = np.float64(numbers[at]) * fade
    age = max(-ahead, 0.0)
    family = FAMILY_DECAYS + (kind >> _FAMILY_BITS)
    numbers[family] = np.float64(numbers[family]) + exp2(-age / HALF_LIFE_FAMILY)
    if purchase_day:
        for i in range(_HALF_LIVES.shape[0]):
            at = PURCHASE_DECAYS + i
            numbers[at] = np.float64(numbers[at]) + exp2(-age / _HALF_LIVES[i])
    times[NEWEST] = max(times[NEWEST], np.float64(time))
    second = min(time // SECOND, LAST_SECOND)
    if record.first == 0 or second < record.first:
        record.first = second


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
        numbers[GAP_SUM] = np.float64(numbers[GAP_SUM]) + gap
        numbers[GAP_MAX] = max(np.float64(numbers[GAP_MAX]), gap)
        logged = ln(1.0 + np.float64(numbers[DAY_AMOUNT]))
        _move(numbers, AMOUNT_EWMA, weight, logged)
        numbers[AMOUNT_SUM] = np.float64(numbers[AMOUNT_SUM]) + logged
        _move(numbers, QUANTITY_EWMA, weight, ln(1.0 + np.float64(numbers[DAY_QUANTITY])))
        _move(numbers, BASKETS_EWMA, weight, np.float64(numbers[DAY_BASKETS]))
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
def _hear(record: Any, average: int, counter: int, value: float) -> None:
    count = record.heard // counter % (MOST_HEARD + 1)
    if count < MOST_HEARD:
        count += 1
        record.heard += counter
    _move(record.numbers, average, max(LEAST_WEIGHT, 1.0 / count), value)
