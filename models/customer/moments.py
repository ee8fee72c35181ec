"""Moments as a packed part of a record has them: whole seconds in four bytes, from 1970 to 2106; 0 stands for none."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from models.settings import SECOND
from models.touchpoints.times import milliseconds

LAST: Final = 2**32 - 1


def second_of(ms: int) -> int:
    """The second of a moment, as it is stored: the nearest one that there is."""
    if not ms:
        return 0
    second = ms // SECOND
    return second if 0 < second < LAST else min(max(second, 1), LAST)


def whole(ms: int) -> int:
    """A moment as it comes back from where it is stored, ms."""
    return second_of(ms) * SECOND


def told(moment: datetime) -> int:
    """A moment that a touchpoint names, ms; as it comes back from where it is stored."""
    return whole(milliseconds(moment) or 1)
