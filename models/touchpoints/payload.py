"""Base of every event type's `data`: the numbers that the engine reads from it.

`numbers()` gives (a, b, sentiment). Where the table shows nothing, a and b are 0.0 and the sentiment is NaN:

====================================== ========================= ===================== ==============================
kind                                   a                         b                     sentiment
====================================== ========================= ===================== ==============================
purchase, return                       amount                    quantity
cart_abandoned                         amount
subscription_*, payment_*              amount, or 0
visit                                  seconds, or 0
presence                               1 online, 0 offline
chat                                   number of participants                          as given
call                                   seconds, or 0             1 inbound, 0 outbound as given
email_received, reply_sent, mention                                                    as given
review                                 rating, 1 to 5                                  as given, else (rating - 3) / 2
recommendation                         likelihood, or 0          1 if likelihood given
community_help                         1 given, 0 received
case_opened, complaint                 severity, 0 to 3
case_updated                           severity, or 0            1 if severity given
csat                                   score, 1 to 5                                   (score - 3) / 2
nps                                    score, 0 to 10                                  (score - 5) / 5
consent_changed                        1 marketing granted
reward_redeemed                        points
coupon_redeemed                        amount, or 0
====================================== ========================= ===================== ==============================

Severity counts low 0, normal 1, high 2, critical 3. Sentiment runs from -1 to 1. Amounts are in the currency of the
shop's books; `currency` is kept for the reader, nothing is converted.

An optional field may be left out or null. Additional fields are tolerated, and ignored.
"""

from __future__ import annotations

from math import nan
from typing import Final

from msgspec import Struct

from models.touchpoints.fields import Severity

Numbers = tuple[float, float, float]

NOTHING: Final[Numbers] = (0.0, 0.0, nan)
SEVERITY: Final[dict[Severity, float]] = {"low": 0.0, "normal": 1.0, "high": 2.0, "critical": 3.0}


class Payload(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The data of a touchpoint."""

    def numbers(self) -> Numbers:
        """Return (a, b, sentiment) as the table above says."""
        return NOTHING


def or_nan(value: float | None) -> float:
    """A number that was not given is NaN, never 0: a neutral sentiment is an opinion too."""
    return nan if value is None else value
