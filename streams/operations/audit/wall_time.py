"""Local time: which zones a customer may be in, and whether a moment lies within a span of the day.

Spans are turned into moments, not moments into times of day: where daylight saving leaves a time out it is the first
minute after the gap, where it brings one twice it is the first. Zone data are the package `tzdata`'s alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from streams.operations.audit.records import SECOND

Span = tuple[str, str]
ALL_DAYS: Final = (1, 2, 3, 4, 5, 6, 7)
_WEEKS: Final = range(946_684_800, 2**32, 604_800)


@cache
def zone(name: str) -> ZoneInfo | None:
    """The zone of a name; None where there is none."""
    root = files("tzdata") / "zoneinfo"
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts):
        return None
    for part in parts:
        root = root / part
    try:
        with root.open("rb") as file:
            return ZoneInfo.from_file(file, name)
    except (OSError, ValueError):
        return None


@cache
def _by_country() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            found.setdefault(country, []).append(name)
    return {country: tuple(names) for country, names in found.items()}


@cache
def _of_country(*countries: str) -> tuple[str, ...]:
    """The zones of countries whose clocks have differed since 2000, looked at once a week."""
    found: dict[tuple[timedelta | None, ...], str] = {}
    for name in (name for country in countries for name in _by_country().get(country, ())):
        if (there := zone(name)) is not None:
            found.setdefault(tuple(datetime.fromtimestamp(at, there).utcoffset() for at in _WEEKS), name)
    return tuple(found.values())


def zones_of(stated: str, country: str, of_policy: str, markets: tuple[str, ...] = ()) -> tuple[str, ...]:
    """In which zones a time must be right: the customer's, else the country's only one, else the policy's, else all of
    the country's; without a country all of the markets', else UTC."""
    if zone(stated) is not None:
        return (stated,)
    there = _of_country(country)
    if len(there) == 1:
        return there
    if zone(of_policy) is not None:
        return (of_policy,)
    return there or _of_country(*markets) or ("UTC",)


def weekday(now: int, name: str) -> int:
    """The day of the week by a zone's clocks, 1 is Monday."""
    return datetime.fromtimestamp(now / SECOND, zone(name) or UTC).isoweekday()


def day_of(now: int, name: str) -> str:
    """The day of a moment by a zone's clocks, as ``2027-03-26``."""
    return f"{datetime.fromtimestamp(now / SECOND, zone(name) or UTC):%Y-%m-%d}"


@lru_cache(maxsize=200_000)
def _moment(day: date, clock: str, name: str) -> int:
    """When a local time comes on a day, ms since the epoch."""
    where = zone(name) or UTC
    wall = datetime.combine(day, time.fromisoformat(clock))
    first = wall.replace(tzinfo=where, fold=0).astimezone(UTC)
    if first.astimezone(where).replace(tzinfo=None) == wall:
        return int(first.timestamp()) * SECOND
    # In a gap: between the two readings of it lies the moment at which the clocks go forward.
    early = int(wall.replace(tzinfo=where, fold=1).timestamp())
    late = int(first.timestamp())
    offset = datetime.fromtimestamp(late, where).utcoffset()
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, where).utcoffset() == offset:
            late = middle
        else:
            early = middle
    return late * SECOND


def period(per: str, now: int, name: str) -> tuple[int, int]:
    """The day, week (from Monday on) or month in which a moment lies, by a zone's clocks: from and before which moment
    it lasts, ms. Without a zone UTC's.

    >>> period("week", 1_772_442_000_000, "Europe/Berlin")
    (1772406000000, 1773010800000)
    """
    day = datetime.fromtimestamp(now / SECOND, zone(name) or UTC).date()
    if per == "month":
        first = day.replace(day=1)
        after = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    else:
        first = date.fromisocalendar(*day.isocalendar()[:2], 1) if per == "week" else day
        after = first + timedelta(days=7 if per == "week" else 1)
    return _moment(first, "00:00", name), _moment(after, "00:00", name)


def at(told: datetime, name: str) -> int:
    """A time of a policy, ms: with its offset, or by a zone's clocks."""
    if told.tzinfo is not None:
        return int(told.timestamp()) * SECOND
    return _moment(told.date(), told.strftime("%H:%M"), name) + told.second * SECOND


def _around(spans: Iterable[Span], days: Sequence[int], now: int, name: str) -> Iterable[tuple[int, int]]:
    """The spans of the days around a moment, as moments from and before which they last."""
    today = datetime.fromtimestamp(now / SECOND, zone(name) or UTC).date()
    for shift in (-1, 0, 1, 2):
        day = today + timedelta(days=shift)
        if day.isoweekday() not in days:
            continue
        for start, end in spans:
            yield _moment(day, start, name), _moment(day + timedelta(days=end <= start), end, name)


def within(spans: Iterable[Span], now: int, name: str, days: Sequence[int] = ALL_DAYS) -> bool:
    """Whether a moment lies in one of the spans, by a zone's clocks. One whose end is its start lasts a day."""
    return any(start <= now < end for start, end in _around(spans, days, now, name))


def next_start(spans: Iterable[Span], now: int, name: str) -> int:
    """When the next of the spans begins after a moment, ms."""
    return min(start for start, _ in _around(spans, ALL_DAYS, now, name) if start > now)


def shown(now: int, name: str) -> str:
    """A moment by a zone's clocks."""
    return f"{datetime.fromtimestamp(now / SECOND, zone(name) or UTC):%a %Y-%m-%d %H:%M:%S} in {name}"
