"""Pauses a live shard at a record whose timestamp is far ahead of this machine's clock.

The shard pauses, with an alarm, until our own clock gets there. It decides when a record is taken, never what follows
from it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.timeline.batch import LogRecord

logger = logging.getLogger(__name__)

ALARM_EVERY_S = 10.0


class ClockGuard:
    """For one shard. limit_s: how far ahead a record may be (inf in a replay). waiting(shard, reason, detail)."""

    def __init__(self, limit_s: float, shard: int, waiting: Callable[[int, str, str], None]) -> None:
        self._limit_s, self._shard, self._waiting = limit_s, shard, waiting

    def up_to_now(self, timestamps: NDArray[np.int64], first: int) -> int:
        """The first row after `first` that is too far ahead, or how many rows there are. timestamps: ms, by row."""
        ahead = timestamps[first + 1 :] > (time.time() + self._limit_s) * 1_000
        return first + 1 + int(ahead.argmax()) if ahead.any() else len(timestamps)

    async def reach(self, record: LogRecord) -> None:
        """Return when the record is not too far ahead (any more)."""
        while (ahead := _ahead_s(record)) > self._limit_s:
            self._waiting(self._shard, "clock_ahead", f"a record is {ahead:.0f} s ahead of our clock")
            logger.error(
                "shard %d: offset %d is %.0f s ahead of this worker's clock: paused; set the broker's or this "
                "machine's clock right",
                self._shard,
                record.offset,
                ahead,
            )
            await asyncio.sleep(min(ahead - self._limit_s, ALARM_EVERY_S) + 0.01)


def _ahead_s(record: LogRecord) -> float:
    return record.timestamp / 1000 - time.time()
