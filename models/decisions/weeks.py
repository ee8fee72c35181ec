"""The open times of a week on a clock on the wall, of allowed hours and quiet hours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from models.customer.restrictions import LEGAL, MARKETING
from models.decisions.policy.contact_types import Hours, Span
from models.decisions.policy.types import Policy
from models.decisions.zones import MINUTES

Spans = tuple[tuple[int, int], ...]
"""Minutes of a day, each from the first to before the second; ascending, and none touches another."""


class Week(NamedTuple):
    """The open times of each day, Monday first. closed: days that are not open at all, as year (0: every), month and
    day."""

    days: tuple[Spans, ...]
    closed: frozenset[tuple[int, int, int]] = frozenset()

    def open(self, day: int) -> Spans:
        """The open times of a day. day: its ordinal."""
        spans = self.days[(day - _MONDAY) % 7]
        if spans and self.closed:
            on = date.fromordinal(day)
            if {(on.year, on.month, on.day), (0, on.month, on.day)} & self.closed:
                return ()
        return spans


_MONDAY: Final = 1
WHOLE: Final[Spans] = ((0, MINUTES),)
ALWAYS: Final = Week((WHOLE,) * 7)
NEVER: Final = Week(((),) * 7)


def week_of(policy: Policy, purpose: str, country: str, channel: str, quiet: tuple[str, ...]) -> Week:
    """When contacts are allowed. quiet: the customer's own quiet hours, start and end as "HH:MM"; empty: not stated.

    Rows of allowed hours with the same countries and channels are alternatives; rows of different ones must all allow.
    Those that name neither bind marketing only. Legal is bound by none.
    """
    if purpose == LEGAL:
        return ALWAYS
    sorts: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Hours]] = {}
    for row in policy.contact.hours:
        if not row.spans and not row.holidays:
            continue  # it says how often, not when
        binds = purpose == MARKETING or row.countries or row.channels
        if binds and (not row.countries or country in row.countries) and (not row.channels or channel in row.channels):
            sorts.setdefault((tuple(sorted(row.countries)), tuple(sorted(row.channels))), []).append(row)
    found = ALWAYS
    for rows in sorts.values():
        found = _both(found, _allowed(rows, policy))
    if purpose == MARKETING:
        stated = Span(start=quiet[0], end=quiet[1]) if quiet else policy.contact.quiet_hours
        if stated is not None and stated.start != stated.end:
            # What is not quiet: from the end to the start.
            loud = Hours(spans=(Span(start=stated.end, end=stated.start),))
            found = _both(found, _allowed([loud], policy))
    return found


def _allowed(rows: Iterable[Hours], policy: Policy) -> Week:
    """What any of the rows allows, and none of their holidays closes."""
    closed = {_day(told) for row in rows for name in row.holidays for told in policy.holidays[name].dates}
    days: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for row in rows:
        for day in row.days:
            if not row.spans:
                days[day - 1].append((0, MINUTES))
            for span in row.spans:
                start, end = _minute(span.start), _minute(span.end)
                if end > start:
                    days[day - 1].append((start, end))
                else:  # across midnight
                    days[day - 1].append((start, MINUTES))
                    days[day % 7].append((0, end))
    return Week(tuple(_joined(spans) for spans in days), frozenset(closed))


def _day(told: str) -> tuple[int, int, int]:
    """Year (0: every), month and day."""
    year, month, day = f"0-{told}".split("-")[-3:]
    return int(year), int(month), int(day)


def _minute(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def _joined(spans: list[tuple[int, int]]) -> Spans:
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return tuple(found)


def _both(one: Week, other: Week) -> Week:
    """What both allow."""
    return Week(
        tuple(
            tuple((max(a[0], b[0]), min(a[1], b[1])) for a in mine for b in theirs if max(a[0], b[0]) < min(a[1], b[1]))
            for mine, theirs in zip(one.days, other.days, strict=True)
        ),
        one.closed | other.closed,
    )
