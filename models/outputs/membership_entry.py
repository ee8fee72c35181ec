"""What changed in a customer's membership of the loyalty programme, as the decisions topic has it."""

from __future__ import annotations

from typing import Final

import msgspec

HUNDREDTHS: Final = "spent"
"""What counts in hundredths of money; all else is whole."""


def told(amount: int, counts: str) -> str:
    """An amount as people write it.

    >>> told(123456, "spent"), told(1200, "points"), told(1, "purchases")
    ('1,234.56 spent', '1,200 points', '1 purchase')
    """
    if counts == HUNDREDTHS:
        return f"{amount / 100:,.2f} spent"
    return f"{amount:,} {counts if amount != 1 else counts.removesuffix('s')}"


class MembershipEntry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What changed in a customer's membership; it is the sum of its entries. Times are ms.

    change: ``counted`` (something qualifies), ``taken_back`` (goods came back), ``lapsed`` (what qualified is older
    than the window), ``merged`` (two stretches have become one), ``reached`` (a higher level), ``grace`` (what counts
    is too little for the level), ``kept`` (it is enough again), ``lowered`` (by one level), ``renamed`` (the policy has
    no such level any more), ``moved_away`` and ``moved_here`` (two ids are one customer: at the id that is so no more,
    and at theirs) or ``closed``. lots: by when it lapses, how much more or less counts. counts: what does: ``points``,
    ``spent`` (hundredths of money) or ``purchases``. counted: all that counts, after it. level: after it; empty: none.
    before: the level before, where it changed. until: the level is lost then; 0: nothing is known to end it. cause: id
    of the touchpoint; empty: the time.
    """

    change: str
    counts: str
    lots: tuple[tuple[int, int], ...] = ()
    counted: int = 0
    level: str = ""
    before: str = ""
    until: int = 0
    cause: str = ""

    @property
    def amount(self) -> int:
        """How much more or less counts, without its sign; of what was merged, how much that is."""
        net = abs(sum(amount for _, amount in self.lots))
        return net or max((amount for _, amount in self.lots), default=0)

    @property
    def words(self) -> str:
        """As half a sentence."""
        level = f"membership level {self.level}" if self.level else "no membership level"
        match self.change:
            case "reached":
                return f"{level} reached"
            case "lowered" | "renamed":
                was = f"membership level {self.before}"
                return f"{was} {'lowered to' if self.change == 'lowered' else 'is now'} {self.level or 'none'}"
            case "grace" | "kept":
                return f"{level}: {self.change}, {told(self.counted, self.counts)} count"
            case "closed":
                return "membership closed"
        counted = f"{told(self.counted, self.counts)} count"
        return f"{told(self.amount, self.counts)} {self.change.replace('_', ' ')}; {counted}, {level}"
