"""Risk bands of a customer, and what a new estimate changed (enums)."""

from __future__ import annotations

from enum import IntEnum


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
