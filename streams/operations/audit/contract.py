"""A customer's contract and dates, as the touchpoints told them: what they are, and what they have been."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from models.touchpoints import Kind, Touch

RUNS: Final = ("active", "paused")


@dataclass(slots=True)
class Dates:
    """Dates of one field: each with the log time at which it was replaced or taken away, 0: it stands. All in ms."""

    told: dict[int, int] = field(default_factory=dict)

    def are(self, dates: set[int], now: int) -> None:
        """These are the customer's from now on."""
        for date, until in self.told.items():
            if not until and date not in dates:
                self.told[date] = now
        self.told |= dict.fromkeys(dates, 0)

    def valid(self) -> list[int]:
        """Those that stand, and those that had come when they were replaced."""
        return [date for date, until in self.told.items() if not until or date <= until]

    def asked(self, offset: int) -> list[int]:
        """When what goes by them asked, so long after each, or before it: a date that was replaced by then did not."""
        return [date + offset for date, until in self.told.items() if not until or date + min(offset, 0) <= until]


@dataclass(slots=True)
class Contract:
    """state: empty: none was told. plan: empty: not stated. cancelling: since when the customer is about to cancel, 0:
    they are not."""

    state: str = ""
    plan: str = ""
    renews_at: int = 0
    cancel_by: int = 0
    cancelling: int = 0
    dates: dict[str, Dates] = field(default_factory=dict)

    def runs(self, now: int) -> bool:
        """Whether it runs at a log time."""
        return self.state in RUNS or (self.state == "ends" and now < self.renews_at)

    def of(self, name: str) -> Dates:
        """The dates of a field."""
        return self.dates.setdefault(name, Dates())

    def take(self, touch: Touch, now: int) -> None:
        """Let a touchpoint about it that is not late tell."""
        data: Any = touch.data
        if touch.kind == Kind.CANCEL_STARTED:
            self.cancelling = touch.time if self.state else 0
            return
        if not self.state or touch.kind == Kind.SUBSCRIPTION_STARTED:
            self.state, self.plan, self.renews_at, self.cancel_by, self.cancelling = "active", "", 0, 0, 0
        if touch.kind == Kind.SUBSCRIPTION_RENEWED:
            self.renews_at = self.cancel_by = 0
        self.plan = data.plan or self.plan
        for name in ("renews_at", "cancel_by"):
            if (told := getattr(data, name)) is not None:
                setattr(self, name, int(told.timestamp()) * 1000)
        if touch.kind == Kind.SUBSCRIPTION_CANCELLED:
            self.state, self.cancelling = ("ends" if self.renews_at > touch.time else "ended"), 0
        elif touch.kind == Kind.SUBSCRIPTION_PAUSED:
            self.state = "paused"
        elif touch.kind != Kind.SUBSCRIPTION_CHANGED:
            self.state, self.cancelling = "active", 0
        runs = self.state in RUNS
        self.of("renews_at").are({self.renews_at} - {0} if runs else set(), now)
        self.of("cancel_by").are({self.cancel_by} - {0} if runs else set(), now)
        self.of("ends_at").are({self.renews_at} if self.state == "ends" else set(), now)
