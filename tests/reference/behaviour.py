"""Behaviour, plainly: what `models.features.behaviour` compiles, on one open record.

Two kinds of quantities, kept apart on purpose:

 - what does not depend on order: decayed counts (they decay to the newer of two times), sums, firsts and lasts. Every
   touchpoint enters them, however late it comes;
 - what does: gaps between purchase days, the latest amounts, EWMAs. They follow the log's order. A purchase older than
   the last known one enters the counts and sums alone; so does a late review or a late word's sentiment.

A purchase day that becomes known out of order counts as a day of its own, since the record does not keep the days; its
baskets, when there are several, count once each.

Purchases are counted by day (UTC): baskets of one day are one purchase day, whose amounts are still growing until the
next purchase day begins and folds them into the averages.
"""

from __future__ import annotations

from math import isnan

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
    Record,
)
from models.maths import exp2, ln
from models.settings import DAY, SECOND
from models.touchpoints import FAMILY, Family, Kind, Touch

LEAST_WEIGHT = 0.2
"""Weight of the newest value in every EWMA once there are five: older behaviour fades with a memory of about five."""

LAST_SECOND = 2**32 - 1
_PURCHASE, _RETURN, _REVIEW = int(Kind.PURCHASE), int(Kind.RETURN), int(Kind.REVIEW)


def update(record: Record, touch: Touch, horizon: int, late: bool) -> None:
    """Let one touchpoint change the record. `late`: it is older than the allowed lateness. horizon in ms."""
    kind, time = touch.kind, touch.time
    times, numbers = record.times, record.numbers
    new_day = kind == _PURCHASE and (not times[LAST_PURCHASE] or time // DAY > times[LAST_PURCHASE] // DAY)
    _count(record, kind, time, new_day)
    if kind == _PURCHASE:
        numbers[SPENT] += touch.a
        if times[SNAPSHOT] and times[SNAPSHOT] <= time < times[SNAPSHOT] + horizon:
            record.flags |= BOUGHT
        if new_day:
            _purchase_day(record, touch, time)
        elif time // DAY == times[LAST_PURCHASE] // DAY:
            numbers[DAY_AMOUNT] += touch.a
            numbers[DAY_QUANTITY] += touch.b
            numbers[DAY_BASKETS] += 1.0
            times[LAST_PURCHASE] = max(times[LAST_PURCHASE], time)
        else:
            numbers[PURCHASE_DAYS] += 1.0
            numbers[AMOUNT_SUM] += ln(1.0 + touch.a)
        times[FIRST_PURCHASE] = min(times[FIRST_PURCHASE] or time, time)
    elif kind == _RETURN:
        numbers[RETURNED] += touch.a
    if late:
        return
    if kind == _REVIEW:
        _ewma(record, RATING_EWMA, RATINGS, touch.a)
    if not isnan(touch.sentiment):
        _ewma(record, SENTIMENT_EWMA, SENTIMENTS, touch.sentiment)


def _count(record: Record, kind: int, time: int, new_day: bool) -> None:
    """Decayed counts: all are kept as of the newest touchpoint, an older one enters already decayed."""
    times, numbers = record.times, record.numbers
    ahead = (time - times[NEWEST]) / DAY if times[NEWEST] else 0.0
    if ahead > 0.0:
        for i, half_life in enumerate(HALF_LIVES_PURCHASE):
            numbers[PURCHASE_DECAYS + i] *= exp2(-ahead / half_life)
        for family in Family:
            numbers[FAMILY_DECAYS + family] *= exp2(-ahead / HALF_LIFE_FAMILY)
    age = max(-ahead, 0.0)
    numbers[FAMILY_DECAYS + FAMILY[Kind(kind)]] += exp2(-age / HALF_LIFE_FAMILY)
    if new_day or (kind == _PURCHASE and time // DAY < times[LAST_PURCHASE] // DAY):
        for i, half_life in enumerate(HALF_LIVES_PURCHASE):
            numbers[PURCHASE_DECAYS + i] += exp2(-age / half_life)
    times[NEWEST] = max(times[NEWEST], time)
    second = min(time // SECOND, LAST_SECOND)
    record.first = min(record.first or second, second)


def _purchase_day(record: Record, touch: Touch, time: int) -> None:
    """A new purchase day begins: its gap enters the gap statistics, the day before is folded into the averages."""
    times, numbers = record.times, record.numbers
    n = numbers[PURCHASE_DAYS]
    if n:
        gap = float(time // DAY - times[LAST_PURCHASE] // DAY)
        x = ln(gap)
        gaps = 1.0 / n
        numbers[GAP_EWMA] += max(LEAST_WEIGHT, gaps) * (x - numbers[GAP_EWMA])
        numbers[GAP_LOG_SUM] += x
        numbers[GAP_LOG_SQUARES] += x * x
        numbers[GAP_SUM] += gap
        numbers[GAP_MAX] = max(numbers[GAP_MAX], gap)
        amount = ln(1.0 + numbers[DAY_AMOUNT])
        weight = max(LEAST_WEIGHT, 1.0 / n)
        numbers[AMOUNT_EWMA] += weight * (amount - numbers[AMOUNT_EWMA])
        numbers[AMOUNT_SUM] += amount
        numbers[QUANTITY_EWMA] += weight * (ln(1.0 + numbers[DAY_QUANTITY]) - numbers[QUANTITY_EWMA])
        numbers[BASKETS_EWMA] += weight * (numbers[DAY_BASKETS] - numbers[BASKETS_EWMA])
    numbers[PURCHASE_DAYS] = n + 1.0
    numbers[DAY_AMOUNT] = touch.a
    numbers[DAY_QUANTITY] = touch.b
    numbers[DAY_BASKETS] = 1.0
    times[LAST_PURCHASE] = time


def _ewma(record: Record, average: int, counter: int, value: float) -> None:
    numbers = record.numbers
    count = record.heard // counter % (MOST_HEARD + 1)
    if count < MOST_HEARD:
        record.heard += counter
        count += 1
    numbers[average] += max(LEAST_WEIGHT, 1.0 / count) * (value - numbers[average])
