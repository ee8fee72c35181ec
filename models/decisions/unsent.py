"""Triggers that were given back since an operator had stopped them, as the record has them: each may be sent again.

Times are log time in ms, whole seconds.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from models.customer.moments import second_of
from models.settings import SECOND

MAX_UNSENT: Final = 4
"""Of a customer at a time: beyond, one is not sent again."""
_HALF: Final = 2**64 - 1


class Unsent(NamedTuple):
    """A trigger that was stopped.

    trigger: its id as a number, of the last one that was made. decision: the id of the decision that made the first.
    times: how many triggers it has made. action, moment: by `number_of` their names. asked: when the moment's life
    began. until: not sent again from then on. threshold: of the level that asked, 0.0: no risk did. wakes: when it is
    looked at; 0: it is out again.
    """

    trigger: int
    decision: int
    times: int
    action: int
    moment: int
    asked: int
    until: int
    threshold: float = 0.0
    wakes: int = 0


_UNSENT = struct.Struct("<QQQQBIIIIdI")


def pack_unsent(unsent: list[Unsent]) -> bytes:
    """As stored: 61 bytes each."""
    return b"".join(
        _UNSENT.pack(
            one.trigger & _HALF,
            one.trigger >> 64,
            one.decision & _HALF,
            one.decision >> 64,
            one.times,
            one.action,
            one.moment,
            second_of(one.asked),
            second_of(one.until),
            one.threshold,
            second_of(one.wakes),
        )
        for one in unsent
    )


def unpack_unsent(stored: bytes) -> list[Unsent]:
    """Inverse of `pack_unsent`."""
    found = _UNSENT.iter_unpack(stored)
    return [
        Unsent(
            low | high << 64,
            first | second << 64,
            times,
            action,
            moment,
            asked * SECOND,
            until * SECOND,
            threshold,
            wakes * SECOND,
        )
        for low, high, first, second, times, action, moment, asked, until, threshold, wakes in found
    ]
