"""Adaptive size of outbox transactions: halved when one times out, grown again when they are quick.

Kafka aborts a transaction that is open for longer than its timeout. Where a quota throttles the client the same
entries would then be begun anew for ever, so what did not get through is halved, and grows again slowly.
"""

from __future__ import annotations

from typing import Final

LEAST_BYTES: Final = 4 << 10
SLOW, FAST = 0.5, 0.25
"""Shares of the timeout: a transaction that took longer than the one is followed by smaller ones; one that was full and
took less than the other, by larger ones."""
GROWTH: Final = 1.25


class TransactionSize:
    """most_bytes: of keys and values when nothing is in the way. timeout_s: after which Kafka aborts a transaction."""

    def __init__(self, most_bytes: int, timeout_s: float) -> None:
        self.bytes = self._most = most_bytes
        self.timeout_s = timeout_s

    def is_too_slow(self, seconds: float) -> bool:
        """Whether a transaction that failed after so long failed for its length."""
        return seconds >= 0.9 * self.timeout_s

    def failed(self, size: int) -> None:
        """A transaction of so many bytes was too slow."""
        self.bytes = max(LEAST_BYTES, min(self.bytes, size) // 2)

    def stood(self, size: int, full: bool, seconds: float) -> None:
        """A transaction stands. full: more would have gone with it, had there been room."""
        if seconds > SLOW * self.timeout_s:
            self.failed(size)
        elif full and seconds < FAST * self.timeout_s:
            self.bytes = min(self._most, max(self.bytes + 1, int(GROWTH * self.bytes)))
