"""The price of a budget: what a unit of it must bring, so that it goes to whom it helps most and lasts the period.

Dual ascent (Balseiro and Gur 2019, "Learning in repeated auctions with budgets", Management Science 65): the price
rises while more is used than allowed, and falls to zero where less is. It moves once in a step of log time, whatever
the versions, and is subtracted from a score as any cost is.
"""

from __future__ import annotations

from math import isfinite


def stepped(price: float, used: float, allowed: float, rate: float) -> float:
    """The price of the next step, money a unit; never below zero.

    used: units expected of the last step's draws, the sum of chance times units; what fell is the same with noise.
    allowed: units of a step. rate: how far the price moves where twice the allowance was used, money.

    >>> stepped(1.0, used=150, allowed=100, rate=2.0), stepped(1.0, used=0, allowed=100, rate=2.0)
    (2.0, 0.0)
    """
    if not (allowed > 0.0 and rate > 0.0 and used >= 0.0 and isfinite(used)):
        raise ValueError(f"used is {used!r}, allowed {allowed!r}, rate {rate!r}: the last two must be above 0")
    return max(price + rate * (used - allowed) / allowed, 0.0)
