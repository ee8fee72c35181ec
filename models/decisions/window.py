"""The response window of a draw by the learned choice, as the record has it until its outcome is said."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from models.customer.moments import second_of
from models.settings import SECOND


class Mark(IntEnum):
    """What came within a window, and what it is of: bits. Stored: never renumber."""

    DECLINED = 1
    UNSUBSCRIBED = 2
    COMPLAINED = 4
    SPAM = 8
    SOON = 16  # one of the last three came within `SOON_WITHIN` of the draw
    DELIVERED = 32  # what was drawn has arrived
    CONTROL = 64  # of the control group: the draw is what would have been
    BOUGHT = 128  # the customer has bought


HARMS: Final = Mark.DECLINED | Mark.UNSUBSCRIBED | Mark.COMPLAINED | Mark.SPAM


class Window(NamedTuple):
    """A window. Times are log time in ms, whole seconds.

    decision: the id of the draw, as a number. opened, ends: from and until when what happens counts, if it is told
    within the allowed lateness. worth: the value at stake, hundredths. net: bought less returned in all, as of the
    draw, and of what was told since but happened before or after the window. margin: the policy's, of then. place: what
    was drawn, 0 for leaving alone, else one more than the arm's place in `arms`: (number, chance as a multiple of
    2^-32). marks: bits of `Mark`. given: discounts redeemed in the window, hundredths. features: as they were drawn by,
    float16, little-endian; empty: nothing is learned of it. schema: what they are by (`schema_number`).
    """

    decision: int
    opened: int
    ends: int
    worth: int
    net: float
    margin: float
    place: int
    arms: tuple[tuple[int, int], ...]
    marks: int = 0
    given: int = 0
    features: bytes = b""
    schema: int = 0

    @property
    def id(self) -> str:
        """Of the draw's decision."""
        return f"{self.decision:032x}"

    @property
    def arm(self) -> int:
        """The number of what was drawn; 0: leaving alone."""
        return self.arms[self.place - 1][0] if self.place else 0


MOST_HUNDREDTHS: Final = 2**32 - 1
"""Of a value at stake, or of discounts in a window."""
_HEAD = struct.Struct("<QQIIIddBBIBBI")
_ARM = struct.Struct("<II")
_HALF: Final = 2**64 - 1


def pack_window(one: Window) -> bytes:
    """As stored: 56 bytes, two for each feature and eight for each arm."""
    head = _HEAD.pack(
        one.decision & _HALF,
        one.decision >> 64,
        second_of(one.opened),
        second_of(one.ends),
        one.worth,
        one.net,
        one.margin,
        one.place,
        one.marks,
        one.given,
        len(one.arms),
        len(one.features),
        one.schema,
    )
    return head + b"".join(_ARM.pack(*arm) for arm in one.arms) + one.features


def unpack_window(stored: bytes) -> Window:
    """Inverse of `pack_window`."""
    low, high, opened, ends, worth, net, margin, place, marks, given, arms, _, schema = _HEAD.unpack_from(stored)
    behind = _HEAD.size + arms * _ARM.size
    named = tuple(_ARM.iter_unpack(stored[_HEAD.size : behind]))
    times = opened * SECOND, ends * SECOND
    return Window(low | high << 64, *times, worth, net, margin, place, named, marks, given, stored[behind:], schema)
