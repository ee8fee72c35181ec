"""A customer's account of points: lots by their expiry, what was earned of late, what was spent of late, what is owed.

A point is pending, active, spent, expired or taken back, and one of these at a time. Active points lie in lots: those
that expire together are one. All numbers are whole; times are log time in ms, whole seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from models.customer.moments import LAST
from models.settings import SECOND

MAX_LOTS: Final = 16
"""Lots of active points: beyond, the two that expire closest to each other become one, at the later expiry."""
MAX_EARNED: Final = 32
"""What was earned of late: beyond, the first that is active is forgotten, and where all are pending the first becomes
active before its time."""
MAX_SPENT: Final = 8
"""Rewards that can be cancelled: beyond, the first can be no more."""
MAX_PARTS: Final = 32
"""Lots that all of these have drawn from, likewise."""
MOST_POINTS: Final = 2**31 - 1
"""Points that an account comes to, whatever is undone in it (`Account.at_most`)."""
NEVER_EXPIRES: Final = LAST * SECOND
"""The expiry of points that have none, and the timer of an account that waits for nothing: the last second that a
record knows, in 2106. So no account leaves the store by silence."""


class Earned(NamedTuple):
    """What a touchpoint has earned by one rule, as long as it is pending, or a return takes it back.

    order: number of the order, or of the touchpoint (`models.loyalty.stored.number_of`). active_at: until then its
    points are pending; 0: they are active. until: a return takes them back before. expires: of their lot. points: that
    are neither taken back nor known to have expired. cents: money, hundredths, that is not refunded; 0: no return takes
    it back. touch: number of the touchpoint, 32 bits: an order may have several.
    """

    order: int
    active_at: int
    until: int
    expires: int
    points: int
    cents: int
    touch: int = 0


class Drawn(NamedTuple):
    """A reward that was redeemed and can be cancelled. reward: its number. until: can be cancelled before. parts: the
    expiry of each lot that it was drawn from, and how many points."""

    reward: int
    until: int
    parts: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Account:
    """lots: active points by expiry. owed: what a return has taken beyond the active points; then there are none."""

    lots: dict[int, int] = field(default_factory=dict)
    earned: list[Earned] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    owed: int = 0

    @property
    def active(self) -> int:
        return sum(self.lots.values())

    @property
    def balance(self) -> int:
        """Active points, less what is owed."""
        return self.active - self.owed

    @property
    def pending(self) -> int:
        return sum(one.points for one in self.earned if one.active_at)

    @property
    def at_most(self) -> int:
        """What it may come to when returns and cancelled rewards undo all that they can. Only what is earned or given
        makes it more."""
        undone = sum(one.points for one in self.earned if one.cents)
        drawn = sum(points for one in self.drawn for _, points in one.parts)
        return self.active + self.pending + self.owed + undone + drawn

    @property
    def next_expiry(self) -> int:
        """Of active points, ms; 0: there are none, or they never expire."""
        first = min(self.lots, default=0)
        return 0 if first == NEVER_EXPIRES else first

    def next_timer(self, spread: int = 0) -> int:
        """When something in it comes to its time, ms; 0: the account is empty. spread: an expiry, which many customers
        may share, is looked at so much later (ms, whole seconds)."""
        times = [min(expires + spread, NEVER_EXPIRES) for expires in self.lots]
        times += [one.active_at or one.until for one in self.earned]
        times += [one.until for one in self.drawn]
        return min(times, default=NEVER_EXPIRES if self.owed else 0)
