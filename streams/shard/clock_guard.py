"""Pauses a shard at a record whose timestamp is far ahead: live of this machine's clock, in a replay of its log's time.

Log time never goes back. Live the shard pauses, with an alarm, until our own clock gets there; in a replay until
somebody replays the log anew without that record. It decides when a record is taken, never what follows from it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.settings import DAY
from models.timeline.batch import LogRecord
from models.timeline.shard_state import NO_TIME

logger = logging.getLogger(__name__)

ALARM_EVERY_S = 10.0
JUMP_MS = 3_660 * DAY
"""`retention replay` takes no longer gap between two events (`log_gap_days`), and writes clock records in it."""


class ClockGuard:
    """Live, for one shard. limit_s: how far ahead of our clock a record may be. waiting(shard, reason, detail)."""

    def __init__(self, limit_s: float, shard: int, waiting: Callable[[int, str, str], None]) -> None:
        self._limit_s, self._shard, self._waiting = limit_s, shard, waiting

    def up_to(self, timestamps: NDArray[np.int64], first: int) -> int:
        """The first row after `first` that is too far ahead, or how many rows there are. timestamps: ms, by row."""
        return _first(timestamps[first + 1 :] > (time.time() + self._limit_s) * 1_000, first + 1)

    async def reach(self, record: LogRecord, log_time: int) -> None:
        """Return when the record is not too far ahead (any more). log_time: of the shard, ms."""
        while (ahead := record.timestamp / 1_000 - time.time()) > self._limit_s:
            self._waiting(self._shard, "clock_ahead", f"a record is {ahead:.0f} s ahead of our clock")
            logger.error(
                "shard %d: offset %d is %.0f s ahead of this worker's clock: paused; set the broker's or this "
                "machine's clock right",
                self._shard,
                record.offset,
                ahead,
            )
            await asyncio.sleep(min(ahead - self._limit_s, ALARM_EVERY_S) + 0.01)


class JumpGuard:
    """The same in a replay: one wrong date would take the shard through every boundary up to it, and leave all that
    comes afterwards late."""

    def __init__(self, shard: int, waiting: Callable[[int, str, str], None]) -> None:
        self._shard, self._waiting = shard, waiting

    def up_to(self, timestamps: NDArray[np.int64], first: int) -> int:
        return _first(timestamps[first + 1 :] - np.maximum.accumulate(timestamps[first:-1]) > JUMP_MS, first + 1)

    async def reach(self, record: LogRecord, log_time: int) -> None:
        while log_time != NO_TIME and record.timestamp - log_time > JUMP_MS:
            days = (record.timestamp - log_time) / DAY
            told = f"offset {record.offset} is {days:,.0f} days after what comes before it"
            self._waiting(self._shard, "clock_ahead", told)
            logger.error(
                "shard %d: %s (%d at most): paused for good; correct that record's time and replay the log into topics "
                "of another RETENTION_TOPIC_PREFIX, with another RETENTION_APP",
                self._shard,
                told,
                JUMP_MS // DAY,
            )
            await asyncio.sleep(ALARM_EVERY_S)


def guard(live: bool, limit_s: float, shard: int, waiting: Callable[[int, str, str], None]) -> ClockGuard | JumpGuard:
    """The guard of a shard of this mode."""
    return ClockGuard(limit_s, shard, waiting) if live else JumpGuard(shard, waiting)


def _first(ahead: NDArray[np.bool_], row: int) -> int:
    return row + (int(ahead.argmax()) if ahead.any() else len(ahead))
