"""What only some standings have, by number, and how each is packed."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from models.customer.moments import second_of
from models.decisions.running import pack_running, unpack_running
from models.decisions.sharing import pack_sharing, unpack_sharing
from models.decisions.standing import Dated
from models.decisions.treated import pack_treated, unpack_treated
from models.decisions.unsent import pack_unsent, unpack_unsent
from models.decisions.window import pack_window, unpack_window
from models.settings import SECOND

_DATED = struct.Struct("<III")
_TOLD = struct.Struct("<IH")
_THRESHOLD = struct.Struct("<d")


class Part(NamedTuple):
    """What only some customers have: an attribute of a `Standing`, empty where they have none, and how it is packed."""

    attribute: str
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]


def _packed_dates(dates: tuple[Dated, ...]) -> bytes:
    return b"".join(_DATED.pack(one.moment, second_of(one.date), second_of(one.wakes)) for one in dates)


def dates_in(stored: bytes) -> tuple[Dated, ...]:
    """`Standing.dates`."""
    return tuple(Dated(moment, date * SECOND, wakes * SECOND) for moment, date, wakes in _DATED.iter_unpack(stored))


def told_in(stored: bytes) -> dict[int, int]:
    """`Standing.told`."""
    return dict(_TOLD.iter_unpack(stored))


def _packed_told(told: dict[int, int]) -> bytes:
    return b"".join([_TOLD.pack(moment, gate) for moment, gate in sorted(told.items())])


DATES, TOLD = 2, 7
PARTS: Final[dict[int, Part]] = {
    1: Part("running", pack_running, unpack_running),
    DATES: Part("dates", _packed_dates, dates_in),
    3: Part("unsent", pack_unsent, unpack_unsent),
    4: Part("carried", lambda kept: b"", lambda stored: True),
    5: Part("live", lambda kept: bytes((kept,)), lambda stored: stored[0]),
    6: Part("shadowed", _THRESHOLD.pack, lambda stored: _THRESHOLD.unpack(stored)[0]),
    TOLD: Part("told", _packed_told, told_in),
    8: Part("window", pack_window, unpack_window),
    9: Part("treated", pack_treated, unpack_treated),
    10: Part("inherited", lambda kept: b"", lambda stored: True),
    11: Part("shared", pack_sharing, unpack_sharing),
}
"""By their number in the record, from 1 on without gaps: never renumber."""
AT_REST: Final = frozenset(
    number for number, part in PARTS.items() if part.attribute in ("carried", "live", "shadowed", "inherited")
)
"""Parts of which nothing comes by time alone."""
