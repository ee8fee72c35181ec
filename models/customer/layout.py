"""Binary layout of a customer record: the fields of its fixed-width header, and their indices."""

from __future__ import annotations

from typing import Final

import numpy as np

VERSION: Final = 5
PREVIOUS: Final = 4
"""The version that the release before this one reads (`models.customer.versions`)."""
IDS: Final = 8
HALF_LIVES_PURCHASE: Final = (14.0, 28.0, 56.0, 112.0, 224.0)
BASIS: Final = 28
# -- times, ms since the epoch, 0 = never
NEWEST, LAST_PURCHASE, TICK, EPISODE, DUE = range(5)
TIMES: Final = 5
# -- seconds since the epoch, 0 = never
FIRST_TOUCH, FIRST_PURCHASE, OLDEST_CASE, CROSSING = range(4)
SECONDS: Final = 4
CANCELLED: Final = CROSSING
"""Whose contract has ended (`LEFT`) has no crossing to wait for: there stands when they cancelled."""
# -- pending examples: whether the customer churns within the horizon, and whether they return within a tick
PENDING_CHURNED, PENDING_RETURNED = range(2)
PENDING_EXAMPLES: Final = 2
# -- decayed counts of touchpoints
COMPLAINTS, PAYMENT_FAILURES, UNSUBSCRIBES, VISITS, OPENS, PRESENCE, RETURNS, CAMPAIGNS = range(8)
HALF_LIVES_TOUCH: Final = (56.0, 56.0, 112.0, 14.0, 28.0, 14.0, 56.0, 28.0)
"""Days: how long a touchpoint of each counted kind is of use for a forecast."""
# -- numbers
PURCHASE_DECAYS: Final = 0  # one per purchase half-life, as of NEWEST
TOUCH_DECAYS: Final = PURCHASE_DECAYS + len(HALF_LIVES_PURCHASE)  # one per counted kind of touchpoint, likewise
_AFTER: Final = TOUCH_DECAYS + len(HALF_LIVES_TOUCH)
(
    PURCHASE_DAYS,  # n
    GAP_LOG_SUM,
    GAP_LOG_SQUARES,
    GAP_MAX,
    GAP_EWMA,  # of log gap
    DAY_AMOUNT,  # the latest purchase day, so far
    DAY_QUANTITY,
    DAY_BASKETS,
    AMOUNT_EWMA,  # of log1p(amount of a purchase day), days before the latest
    AMOUNT_SUM,  # the same, summed
    QUANTITY_EWMA,
    BASKETS_EWMA,
    SPENT,
    RETURNED,
    RATING_EWMA,
    SENTIMENT_EWMA,
    RISK,  # last probability of churn
    PENDING_RISK,
) = range(_AFTER, _AFTER + 18)
NUMBERS: Final = _AFTER + 18
SLAB: Final = np.dtype(
    [
        ("version", "u1"),
        ("ring", "u1"),
        ("band", "u1"),
        ("flags", "u1"),
        ("check", "<u4"),
        ("times", "<f8", TIMES),
        ("ids", "<u8", IDS),
        ("numbers", "<f4", NUMBERS),
        ("seconds", "<u4", SECONDS),
        (
            "pending_ticks",
            "<u4",
            PENDING_EXAMPLES,
        ),  # the tick at which each pending example began (models.customer.schedule), 0: none is pending
        ("pending_bases", "<u2", (PENDING_EXAMPLES, BASIS)),  # their bases, float16
        ("feedback", "u1"),  # ratings and sentiments averaged: `RATINGS` and `SENTIMENTS`, each up to `MOST_FEEDBACK`
        ("open_cases", "u1"),
        ("tail_length", "<u2"),
    ]
)
if SLAB.itemsize % 8:
    raise ImportError(f"the slab's size is {SLAB.itemsize}; it must be a multiple of 8")
# -- flags
NO_CONSENT: Final = 1  # wants no marketing at all; of who was erased: has refused some
ERASED: Final = 2
REARMED: Final = 4  # the open episode's trigger expired unsent
STAYED: Final = 8  # activity fell into the horizon after the pending example of churn
BACK: Final = 16  # the same, within the tick after the pending example of return
LEFT: Final = 32  # cancelled, and has given no sign of staying since
UNLEARNED: Final = 64  # restricted, or objects to profiling: nothing is learned from them
UNSCORED: Final = 128  # objects to profiling, or asked for restriction: no estimate is made or kept
# -- how much feedback was averaged
RATINGS: Final = 0x01
SENTIMENTS: Final = 0x10
MOST_FEEDBACK: Final = 15
"""Averages weigh a new value by one fifth at least, so a count is of no use beyond five."""
MOST_BYTES: Final = 32_279
"""Largest stored value. The tail's length, two bytes in the slab, must have room for it."""
