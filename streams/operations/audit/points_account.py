"""An account of points as its entries have made it, and what the auditor remembers beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from models.outputs.ledger_entry import LedgerEntry
from streams.operations.audit.records import SECOND

NEVER: Final = (2**32 - 1) * SECOND
"""The expiry of points that have none."""


@dataclass(slots=True)
class Earned:
    """What was earned and is pending, or can be taken back. order: its id; empty: none. touch: source and id, as a
    number. points: neither taken back nor known to have expired."""

    order: str
    touch: int
    active_at: int
    until: int
    expires: int
    points: int
    cents: int


@dataclass(slots=True)
class Drawn:
    """A reward that can be cancelled. lots: what it gives back then."""

    reward: str
    until: int
    lots: dict[int, int]


@dataclass(slots=True)
class Account:
    """As its entries have made it: points by expiry, pending ones by when they become active and expire.

    risen: when it rose, from what to what. blurred: part of what was earned or spent is not in the log. unknown: nor
    are all entries.
    """

    lots: Counter[int] = field(default_factory=Counter)
    held: Counter[tuple[int, int]] = field(default_factory=Counter)
    owed: int = 0
    earned: list[Earned] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    risen: list[tuple[int, int, int]] = field(default_factory=list)
    blurred: bool = False
    unknown: bool = False

    @property
    def balance(self) -> int:
        return self.lots.total() - self.owed

    @property
    def in_order(self) -> list[tuple[int, int]]:
        """Lots that are not empty, the first to expire first."""
        return sorted((expires, points) for expires, points in self.lots.items() if points)

    @property
    def next_expiry(self) -> int:
        """ms; 0: nothing expires."""
        lots = [expires for expires, _ in self.in_order if expires < (2**32 - 1) * SECOND]
        return lots[0] if lots else 0

    @property
    def pending(self) -> int:
        return self.held.total()

    @property
    def expiring(self) -> int:
        """Points that expire next."""
        return self.lots[self.next_expiry] if self.next_expiry else 0

    def forget_all(self) -> None:
        """The customer is erased: nothing can be undone."""
        self.earned.clear()
        self.drawn.clear()

    @property
    def at_most(self) -> int:
        """What it comes to when all is undone that can be."""
        undone = sum(one.points for one in self.earned if one.cents)
        drawn = sum(sum(one.lots.values()) for one in self.drawn)
        return self.lots.total() + self.held.total() + self.owed + undone + drawn

    def rises(self, balance: int) -> list[int]:
        """When it has come to a balance from below, ms."""
        return [time for time, before, after in self.risen if before < balance <= after]

    def forget(self, now: int) -> None:
        """What can be undone no more."""
        self.earned = [one for one in self.earned if one.active_at or one.until > now]
        self.drawn = [one for one in self.drawn if one.until > now]

    def lapses(self, lot: int, points: int) -> None:
        """Points of a lot have expired: the newest that were earned into it, nobody can take back."""
        for one in reversed(self.earned):
            if one.expires == lot and not one.active_at:
                gone = min(points, one.points)
                one.points -= gone
                points -= gone

    def forgives(self, points: int) -> None:
        """Spent points are forgiven: the newest rewards give so many less back."""
        for one in reversed(self.drawn):
            for lot in sorted(one.lots):
                gone = min(points, one.lots[lot])
                one.lots[lot] -= gone
                points -= gone

    def merges(self, former: int, lot: int) -> None:
        """A lot has become a part of another."""
        for earned in self.earned:
            if earned.expires == former and not earned.active_at:
                earned.expires = lot
        for one in self.drawn:
            if former in one.lots:
                one.lots[lot] = one.lots.get(lot, 0) + one.lots.pop(former)

    def becomes_active(self, parts: dict[int, int], now: int) -> tuple[dict[int, int], int]:
        """Where points go, the first to expire first: what is owed before the lots, but for what has expired. Returns
        the lots, and how much of the debt."""
        paid, lots = 0, dict[int, int]()
        for lot in sorted(parts):
            less = min(self.owed - paid, parts[lot]) if lot > now else 0
            paid += less
            lots |= {lot: parts[lot] - less} if parts[lot] > less else {}
        return lots, paid

    def post(self, entry: LedgerEntry) -> None:
        for expires, points in entry.lots:
            self.lots[expires] += points
        for active_at, expires, points in entry.held:
            self.held[active_at, expires] += points
        self.owed += entry.owed

    def overdue(self, now: int, after: int) -> Iterator[tuple[int, int]]:
        """What has come to its time, at the latest `after` (ms) before now: when, and how many points."""
        yield from ((active_at, n) for (active_at, _), n in self.held.items() if n and active_at + after <= now)
        yield from ((expires, n) for expires, n in self.in_order if expires + after <= now)
