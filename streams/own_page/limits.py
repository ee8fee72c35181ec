"""How often somebody may try: a bucket of tries for each link and each address, in this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MOST_KEPT: Final = 50_000
"""Buckets that are remembered; the least used is forgotten first."""


class Limit:
    """most: tries at once. refill_s: seconds until all are there again. clock: monotonic seconds."""

    def __init__(self, most: int, refill_s: float, clock: Callable[[], float]) -> None:
        self._most, self._rate, self._clock = most, most / refill_s, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def every_s(self) -> int:
        """Seconds until there is one more, rounded up."""
        return -int(-1 / self._rate // 1)

    def has(self, who: str) -> bool:
        """Whether there is a try, without taking it."""
        left, since = self._left.get(who, (float(self._most), 0.0))
        return left + (self._clock() - since) * self._rate >= 1

    def takes(self, who: str) -> bool:
        """Take a try; False: there is none left."""
        now = self._clock()
        left, since = self._left.pop(who, (float(self._most), now))
        left = min(float(self._most), left + (now - since) * self._rate)
        allowed = left >= 1
        self._left[who] = (left - 1 if allowed else left, now)
        if len(self._left) > MOST_KEPT:
            self._left.popitem(last=False)
        return allowed
