"""Risk bands and episodes: when a customer is at risk, and when that is over.

Two thresholds make a band sticky (hysteresis): an episode opens when the risk reaches `enter` and closes when it falls
below `exit`, so that a risk that trembles around one number does not open an episode at every tremble.
"""

from __future__ import annotations

from enum import IntEnum

from models.customer import EPISODE, REARMED, RISK, Record
from models.settings import EngineSettings


class Band(IntEnum):
    """Where a customer stands. Stored in the record: never renumber."""

    PROSPECT = 0  # no purchase yet: nothing to lose
    SAFE = 1  # below exit
    WATCH = 2  # between exit and enter, no open episode
    AT_RISK = 3  # an episode is open
    LAPSED = 4  # silent for two horizons: no further ticks
    ERASED = 5  # asked to be forgotten


class Change(IntEnum):
    """What a new estimate did to the customer's episode."""

    NONE = 0
    OPENED = 1
    CLOSED = 2


def assess(record: Record, settings: EngineSettings, probability: float, now: int, may_open: bool) -> Change:
    """Take a new estimate into the record: risk, band, and the episode it opens or closes."""
    record.numbers[RISK] = probability
    if record.band == Band.AT_RISK:
        if probability >= settings.exit:
            return Change.NONE
        close(record, Band.SAFE)
        return Change.CLOSED
    if probability >= settings.enter and may_open:
        record.band = Band.AT_RISK
        record.times[EPISODE] = now
        return Change.OPENED
    record.band = Band.SAFE if probability < settings.exit else Band.WATCH
    return Change.NONE


def close(record: Record, band: Band) -> None:
    """End the open episode, if any, and put the customer into `band`."""
    record.band = band
    record.times[EPISODE] = 0
    record.flags &= ~REARMED
    record.tail.opener = ""
    record.tail.trigger = b""
    record.tail.step = 0
