"""Detects open transactions of upstream producers, which hold up every reader at read_committed.

Such a reader gets nothing from behind the beginning of the oldest open transaction. Two ends of a log show that: the
high watermark, and the last stable offset, before which every transaction is decided. The last stable offset stands
still for as long as the oldest transaction is open; with transactions that come and go it moves.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, NamedTuple

logger = logging.getLogger(__name__)

HELD_S: Final = 30.0
"""Shorter ones are not worth a word. Above the twenty seconds that one of our own may take when Kafka is slow."""
REMEDY: Final = (
    "end that producer's transaction (commit, abort, or stop it: Kafka aborts it after its transaction.timeout.ms); "
    "`retention doctor` names it, kafka-transactions.sh aborts it"
)


class LogEnd(NamedTuple):
    """end: the high watermark. stable: the last stable offset; the same where the broker has no transactions."""

    end: int
    stable: int


class Held(NamedTuple):
    """Records wait behind an open transaction. seconds: for how long, as far as we have watched. since: in words."""

    records: int
    seconds: float
    since: str

    def __str__(self) -> str:
        return (
            f"{self.records:,} records wait behind an open transaction of a producer since {self.since} "
            f"({self.seconds:.0f} s): {REMEDY}"
        )


class OpenTransactions:
    """Watches the ends of some logs. clock: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[int, tuple[int, float, str]] = {}  # where the log is stable up to, since when
        self._said: set[int] = set()

    def looked(self, shard: int, seen: LogEnd) -> Held | None:
        """What stands, of a shard's partition that was just looked at; None below `HELD_S`. Says it once in the log."""
        now = self._clock()
        known = self._since.get(shard)
        if seen.stable >= seen.end or known is None or known[0] != seen.stable:
            self._ends(shard)
            if seen.stable < seen.end:
                self._since[shard] = seen.stable, now, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            return None
        _, since, told = known
        if now - since < HELD_S:
            return None
        held = Held(seen.end - seen.stable, now - since, told)
        if shard not in self._said:
            self._said.add(shard)
            logger.warning("shard %d: from offset %d on %s", shard, seen.stable, held)
        return held

    def forget(self, shard: int) -> None:
        """The shard is no longer ours."""
        self._since.pop(shard, None)
        self._said.discard(shard)

    def _ends(self, shard: int) -> None:
        if shard in self._said:
            logger.info("shard %d: the open transaction that held it up has ended", shard)
        self.forget(shard)
