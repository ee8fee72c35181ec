"""Time zones as the package `tzdata` has them: the same rules on every machine, whatever the system's own say."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

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
