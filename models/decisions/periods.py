"""The periods of budgets: days, weeks and months of the policy's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from models.decisions.zones import zone_of
from models.settings import SECOND

MOST_KEPT: Final = 4096


class Period(NamedTuple):
    """From `start` to before `end`, log time in ms."""

    start: int
    end: int


def period_at(per: str, zone: str | None, now: int) -> Period:
    """The period in which a moment lies. It begins with the first minute of its first day there.

    Args:
        per: `day`, `week` (it begins on Monday) or `month`.
        zone: IANA name; None: UTC.
        now: log time, ms.

    >>> period_at("day", None, 90_000_000)
    Period(start=86400000, end=172800000)
    """
    where: tzinfo = (zone_of(zone) if zone else None) or UTC
    day = datetime.fromtimestamp(now // SECOND, where).date()
    return _around(per, where, day)


@lru_cache(MOST_KEPT)
def _around(per: str, where: tzinfo, day: date) -> Period:
    if per == "day":
        first, after = day, day + timedelta(days=1)
    elif per == "week":
        first = day - timedelta(days=day.weekday())
        after = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    return Period(_begins(first, where), _begins(after, where))


def _begins(day: date, where: tzinfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=where).timestamp()) * SECOND
