"""How a membership lies in the record: packed, behind its next timer."""

from __future__ import annotations

import struct
from typing import Final

from models.customer.moments import second_of
from models.loyalty.membership import Membership
from models.settings import SECOND

COUNTS: Final = ("", "points", "spent", "purchases")
"""By their number in the record: never renumber."""
_HEAD = struct.Struct("<IIBB")  # the next timer, until when the level is kept, what counts, and how many follow
_LOT = struct.Struct("<IQ")


def pack_membership(state: Membership, spread: int = 0) -> bytes:
    """As stored; nothing where nothing counts and there is no level. spread: as of `Membership.next_timer`."""
    if not state.lots and not state.level:
        return b""
    timer = second_of(state.next_timer(spread))
    head = _HEAD.pack(timer, second_of(state.until), COUNTS.index(state.counts), len(state.lots))
    lots = (_LOT.pack(second_of(lapses), amount) for lapses, amount in sorted(state.lots.items()))
    return b"".join((head, *lots, state.level.encode()))


def unpack_membership(stored: bytes) -> Membership:
    """Inverse of `pack_membership`."""
    if not stored:
        return Membership()
    _, until, counts, many = _HEAD.unpack_from(stored)
    end = _HEAD.size + many * _LOT.size
    lots = {lapses * SECOND: amount for lapses, amount in _LOT.iter_unpack(stored[_HEAD.size : end])}
    return Membership(COUNTS[counts], lots, stored[end:].decode(), until * SECOND)
