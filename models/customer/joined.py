"""Two records of one customer become one: the fixed-width part.

What was counted is added; what is an average is weighed by what it is of; what is the latest is the later one's. What
the two ids were learned from while they were two (pending examples) stays with the customer's own.
"""

from __future__ import annotations

from typing import Final

from models.customer.bands import Band
from models.customer.layout import (
    AMOUNT_EWMA,
    AMOUNT_SUM,
    BASKETS_EWMA,
    CANCELLED,
    CROSSING,
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
    OLDEST_CASE,
    PENDING_RISK,
    PURCHASE_DAYS,
    PURCHASE_DECAYS,
    QUANTITY_EWMA,
    RATING_EWMA,
    RATINGS,
    RETURNED,
    RISK,
    SENTIMENT_EWMA,
    SENTIMENTS,
    SPENT,
    TICK,
    TOUCH_DECAYS,
)
from models.customer.record import Record
from models.numerics.maths import exp2, ln
from models.settings import DAY, SECOND

MEMORY: Final = 5.0
"""Averages of purchase days remember about so many."""
DECAYING: Final = (
    *((PURCHASE_DECAYS + at, half_life) for at, half_life in enumerate(HALF_LIVES_PURCHASE)),
    *((TOUCH_DECAYS + at, half_life) for at, half_life in enumerate(HALF_LIVES_TOUCH)),
)
"""Numbers that decay, and their half-lives in days."""
ADDED: Final = (PURCHASE_DAYS, GAP_LOG_SUM, GAP_LOG_SQUARES, AMOUNT_SUM, SPENT, RETURNED)
OF_DAYS: Final = (GAP_EWMA, AMOUNT_EWMA, QUANTITY_EWMA, BASKETS_EWMA)
"""Averages over purchase days."""
OF_THE_LAST_DAY: Final = (DAY_AMOUNT, DAY_QUANTITY, DAY_BASKETS)
OF_FEEDBACK: Final = ((RATING_EWMA, RATINGS), (SENTIMENT_EWMA, SENTIMENTS))
OWN: Final = (RISK, PENDING_RISK)
"""Numbers that stay the customer's own."""


def join_numbers(own: Record, other: Record, tick: int) -> None:
    """Let a customer's record have what the fixed-width part of another one says of them, too. Its timer is the
    caller's to set, and the flags that follow from the tail. tick: the customer's next, where only the other one has
    any; ms."""
    _purchase_days(own, other)
    _counts(own, other)
    _feedback(own, other)
    _left(own, other)
    for at in (FIRST_TOUCH, FIRST_PURCHASE):
        known = [one.seconds[at] for one in (own, other) if one.seconds[at]]
        own.seconds[at] = min(known, default=0)
    if not own.times[TICK] and other.times[TICK] and not own.flags & LEFT:
        own.times[TICK], own.band = tick, Band.SAFE  # until it is estimated
    elif not own.times[TICK]:
        lapsed = Band.LAPSED in (own.band, other.band) or own.numbers[PURCHASE_DAYS] > 0.0
        own.band = Band.LAPSED if lapsed else Band.PROSPECT
    if not own.numbers[RISK]:
        own.numbers[RISK] = other.numbers[RISK]


def _counts(own: Record, other: Record) -> None:
    """Decayed counts are as of the newest touchpoint."""
    newest = max(own.times[NEWEST], other.times[NEWEST])
    faded = [_faded(one, newest) for one in (own, other)]
    for (at, _), mine, theirs in zip(DECAYING, *faded, strict=True):
        own.numbers[at] = mine + theirs
    own.times[NEWEST] = newest


def _faded(record: Record, newest: float) -> list[float]:
    days = (newest - record.times[NEWEST]) / DAY
    return [float(record.numbers[at] * exp2(-days / half_life)) for at, half_life in DECAYING]


def _purchase_days(own: Record, other: Record) -> None:
    """Purchase days are added; between the two last ones lies a gap that neither record knows, unless they are one."""
    days = own.numbers[PURCHASE_DAYS], other.numbers[PURCHASE_DAYS]
    if not days[1]:
        for at in ADDED[1:]:
            own.numbers[at] += other.numbers[at]
        return
    older, newer = (own, other) if own.times[LAST_PURCHASE] <= other.times[LAST_PURCHASE] else (other, own)
    gap = int(newer.times[LAST_PURCHASE]) // DAY - int(older.times[LAST_PURCHASE]) // DAY if days[0] else 0
    weights = [min(one.numbers[PURCHASE_DAYS], MEMORY) for one in (own, other)]
    joined = dict[int, float]()
    for at in OF_DAYS:
        shares = zip(weights, (own, other), strict=True)
        joined[at] = sum(weight * one.numbers[at] for weight, one in shares) / sum(weights)
    for at in ADDED:
        joined[at] = own.numbers[at] + other.numbers[at]
    joined[GAP_MAX] = max(own.numbers[GAP_MAX], other.numbers[GAP_MAX])
    for at in OF_THE_LAST_DAY:
        joined[at] = newer.numbers[at]
    if days[0] and gap:
        logged = float(ln(float(gap)))
        joined[GAP_LOG_SUM] += logged
        joined[GAP_LOG_SQUARES] += logged * logged
        joined[GAP_MAX] = max(joined[GAP_MAX], float(gap))
        joined[AMOUNT_SUM] += float(ln(1.0 + older.numbers[DAY_AMOUNT]))
    elif days[0]:
        joined[PURCHASE_DAYS] -= 1.0
        for at in OF_THE_LAST_DAY:
            joined[at] = own.numbers[at] + other.numbers[at]
    for at, number in joined.items():
        own.numbers[at] = number
    own.times[LAST_PURCHASE] = newer.times[LAST_PURCHASE]


def _feedback(own: Record, other: Record) -> None:
    """Averages of feedback, each by how much is in it."""
    counts = []
    for at, unit in OF_FEEDBACK:
        mine, theirs = ((one.ratings if unit == RATINGS else one.sentiments) for one in (own, other))
        if mine + theirs:
            own.numbers[at] = (mine * own.numbers[at] + theirs * other.numbers[at]) / (mine + theirs)
        counts.append(min(mine + theirs, MOST_FEEDBACK) * unit)
    own.feedback = sum(counts)


def _left(own: Record, other: Record) -> None:
    """Who has cancelled under one id, and was there since under the other, has not left."""
    cancelled = max(one.seconds[CANCELLED] if one.flags & LEFT else 0 for one in (own, other))
    stays = not cancelled or own.times[LAST_PURCHASE] // SECOND > cancelled
    if own.flags & LEFT and stays:
        own.flags &= 0xFF & ~LEFT
        own.seconds[CANCELLED] = 0
    elif other.flags & LEFT and not stays and not own.times[TICK]:
        own.flags |= LEFT
        own.seconds[CANCELLED] = cancelled


IN_SECONDS: Final = (FIRST_TOUCH, FIRST_PURCHASE, OLDEST_CASE, CROSSING)
"""All of them: of the first two the earlier, the third by the cases, the last is the own tick's."""
