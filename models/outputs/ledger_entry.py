"""What is booked in a customer's account of points, as the decisions topic has it."""

from __future__ import annotations

import msgspec


class LedgerEntry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What was booked in a customer's account of points; the account is the sum of its entries. Times are ms.

    change: ``earned``, ``activated`` (pending points are active now), ``spent``, ``given_back`` (a reward was
    cancelled), ``taken_back`` (money was refunded), ``expired``, ``adjusted`` (by a person), ``merged`` (two lots have
    become one), ``closed`` (the customer was erased), ``moved_away`` and ``moved_here`` (two ids are one customer: at
    the id that is so no more, and at theirs), or ``refused`` (nothing was booked; `why` says why). lots: by expiry, how
    many active points more or less. held: likewise of pending points, with the time at which they become active before
    the expiry. owed: how much more or less is owed. asked: points that a refused spend or a return asked for. why: of
    what is refused, or comes before its time. balance, pending: after it; the balance is that of the lots less what is
    owed. rule: of the policy, by which it was earned. cause: id of the touchpoint; empty: a timer.
    """

    change: str
    lots: tuple[tuple[int, int], ...] = ()
    held: tuple[tuple[int, int, int], ...] = ()
    owed: int = 0
    asked: int = 0
    balance: int = 0
    pending: int = 0
    why: str = ""
    rule: str = ""
    cause: str = ""

    @property
    def points(self) -> int:
        """How many points it is about: how many more or less there are, or were to be, or have become active. Below
        zero where a person took some, or the account was closed while it owed some."""
        lots, held = sum(points for _, points in self.lots), sum(points for *_, points in self.held)
        net = lots + held - self.owed
        match self.change:
            case "adjusted" | "moved_here":
                return net
            case "closed" | "moved_away":
                return -net
            case "taken_back":
                return abs(net)
            case _:
                return abs(net) or self.asked or abs(held) or max((n for _, n in self.lots), default=0)

    @property
    def forgiven(self) -> int:
        """Of a return: points that were spent, and are neither taken nor owed."""
        return self.asked - self.points if self.change == "taken_back" else 0

    @property
    def words(self) -> str:
        """As half a sentence."""
        by = f" by {self.rule}" if self.rule else ""
        held = ", pending" if self.change == "earned" and self.held else ""
        held += f", {self.forgiven:,} forgiven" if self.forgiven else ""
        why = f": {self.why.replace('_', ' ')}" if self.why else ""
        pending = f", {self.pending:,} pending" if self.pending else ""
        return (
            f"{self.points:,} points {self.change.replace('_', ' ')}{by}{held}{why}; balance {self.balance:,}{pending}"
        )
