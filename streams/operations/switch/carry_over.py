"""An open episode of one application in the record of another: who was triggered is not triggered again."""

from __future__ import annotations

from typing import Final

from models.customer.bands import Band
from models.customer.layout import EPISODE, REARMED
from models.customer.record import unpack

LIVING: Final = (Band.SAFE, Band.WATCH, Band.AT_RISK)
"""Bands in which an episode can be open: who has bought nothing yet, is lapsed or erased has none."""
_BAND = 2
"""Where a stored record holds its band, in every version so far."""


def is_open(record: bytes) -> bool:
    """Whether an episode is open, as far as the head of a stored record tells."""
    return len(record) > _BAND and record[_BAND] == Band.AT_RISK


def carried_over(customer: bytes, blue: bytes, green: bytes) -> tuple[bytes, Band] | None:
    """Green's record with blue's open episode, and green's band before; None when it is so already, or can't be.

    What belongs to the episode: since when it is open, by what, how many triggers it had and the last one's id, and
    whether that expired unsent.

    Raises:
        UnknownRecord: one of them can't be read.
    """
    old, new = unpack(customer, blue), unpack(customer, green)
    before = Band(new.band)
    if old.band != Band.AT_RISK or before not in LIVING:
        return None
    new.band = int(Band.AT_RISK)
    new.times[EPISODE] = old.times[EPISODE]
    new.flags = (new.flags & ~REARMED) | (old.flags & REARMED)
    new.tail.opener, new.tail.trigger, new.tail.step = old.tail.opener, old.tail.trigger, old.tail.step
    packed = new.pack()
    return None if packed == green else (packed, before)
