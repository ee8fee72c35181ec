"""The expert's kernel: touchpoints into customers' records, 44 features, one logistic score, hysteresis.

The Java application beside this has the same arithmetic, and `python -m benchmarks.rivals` holds the two to the same
triggers. All that is compiled stands in this one file: numba keeps compiled code by its file's date, and would miss a
change in another file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.rivals.expert_loop.arguments import Batch, Floats, Model, Opened
from benchmarks.rivals.job import RECORD_BYTES
from models.touchpoints.kinds import Kind

F = TypeVar("F", bound=Callable[..., Any])
Numbers = NDArray[np.float32]


def compiled(function: F) -> F:
    """Compile with what an expert allows the compiler to do with floating-point numbers: nobody compares bits here."""
    reordered = {"contract", "nsz", "arcp", "reassoc"}
    return cast(F, njit(cache=True, nogil=True, boundscheck=False, error_model="numpy", fastmath=reordered)(function))


# -- the record
NEWEST, LAST_PURCHASE, EPISODE = range(3)  # times, ms; 0: never
FIRST_TOUCH, FIRST_PURCHASE, OLDEST_CASE = range(3)  # seconds; 0: never
PURCHASES, TOUCHES = 0, 5  # numbers: decayed counts of purchase days (five) and of touchpoints (eight), as of NEWEST
DAYS, GAP_LOG_SUM, GAP_LOG_SQUARES, GAP_MAX, GAP_EWMA, DAY_AMOUNT, DAY_QUANTITY, DAY_BASKETS = range(13, 21)
AMOUNT_EWMA, AMOUNT_SUM, QUANTITY_EWMA, BASKETS_EWMA, SPENT, RETURNED, RATING, SENTIMENT, RISK = range(21, 30)
NUMBERS = 30
IDS = 8

_FIELDS: list[Any] = [
    ("ring", "u1"),
    ("open", "u1"),  # an episode
    ("heard", "u1"),  # ratings in the lower four bits, sentiments in the upper ones
    ("cases", "u1"),
    ("unused", "<u4"),
    ("times", "<f8", 3),
    ("ids", "<u8", IDS),
    ("numbers", "<f4", NUMBERS),
    ("seconds", "<u4", 3),
]
RECORD: Final = np.dtype([*_FIELDS, ("rest", "u1", RECORD_BYTES - np.dtype(_FIELDS).itemsize)])

# -- constants
DAY_MS, SECOND_MS = 86_400_000, 1_000
LATE_MS = 3_600_000
HORIZON_DAYS = 28.0
SCORED_MS = 2 * 28 * DAY_MS
"""Silent for longer, a customer is not scored."""
LONGEST_HALF_LIFE = 224.0
"""Days; the five decays are of 14, 28, 56, 112 and 224 days, each the square of the next."""
LEAST_WEIGHT = 0.2
MOST_HEARD = 15
MOST_CASES = 100
PURCHASE, RETURN, REVIEW = int(Kind.PURCHASE), int(Kind.RETURN), int(Kind.REVIEW)
CASE_OPENED, CASE_RESOLVED, PRESENCE = int(Kind.CASE_OPENED), int(Kind.CASE_RESOLVED), int(Kind.PRESENCE)

_COUNTED: Final[tuple[tuple[Kind, ...], ...]] = (
    (Kind.COMPLAINT,),
    (Kind.PAYMENT_FAILED,),
    (Kind.MESSAGE_UNSUBSCRIBED,),
    (Kind.VISIT, Kind.SEARCH, Kind.CONTENT_VIEWED),
    (Kind.MESSAGE_OPENED, Kind.MESSAGE_CLICKED),
    (Kind.PRESENCE,),
    (Kind.RETURN,),
    (Kind.CAMPAIGN_RECEIVED, Kind.OFFER_DELIVERED),
)
COUNT_OF = np.full(256, -1, np.int64)
"""Which of the eight counts a kind moves; -1: none."""
for _count, _kinds in enumerate(_COUNTED):
    COUNT_OF[list(_kinds)] = _count
DECAY_OF = np.array([2, 2, 3, 0, 1, 0, 2, 1])
"""Which of the five decays each of the eight counts has."""
FEATURE_OF = np.array([35, 37, 38, 39, 40, 41, 42, 43])
"""Where each of the eight counts is among the features."""

RECENCY_KNOTS = np.log(np.array([7.0, 14.0, 28.0, 56.0]) / 7.0 + 0.5)
FREQUENCY_KNOTS = np.log(np.array([2.0, 4.0, 8.0]))
OVERDUE_KNOTS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0])
LN2, LN_HORIZON = math.log(2.0), math.log(HORIZON_DAYS)
FEATURES = 44


@compiled
def decays(days: float, left: Floats) -> None:
    """What is left of a count after some days, by half-life."""
    kept = 1.0 if days == 0.0 else math.exp(-LN2 * days / LONGEST_HALF_LIFE)
    for i in range(4, -1, -1):
        left[i] = kept
        kept *= kept


@compiled
def move(n: Numbers, at: int, weight: float, value: float) -> None:
    before = np.float64(n[at])
    n[at] = before + weight * (value - before)


@compiled
def upper_tail(z: float) -> float:
    """Of the standard normal distribution."""
    return 0.5 * math.erfc(z * 0.7071067811865476)


@compiled
def earliest(seconds: Any, at: int, time: int) -> None:
    second = max(time // SECOND_MS, 1)
    if seconds[at] == 0 or second < seconds[at]:
        seconds[at] = second


@compiled
def features(record: Any, n: Numbers, now: int, left: Floats, means: Floats, x: Floats) -> None:
    """Fill in x, shape (44,): by its order the names are those of `job.WEIGHTS`."""
    today = now / DAY_MS
    recency = max(today - np.int64(record.times[LAST_PURCHASE]) // DAY_MS, 0.5)
    tenure = max(today - np.int64(record.seconds[FIRST_PURCHASE]) // (DAY_MS // SECOND_MS), 0.0)
    days = max(np.float64(n[DAYS]), 1.0)
    gaps = days - 1.0
    x[0] = 1.0
    weeks = math.log(recency / 7.0 + 0.5)
    frequency = math.log(days)
    x[1] = weeks
    x[2] = frequency
    for i in range(4):
        x[3 + i] = max(weeks - RECENCY_KNOTS[i], 0.0)
    for i in range(3):
        x[7 + i] = max(frequency - FREQUENCY_KNOTS[i], 0.0)
    decays(max(now - record.times[NEWEST], 0.0) / DAY_MS, left)
    for i in range(5):
        x[10 + i] = math.log(n[PURCHASES + i] * left[i] + 0.05)
    owned = max(tenure - recency, 0.0)
    overdue = weeks - math.log((owned + HORIZON_DAYS) / (7.0 * days))
    x[15] = overdue
    for i in range(7):
        x[16 + i] = max(overdue - OVERDUE_KNOTS[i], 0.0)
    # How likely the next purchase falls into the coming week, by the customer's own gaps.
    ln_recency = math.log(recency)
    x[23] = ln_recency - math.log(max(np.float64(n[GAP_MAX]), 1.0)) if days > 1.0 else 0.0
    known = min(gaps, 5.0)
    median = (n[GAP_EWMA] * known + LN_HORIZON) / (known + 1.0)
    mean = (n[GAP_LOG_SUM] + 2.0 * LN_HORIZON) / (gaps + 2.0)
    squares = n[GAP_LOG_SQUARES] + 2.0 * (LN_HORIZON * LN_HORIZON + 0.8)
    spread = math.sqrt(max(squares / (gaps + 2.0) - mean * mean, 0.05))
    z = (ln_recency - median) / spread
    in_a_week = (math.log(recency + 7.0) - median) / spread
    ends = 1.0 - upper_tail(in_a_week) / upper_tail(z) if z < 5.0 else 0.0001
    ends = min(max(ends, 1e-4), 0.9999)
    delay = min(max(z, -4.0), 4.0)
    x[24] = math.log(ends / (1.0 - ends))
    x[25] = delay
    x[26] = max(delay, 0.0)
    # What they buy: the latest day's purchase is not yet part of the averages.
    weight = max(LEAST_WEIGHT, 1.0 / days)
    amount = math.log(1.0 + np.float64(n[DAY_AMOUNT]))
    lately = n[AMOUNT_EWMA] + weight * (amount - n[AMOUNT_EWMA])
    quantity = n[QUANTITY_EWMA] + weight * (math.log(1.0 + np.float64(n[DAY_QUANTITY])) - n[QUANTITY_EWMA])
    baskets = n[BASKETS_EWMA] + weight * (math.log(np.float64(n[DAY_BASKETS])) - n[BASKETS_EWMA])
    x[27] = amount - lately
    x[28] = lately - means[0]
    x[29] = (n[AMOUNT_SUM] + amount) / days - means[0]
    x[30] = quantity - means[1]
    x[31] = baskets - means[2]
    x[32] = amount - means[0] if days <= 1.0 else 0.0
    cases = record.cases
    oldest = max(today - np.int64(record.seconds[OLDEST_CASE]) / (DAY_MS / SECOND_MS), 0.0)
    x[33] = math.log(1.0 + cases) if cases > 0 else 0.0
    x[34] = math.log(1.0 + oldest / 7.0) if cases > 0 else 0.0
    x[36] = n[SENTIMENT]
    for i in range(8):
        count = np.float64(n[TOUCHES + i])
        x[FEATURE_OF[i]] = math.log(1.0 + count * left[DECAY_OF[i]]) if count > 0.0 else 0.0


@compiled
def probability(x: Floats, weights: Floats) -> float:
    total = 0.0
    for i in range(FEATURES):
        total += weights[i] * x[i]
    return 1.0 / (1.0 + math.exp(-min(max(total, -30.0), 30.0)))


@compiled
def count(n: Numbers, newest: float, time: int, sort: int, bought: bool, left: Floats) -> None:
    """Decay all counts to this touchpoint's time, and count it (sort: which count, -1 for none)."""
    ahead = (time - newest) / DAY_MS if newest != 0.0 else 0.0
    if ahead > 0.0:
        decays(ahead, left)
        for i in range(5):
            n[PURCHASES + i] = np.float64(n[PURCHASES + i]) * left[i]
        for i in range(8):
            n[TOUCHES + i] = np.float64(n[TOUCHES + i]) * left[DECAY_OF[i]]
    if sort >= 0 or bought:
        if ahead < 0.0:
            decays(-ahead, left)
        else:
            left[:] = 1.0
        if sort >= 0:
            n[TOUCHES + sort] = np.float64(n[TOUCHES + sort]) + left[DECAY_OF[sort]]
        if bought:
            for i in range(5):
                n[PURCHASES + i] = np.float64(n[PURCHASES + i]) + left[i]


@compiled
def close_day(n: Numbers, gap: int) -> None:
    """A new day of purchases, `gap` days after the one before: that one goes into the averages."""
    weight = max(LEAST_WEIGHT, 1.0 / np.float64(n[DAYS]))
    ln_gap = math.log(np.float64(gap))
    move(n, GAP_EWMA, weight, ln_gap)
    n[GAP_LOG_SUM] = np.float64(n[GAP_LOG_SUM]) + ln_gap
    n[GAP_LOG_SQUARES] = np.float64(n[GAP_LOG_SQUARES]) + ln_gap * ln_gap
    n[GAP_MAX] = max(np.float64(n[GAP_MAX]), np.float64(gap))
    amount = math.log(1.0 + np.float64(n[DAY_AMOUNT]))
    move(n, AMOUNT_EWMA, weight, amount)
    n[AMOUNT_SUM] = np.float64(n[AMOUNT_SUM]) + amount
    move(n, QUANTITY_EWMA, weight, math.log(1.0 + np.float64(n[DAY_QUANTITY])))
    move(n, BASKETS_EWMA, weight, math.log(np.float64(n[DAY_BASKETS])))


@compiled
def buy(record: Any, n: Numbers, time: int, amount: float, quantity: float, days_ahead: int) -> None:
    """A purchase; days_ahead: of the latest purchase day so far, which a first purchase is by any number."""
    n[SPENT] = np.float64(n[SPENT]) + amount
    if days_ahead > 0:
        if n[DAYS] > 0.0:
            close_day(n, days_ahead)
        n[DAYS] += 1.0
        n[DAY_AMOUNT] = amount
        n[DAY_QUANTITY] = quantity
        n[DAY_BASKETS] = 1.0
        record.times[LAST_PURCHASE] = time
    elif days_ahead < 0:
        n[DAYS] += 1.0
        n[AMOUNT_SUM] = np.float64(n[AMOUNT_SUM]) + math.log(1.0 + amount)
    else:
        n[DAY_AMOUNT] = np.float64(n[DAY_AMOUNT]) + amount
        n[DAY_QUANTITY] = np.float64(n[DAY_QUANTITY]) + quantity
        n[DAY_BASKETS] += 1.0
        record.times[LAST_PURCHASE] = max(record.times[LAST_PURCHASE], np.float64(time))
    earliest(record.seconds, FIRST_PURCHASE, time)


@compiled
def hear(record: Any, n: Numbers, at: int, shift: int, value: float) -> None:
    """An opinion into its average; shift: where the record counts how many there were."""
    heard = (record.heard >> shift) & MOST_HEARD
    if heard < MOST_HEARD:
        heard += 1
        record.heard += 1 << shift
    move(n, at, max(LEAST_WEIGHT, 1.0 / heard), value)


@compiled
def cases(record: Any, kind: int, time: int) -> None:
    if kind == CASE_OPENED:
        if record.cases < MOST_CASES:
            record.cases += 1
        if record.seconds[OLDEST_CASE] == 0:
            record.seconds[OLDEST_CASE] = time // SECOND_MS
    elif kind == CASE_RESOLVED and record.cases > 0:
        record.cases -= 1
        if record.cases == 0:
            record.seconds[OLDEST_CASE] = 0


@compiled
def seen(record: Any, hashed: int) -> bool:
    """Whether this touchpoint was one of the last eight; it is from now on."""
    for i in range(IDS):
        if record.ids[i] == hashed:
            return True
    record.ids[record.ring] = hashed
    record.ring = (record.ring + 1) & (IDS - 1)
    return False


@compiled
def apply(records: Any, batch: Batch, model: Model, opened: Opened) -> tuple[int, int]:
    """All touchpoints in order into their records. Returns how many triggers `opened` holds; how many duplicates."""
    left, x, n = np.ones(5), np.zeros(FEATURES), np.zeros(NUMBERS, np.float32)
    triggers = duplicates = 0
    for event in range(batch.rows.shape[0]):
        if batch.rows[event] < 0:
            continue
        record = records[batch.rows[event]]
        if seen(record, batch.hashes[event]):
            duplicates += 1
            continue
        n[:] = record.numbers
        kind, time, now, a = batch.kinds[event], batch.times[event], batch.nows[event], batch.a[event]
        alive, late = kind == PURCHASE, time < now - LATE_MS
        last = np.int64(record.times[LAST_PURCHASE])
        days_ahead = time // DAY_MS - last // DAY_MS
        sort = -1 if kind == PRESENCE and a <= 0.0 else COUNT_OF[kind]
        count(n, record.times[NEWEST], time, sort, alive and days_ahead != 0, left)
        record.times[NEWEST] = max(record.times[NEWEST], np.float64(time))
        earliest(record.seconds, FIRST_TOUCH, time)
        if alive:
            buy(record, n, time, a, batch.b[event], days_ahead)
        elif kind == RETURN:
            n[RETURNED] = np.float64(n[RETURNED]) + a
        else:
            cases(record, kind, time)
        if not late:
            if kind == REVIEW:
                hear(record, n, RATING, 0, a)
            if not math.isnan(batch.sentiments[event]):
                hear(record, n, SENTIMENT, 4, batch.sentiments[event])
        if n[DAYS] > 0.0 and now - np.int64(record.times[LAST_PURCHASE]) <= SCORED_MS:
            features(record, n, now, left, model.means, x)
            risk = probability(x, model.weights)
            n[RISK] = risk
            if record.open:
                if risk < model.leave:
                    record.open = 0
                    record.times[EPISODE] = 0.0
            elif risk >= model.enter and not late and not alive:
                record.open = 1
                record.times[EPISODE] = now
                opened.at[triggers] = event
                opened.probabilities[triggers] = risk
                triggers += 1
        record.numbers[:] = n
    return triggers, duplicates
