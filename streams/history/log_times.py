"""Validates the event times of a log file: each within bounds, and no long gap between two.

One wrong date would move everything: the log's time goes on to the latest row, everybody has churned by then, each tick
on the way takes its time, and on a topic whatever comes afterwards is late.
"""

from __future__ import annotations

from datetime import UTC, datetime

from models.settings import DAY
from models.touchpoints.limits import EARLIEST_MS
from streams.history.datasets import LogInvalid

LONGEST_GAP_DAYS = 182.0
"""Days without any event of any customer: two horizons of the default, after which everybody is lapsed."""

LATEST_MS = 4_102_444_799_999
"""The last moment of 2099. A customer's record keeps seconds in 32 bits, up to February 2106, and what silence will
bring is looked for some years ahead of an event."""

NAMED_MS = 253_402_300_799_999
"""The last moment that has a name, in the year 9999."""


class LogGap(LogInvalid):
    """Nothing happens in a log for so long that one of the times is more likely wrong."""

    remedy = (
        "correct the row whose time is wrong, or split the log there; where nothing did happen for that long, allow it "
        "with --log-gap-days (RETENTION_LOG_GAP_DAYS), up to 3,660"
    )


class Gaps:
    """Looks at the times of a log in their order. longest_days: without an event, as `LONGEST_GAP_DAYS`."""

    def __init__(self, longest_days: float = LONGEST_GAP_DAYS) -> None:
        self._longest = longest_days * DAY
        self._before: tuple[int, int, bytes] | None = None
        self._events = 0

    def passes(self, time: int, line: int, customer: bytes) -> None:
        """Raises LogGap if too long a time lies before this event."""
        before, self._before = self._before, (time, line, customer)
        self._events += 1
        if before is None or time - before[0] <= self._longest:
            return
        days = (time - before[0]) / DAY
        raise LogGap(
            f"{days:,.0f} days without an event, between {_told(*before)} and {_told(time, line, customer)}; "
            f"{self._longest / DAY:g} days are the most; {self._events - 1:,} of the log's events come before that"
        )


def _told(time: int, line: int, customer: bytes) -> str:
    return f"line {line} (customer {customer.decode()!r} at {iso(time)})"


def why_impossible(time: int) -> str | None:
    """What is wrong with a time, None: nothing."""
    if time > NAMED_MS:
        return "its time is after the year 9999 in UTC; give the time at which it happened"
    if time > LATEST_MS:
        return f"its time is {iso(time)}, after the year 2099; give the time at which it happened"
    if time < EARLIEST_MS:
        return (
            f"its time is {iso(time)}, before 1990, as an unset field or a broken clock says it; give the time at "
            "which it happened"
        )
    return None


def iso(ms: int) -> str:
    """A moment in ISO 8601, UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
