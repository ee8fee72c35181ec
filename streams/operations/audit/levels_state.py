"""A membership as its entries have made it, and what a policy's table [membership] asks of it. From docs/loyalty.md."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from models.outputs.membership_entry import MembershipEntry
from streams.operations.audit.policies import Policy, Table, span
from streams.operations.audit.records import DAY, SECOND
from streams.operations.audit.wall_time import zone

STRETCHES: Final = 14
LAST: Final = (2**32 - 1) * SECOND
UNDONE_BY: Final = {
    "reached": ("lowered", "renamed", "closed"),
    "grace": ("kept", "reached", "lowered", "renamed", "closed"),
    "lowered": ("reached", "renamed", "closed"),
}
"""By what a moment of sort `membership` asks at, what makes it untrue."""


@dataclass(slots=True)
class Levels:
    """lots: what counts, by when it lapses. until: the level is lost then; 0: it is not about to be. policy: in force
    when it was last looked at. contract: of the customer; None: not known. came: when something was said to have come
    to its time last, and that time. changed: what changed when. blurred: part of what counts is not in the log.
    unknown: nor are all entries.
    """

    contract: Any
    policy: Policy | None = None
    counts: str = ""
    lots: Counter[int] = field(default_factory=Counter)
    level: str = ""
    until: int = 0
    came: tuple[int, int] = (0, 0)
    changed: list[tuple[int, str]] = field(default_factory=list)
    blurred: bool = False
    unknown: bool = False

    @property
    def counted(self) -> int:
        return self.lots.total()

    @property
    def in_order(self) -> list[tuple[int, int]]:
        return sorted((lapses, amount) for lapses, amount in self.lots.items() if amount)

    @property
    def table(self) -> Table | None:
        return self.policy.membership if self.policy is not None else None

    def post(self, entry: MembershipEntry, time: int) -> None:
        """Let an entry be true."""
        if entry.change == "lapsed" and entry.lots:
            other = self.table is not None and self.counts != self.table["counts"]  # not by its time
            self.came = (0, 0) if other else (time, max(at for at, _ in entry.lots))
        elif entry.change == "lowered":
            self.came = (time, self.until)
        elif entry.change in ("counted", "taken_back"):
            self.came = (0, 0)
        for lapses, amount in entry.lots:
            self.lots[lapses] += amount
        self.counts, self.level, self.until = entry.counts, entry.level, entry.until
        self.changed.append((time, entry.change))

    def begins(self, time: int) -> int:
        """When a grace begins that is said at a time: with what came then, else at it."""
        said, came = self.came
        return came if said == time and came <= time else time

    def earned(self) -> str:
        """The highest level that what counts is enough for."""
        names = [""]
        for one in self.table["levels"] if self.table is not None else ():
            if needs(self.table, one) <= self.counted:
                names.append(one["name"])
        return names[-1]

    def rank(self, name: str) -> int:
        """Of a level, from 1 on; 0: of none, -1: the policy does not know it."""
        names = [one["name"] for one in (self.table["levels"] if self.table is not None else ())]
        return names.index(name) + 1 if name in names else -1 if name else 0

    def paid(self, now: int) -> Table | None:
        """What the customer has paid for."""
        runs = self.contract is not None and self.contract.state != "paused" and self.contract.runs(now)
        rows = self.table.get("paid", []) if self.table is not None and runs else []
        return next((row for row in rows if self.contract.plan in row["plans"]), None)

    def of(self, name: str, now: int) -> Any:
        """A field of conditions."""
        paid = self.paid(now)
        if self.table is None or name == "paid_membership":
            return paid["name"] if paid is not None else None
        rows = self.table["levels"]
        rank = max(self.rank(self.level), 0)
        if name == "membership_level":
            found = max(rank, self.rank(paid.get("level", "")) if paid is not None else 0)
            return rows[found - 1]["name"] if found else None
        if name == "to_next_level":
            if rank == len(rows):
                return None
            left = max(needs(self.table, rows[rank]) - self.counted, 0)
            return (left / 100 if self.table["counts"] == "spent" else left) or None
        ends = self._ends(rows, rank)
        return (ends - now) / DAY if ends else None

    def _ends(self, rows: list[Table], rank: int) -> int:
        if self.until or not rank or self.table is None:
            return self.until
        stays = self.counted
        for lapses, amount in self.in_order:
            stays -= amount
            if stays < needs(self.table, rows[rank - 1]):
                return lapses + span(self.table.get("grace", "60d"))
        return 0

    def times(self, now: int) -> int:
        """What points are multiplied by, hundredths."""
        paid, level = self.paid(now), self.of("membership_level", now)
        rows = self.table["levels"] if self.table is not None else []
        own = next((row.get("times", 1.0) for row in rows if row["name"] == level), 1.0)
        return round(100 * max(own, paid.get("times", 1.0) if paid is not None else 0.0))

    def changes(self, change: str) -> list[int]:
        """When it changed so, ms."""
        return [time for time, one in self.changed if one == change]

    def stands(self, change: str) -> list[int]:
        """The same, as far as it has not changed back since."""
        last = max((n for n, (_, one) in enumerate(self.changed) if one in UNDONE_BY[change]), default=-1)
        return [time for time, one in self.changed[last + 1 :] if one == change]


def needs(table: Table | None, row: Table) -> int:
    """What a level takes, as it is counted."""
    at: float = row["at"]
    return round(at * (100 if table is not None and table["counts"] == "spent" else 1))


def lapses(policy: Policy, table: Table, time: int) -> int:
    """When something counts no more, ms."""
    where = zone(policy.zone) or UTC
    if "window" not in table:
        year = datetime.fromtimestamp(time // SECOND, where).year
        return int(datetime(year + 1, 1, 1, tzinfo=where).timestamp()) * SECOND
    lasts = span(table["window"])
    day = datetime.fromtimestamp((time + lasts) // SECOND, where).date()
    days = max(-(-lasts // (STRETCHES * 86_400_000)), 1)
    since = (day - date(1970, 1, 1)).days
    end = date(1970, 1, 1) + timedelta(days=since - since % days + days)
    return int(datetime(end.year, end.month, end.day, tzinfo=where).timestamp()) * SECOND
