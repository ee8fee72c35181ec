"""Time zones as the package `tzdata` has them: the same rules on every machine, whatever the system's own say."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from models.settings import SECOND
from models.touchpoints.times import milliseconds

MINUTES: Final = 1_440
_DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
MOST_ZONES: Final = 1024
"""Names that are remembered, known or not: there are some six hundred zones."""


@lru_cache(MOST_ZONES)
def zone_of(name: str) -> ZoneInfo | None:
    """The zone of an IANA name such as ``Europe/Berlin``; None: there is none of this name.

    >>> str(zone_of("Europe/Berlin")), zone_of("Europe/Bonn"), zone_of("Europe")
    ('Europe/Berlin', None, None)
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") or part.endswith(".py") for part in parts):
        return None
    place = files("tzdata.zoneinfo").joinpath(*parts)
    if not place.is_file():
        return None
    with place.open("rb") as stream:
        try:
            return ZoneInfo.from_file(stream, key=name)
        except ValueError:  # the package's lists of zones lie there too
            return None


@lru_cache(16_384)
def moment_of(zone: ZoneInfo, day: int, minute: int) -> int:
    """When a local day's minute is, in seconds. day: its ordinal.

    One that a change of the clock leaves out means the first moment after it, one that it repeats the first of both.
    """
    if minute == MINUTES:
        day, minute = day + 1, 0
    wall = datetime.combine(date.fromordinal(day), time(minute // 60, minute % 60), zone)
    local = (day - _EPOCH) * _DAY + minute * 60
    found = local - _offset(wall)
    if found + _offset(datetime.fromtimestamp(found, zone)) == local:
        return found
    # No clock shows it: the change lies between what the old and the new offset make of it.
    before, after = local - _offset(wall.replace(fold=1)), found
    new = _offset(datetime.fromtimestamp(after, zone))
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(datetime.fromtimestamp(middle, zone)) == new:
            after = middle
        else:
            before = middle
    return after


def _offset(moment: datetime) -> int:
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError(f"{moment} has no zone")
    return offset.days * _DAY + offset.seconds


def moment_told(told: datetime, zone: str) -> int:
    """A time of the policy file, ms: with its offset, or by the clocks of a zone."""
    where = None if told.tzinfo is not None else zone_of(zone)
    if where is None:
        return milliseconds(told)
    return (moment_of(where, told.toordinal(), told.hour * 60 + told.minute) + told.second) * SECOND
