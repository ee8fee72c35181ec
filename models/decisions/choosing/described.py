"""What a draw knows of a customer: fourteen bounded numbers of about unit size, from the record alone.

From the record and not from what a risk was estimated from: a moment may be answered at a step that estimates nothing,
and a draw must be the same wherever a batch ends.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from models.customer.layout import (
    AMOUNT_EWMA,
    CAMPAIGNS,
    COMPLAINTS,
    DAY_AMOUNT,
    GAP_EWMA,
    HALF_LIVES_TOUCH,
    LAST_PURCHASE,
    NEWEST,
    OPENS,
    PAYMENT_FAILURES,
    PURCHASE_DAYS,
    RETURNED,
    RISK,
    SPENT,
    TOUCH_DECAYS,
    VISITS,
)
from models.decisions.person import Person
from models.decisions.standing import Standing
from models.numerics.maths import exp, exp2, ln
from models.settings import DAY

DESCRIBED: Final = (
    "one",
    "risk",  # 0 at .65, one unit is .15
    "silence",  # since the last purchase, against the customer's own rhythm: logarithm of the ratio
    "known",  # how long: 0 after a year, logarithmic
    "purchases",  # purchase days: 0 at four and a half, logarithmic
    "tier",  # of value: 1 the highest, 0 the lowest, or not known
    "basket",  # the latest purchase day against the days before it: logarithm of the ratio
    "returned",  # share of the spend
    "trouble",  # a bad experience of late, or an open case: 1; else complaints, fading
    "unpaid",  # failed payments, fading
    "visits",  # fading, logarithmic
    "opens",  # messages, the same
    "contacted",  # campaigns received, the same
    "answers",  # has answered a message of ours: 1
)
"""The names, in their order. A change of them is another learner (`models.learning.choices.choice_schema`)."""
SIZE: Final = len(DESCRIBED)
_MOST: Final = 2.0
_USUAL_RISK: Final = 0.65
_USUAL_PURCHASES: Final = 1.5
"""Logarithm of them."""


class Counted(Struct, frozen=True, gc=False):
    """A record's numbers and times (ms), by `models.customer.layout`. tier: of value, 1 the highest, 0 not known."""

    numbers: Any
    times: Any
    tier: int = 0


def described(person: Person, standing: Standing, counted: Counted, tiers: int, now: int) -> tuple[float, ...]:
    """The numbers of a customer as of now, log time in ms, by `DESCRIBED`. tiers: how many the policy has."""
    numbers, times = counted.numbers, counted.times
    days, spent = float(numbers[PURCHASE_DAYS]), float(numbers[SPENT])
    since = max(now - int(times[LAST_PURCHASE]), 0) / DAY if times[LAST_PURCHASE] else 0.0
    known = max(now - person.first_touch, 0) / (365.0 * DAY) if person.first_touch else 0.0
    again = days >= 2.0
    faded = max(now - int(times[NEWEST]), 0) / DAY

    def touched(kind: int) -> float:
        count = float(numbers[TOUCH_DECAYS + kind])
        return count * exp2(-faded / HALF_LIVES_TOUCH[kind]) if count > 0.0 else 0.0

    trouble = standing.harmed_until > now or bool(person.tail.cases) or person.tail.more_cases > 0
    return (
        1.0,
        _cut((float(numbers[RISK]) - _USUAL_RISK) / 0.15),
        _cut(ln((since + 1.0) / (exp(float(numbers[GAP_EWMA])) + 1.0))) if again else 0.0,
        _cut(ln((1.0 + known) / 2.0)),
        _cut(ln(max(days, 1.0)) - _USUAL_PURCHASES),
        _share(1.0 - (counted.tier - 1) / (tiers - 1)) if counted.tier and tiers > 1 else 0.0,
        _cut(ln(1.0 + max(float(numbers[DAY_AMOUNT]), 0.0)) - float(numbers[AMOUNT_EWMA])) if again else 0.0,
        _share(float(numbers[RETURNED]) / spent) if spent > 0.0 else 0.0,
        1.0 if trouble else _share(touched(COMPLAINTS)),
        _share(touched(PAYMENT_FAILURES)),
        _cut(ln(1.0 + touched(VISITS))),
        _cut(ln(1.0 + touched(OPENS))),
        _cut(ln(1.0 + touched(CAMPAIGNS))),
        1.0 if standing.answers else 0.0,
    )


def _share(value: float) -> float:
    """Between zero and one; of what is no number 0."""
    return min(max(value, 0.0), 1.0) if value == value else 0.0


def _cut(value: float) -> float:
    """Between minus two and two; of what is no number 0."""
    return min(max(value, -_MOST), _MOST) if value == value else 0.0
