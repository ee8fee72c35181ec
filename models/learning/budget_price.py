"""The price of a budget: what a unit of it must bring, so that it goes to whom it helps most and lasts the period.

Dual ascent (Balseiro and Gur 2019, "Learning in repeated auctions with budgets", Management Science 65): the price
rises while more is used than allowed, and falls to zero where less is. It moves once in a step of log time, whatever
the versions, and is subtracted from a score as any cost is.
"""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Any, Final

from models.churn.plain_data import number
from models.churn.snapshot import SnapshotRefused

UNPROVEN_RATE: Final = 0.02
"""Of the mean value at stake: how far the price of unproven contact moves where twice as much was used. In the
synthetic world it settles within a few weeks; half that rate makes no difference that could be measured."""
_MOST: Final = 1e6


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


def is_settled(used: float, allowed: float, draws: int) -> bool:
    """Whether a step's draws used no more than their allowance, but for a quarter of it and what a few draws do by
    chance.

    >>> is_settled(330.0, 300.0, 1_000), is_settled(900.0, 300.0, 1_000)
    (True, False)
    """
    return used <= 1.25 * allowed + 0.5 * sqrt(draws)


class UnprovenPrice:
    """What contact that is not proven must bring beside its cost, so that its mean chance over all draws is kept.

    A cap on every single draw would thin hope and despair alike: of contact that is expected to help, most would go to
    whom it helps least. A price gives the same amount of contact to whom it is expected to help most. It begins at zero
    and takes weeks to find its height: until what the draws would use keeps to the allowance by it (`settled`), every
    draw is held to that share, and what is reckoned with is what it would have used without.
    """

    def __init__(self, share: float) -> None:
        """share: the mean chance that unproven arms may have together."""
        if not 0.0 < share <= 1.0:
            raise ValueError(f"share is {share!r}; it must be above 0 and at most 1")
        self.share = share
        self.price = 0.0
        """As a share of the mean value at stake."""
        self.settled = False

    def step(self, used: float, draws: int) -> None:
        """After a step of log time, a week, say. used: the sum of the chances that unproven arms would have had
        in its draws. draws: those in which one was open."""
        if draws:
            self.settled = is_settled(used, self.share * draws, draws)
            self.price = stepped(self.price, used, self.share * draws, UNPROVEN_RATE)

    def state(self) -> dict[str, Any]:
        return {"price": self.price, "settled": self.settled}

    def restore(self, state: Any) -> None:
        """Raises SnapshotRefused, changing nothing."""
        if not isinstance(state, dict) or type(settled := state.get("settled")) is not bool:
            raise SnapshotRefused(f"{state!r:.100} is no price")
        self.price, self.settled = number(state, "price", 0.0, _MOST), settled
