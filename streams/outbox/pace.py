"""How often a shard begins a transaction: as often as its cost allows, and as somebody waits for what is in it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from math import inf

SHARE, MOST_S = 0.25, 0.1
"""Of a shard's time that its transactions may take while triggers come: one of 10 ms is followed by another 40 ms after
its beginning. Each costs the broker 5 ms of CPU and the worker as much, whatever is in it; on a busy machine it takes
longer, and is made less often. But never less often than every tenth of a second: where all is slow the waiting for
others is most of what it takes, and people wait already."""
LEISURE_S = 1.0
"""Least time between the beginnings of two transactions while no trigger waits. Readers of decisions, of dead letters
and, live, of examples take what comes; a trigger that came meanwhile would wait for a transaction under way."""
BEHIND_S = 2.0
"""A shard whose records are older than this takes so long a pause: unpaced, one that catches up makes thirty
transactions a second, and two cores have time for little else. It adds no more delay than its records have already."""


class Pace:
    """One shard's. A first transaction after a silence begins at once."""

    def __init__(self) -> None:
        self._took: deque[float] = deque((0.0, 0.0), maxlen=2)
        self._begun = -inf
        self._changed = asyncio.Event()

    def took(self, seconds: float) -> None:
        """A transaction is over."""
        self._took.append(seconds)

    def seconds(self, triggers: bool, lag_s: float) -> float:
        """From the beginning of the last transaction to that of the next.

        triggers: some wait for it. lag_s: how old the shard's records are when it gets them.
        """
        if lag_s > BEHIND_S:
            return BEHIND_S
        if not triggers:
            return LEISURE_S
        # The shorter of the last two: one that met with an accident does not tell what they cost.
        return min(min(self._took) / SHARE, MOST_S)

    def changed(self) -> None:
        """The pause may be another one now: who is in `begin` asks again."""
        self._changed.set()

    async def begin(self, pause: Callable[[], float]) -> None:
        """Wait until `pause()` seconds after the last beginning. What comes then is the next one."""
        while (rest := self._begun + pause() - time.monotonic()) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._changed.wait()
        self._begun = time.monotonic()
