"""Risk episodes: opened and closed by two thresholds (hysteresis).

Two thresholds make a band sticky (hysteresis): an episode opens when the risk reaches `enter` and closes when it falls
below `exit`, so that a risk that trembles around one number does not open an episode at every tremble.
"""

from __future__ import annotations

from typing import Any

from models.customer.bands import Band, Change
from models.customer.layout import EPISODE, REARMED, RISK
from models.customer.tail import Tail
from models.numerics.compiled import compiled

# Compiled code takes constants of its own module.
_SAFE, _WATCH, _AT_RISK = int(Band.SAFE), int(Band.WATCH), int(Band.AT_RISK)
_NONE, _OPENED, _CLOSED = int(Change.NONE), int(Change.OPENED), int(Change.CLOSED)
_NOT_REARMED = 0xFF & ~REARMED


@compiled
def assess(record: Any, enter: float, leave: float, probability: float, now: int, may_open: bool) -> int:
    """Take a new estimate into the record: risk, band, and the episode it opens or closes.

    Args:
        record: a row of dtype SLAB.
        enter, leave: the thresholds of entry and exit, probabilities.
        probability: the estimate.
        now: log time of the estimate, ms.
        may_open: an episode may open here.

    Returns:
        A `Change`.
    """
    record.numbers[RISK] = probability
    if record.band == _AT_RISK:
        if probability >= leave:
            return _NONE
        close(record, _SAFE)
        return _CLOSED
    if probability >= enter and may_open:
        record.band = _AT_RISK
        record.times[EPISODE] = now
        return _OPENED
    record.band = _SAFE if probability < leave else _WATCH
    return _NONE


@compiled
def close(record: Any, band: int) -> None:
    """End the open episode, if any, and put the customer into `band`. The tail's part is `forget_episode`."""
    record.band = band
    record.times[EPISODE] = 0.0
    record.flags &= _NOT_REARMED


def forget_episode(tail: Tail) -> None:
    """The tail's part of closing an episode."""
    tail.opener, tail.trigger, tail.step = "", b"", 0
