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

from models.churn.definition import SIGNS
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
from models.customer.record import Record
from models.numerics.maths import exp2, ln
from models.settings import DAY, SECOND, EngineSettings
from models.touchpoints import Kind, Touch
from tests.reference.calendar import tick_time

LEAST_WEIGHT = 0.2
"""Weight of the newest value in every EWMA once there are five: older behaviour fades with a memory of about five."""

LAST_SECOND = 2**32 - 1
COUNTED = {
    "complaint": COMPLAINTS,
    "payment_failed": PAYMENT_FAILURES,
    "message_unsubscribed": UNSUBSCRIBES,
    "visit": VISITS,
    "search": VISITS,
    "content_viewed": VISITS,
    "message_opened": OPENS,
    "message_clicked": OPENS,
    "presence": PRESENCE,
    "return": RETURNS,
    "campaign_received": CAMPAIGNS,
    "offer_delivered": CAMPAIGNS,
}
"""What a touchpoint counts as; of presence, only coming online."""


def update(record: Record, touch: Touch, settings: EngineSettings, customer_hash: int, late: bool) -> None:
    """Let one touchpoint change the record. `late`: it is older than the allowed lateness."""
    kind, time = Kind(touch.kind), touch.time
    times, numbers = record.times, record.numbers
    alive = kind in SIGNS[settings.alive]
    new_day = alive and (not times[LAST_PURCHASE] or time // DAY > times[LAST_PURCHASE] // DAY)
    older_day = alive and not new_day and time // DAY < times[LAST_PURCHASE] // DAY
    _count(record, touch, new_day or older_day)
    amount, quantity = (touch.a, touch.b) if kind == Kind.PURCHASE else (0.0, 0.0)
    if kind == Kind.PURCHASE:
        numbers[SPENT] += touch.a
    if alive:
        after = time >= record.seconds[CANCELLED] * SECOND
        if record.flags & LEFT and after:
            record.flags &= ~LEFT
            record.seconds[CANCELLED] = 0
        for sort, flag, window in (
            (PENDING_CHURNED, STAYED, settings.horizon),
            (PENDING_RETURNED, BACK, settings.tick),
        ):
            taken = tick_time(settings, customer_hash, record.pending_ticks[sort])
            if record.pending_ticks[sort] and taken <= time < taken + window and not record.flags & LEFT:
                record.flags |= flag
        if new_day:
            _purchase_day(record, amount, quantity, time)
        elif older_day:
            numbers[PURCHASE_DAYS] += 1.0
            numbers[AMOUNT_SUM] += ln(1.0 + amount)
        else:
            numbers[DAY_AMOUNT] += amount
            numbers[DAY_QUANTITY] += quantity
            numbers[DAY_BASKETS] += 1.0
            times[LAST_PURCHASE] = max(times[LAST_PURCHASE], time)
        _earliest(record, FIRST_PURCHASE, time)
    if kind == Kind.RETURN:
        numbers[RETURNED] += touch.a
    if late:
        return
    if kind == Kind.REVIEW:
        _ewma(record, RATING_EWMA, RATINGS, touch.a)
    if not isnan(touch.sentiment):
        _ewma(record, SENTIMENT_EWMA, SENTIMENTS, touch.sentiment)


def oldest_case(record: Record) -> int:
    """When the case that has been open longest was opened, in whole seconds, 0 without one."""
    return max(min(record.tail.cases.values()) // SECOND, 1) if record.tail.cases else 0


def _earliest(record: Record, which: int, time: int) -> None:
    second = min(max(time // SECOND, 1), LAST_SECOND)
    record.seconds[which] = min(record.seconds[which] or second, second)


def _count(record: Record, touch: Touch, new_day: bool) -> None:
    """Decayed counts: all are kept as of the newest touchpoint, an older one enters already decayed."""
    times, numbers, time = record.times, record.numbers, touch.time
    ahead = (time - times[NEWEST]) / DAY if times[NEWEST] else 0.0
    if ahead > 0.0:
        for i, half_life in enumerate(HALF_LIVES_PURCHASE):
            numbers[PURCHASE_DECAYS + i] *= exp2(-ahead / half_life)
        for sort, half_life in enumerate(HALF_LIVES_TOUCH):
            numbers[TOUCH_DECAYS + sort] *= exp2(-ahead / half_life)
    age = max(-ahead, 0.0)
    sort = COUNTED.get(Kind(touch.kind).type, -1)
    if sort >= 0 and (touch.kind != Kind.PRESENCE or touch.a):
        numbers[TOUCH_DECAYS + sort] += exp2(-age / HALF_LIVES_TOUCH[sort])
    if new_day:
        for i, half_life in enumerate(HALF_LIVES_PURCHASE):
            numbers[PURCHASE_DECAYS + i] += exp2(-age / half_life)
    times[NEWEST] = max(times[NEWEST], time)
    _earliest(record, FIRST_TOUCH, time)


def _purchase_day(record: Record, amount: float, quantity: float, time: int) -> None:
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
        numbers[GAP_MAX] = max(numbers[GAP_MAX], gap)
        logged = ln(1.0 + numbers[DAY_AMOUNT])
        weight = max(LEAST_WEIGHT, 1.0 / n)
        numbers[AMOUNT_EWMA] += weight * (logged - numbers[AMOUNT_EWMA])
        numbers[AMOUNT_SUM] += logged
        numbers[QUANTITY_EWMA] += weight * (ln(1.0 + numbers[DAY_QUANTITY]) - numbers[QUANTITY_EWMA])
        numbers[BASKETS_EWMA] += weight * (ln(numbers[DAY_BASKETS]) - numbers[BASKETS_EWMA])
    numbers[PURCHASE_DAYS] = n + 1.0
    numbers[DAY_AMOUNT] = amount
    numbers[DAY_QUANTITY] = quantity
    numbers[DAY_BASKETS] = 1.0
    times[LAST_PURCHASE] = time


def _ewma(record: Record, average: int, counter: int, value: float) -> None:
    numbers = record.numbers
    count = record.feedback // counter % (MOST_FEEDBACK + 1)
    if count < MOST_FEEDBACK:
        record.feedback += counter
        count += 1
    numbers[average] += max(LEAST_WEIGHT, 1.0 / count) * (value - numbers[average])
