"""Risk bands and episodes, plainly, of one open record."""

from __future__ import annotations

from models.customer.bands import Band, Change
from models.customer.layout import EPISODE, REARMED, RISK
from models.customer.record import Record
from models.decisions.episodes import forget_episode


def assess(record: Record, enter: float, leave: float, probability: float, now: int, may_open: bool) -> Change:
    """Take a new estimate into the record: risk, band, and the episode it opens or closes."""
    record.numbers[RISK] = probability
    if record.band == Band.AT_RISK:
        if probability >= leave:
            return Change.NONE
        close(record, Band.SAFE)
        return Change.CLOSED
    if probability >= enter and may_open:
        record.band = Band.AT_RISK
        record.times[EPISODE] = now
        return Change.OPENED
    record.band = Band.SAFE if probability < leave else Band.WATCH
    return Change.NONE


def close(record: Record, band: Band) -> None:
    """End the open episode, if any, and put the customer into `band`."""
    record.band = band
    record.times[EPISODE] = 0
    record.flags &= ~REARMED
    forget_episode(record.tail)
