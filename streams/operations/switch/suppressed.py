"""In place of the relay: the outputs of an application that follows another one are dropped; examples are learned."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from models.timeline.stop_types import Stops
from streams.outbox.contents import ReadOutbox, check_outbox
from streams.outbox.entry import Entry


class Suppressed:
    """Of one shard. learn: takes the outputs whose examples are to be learned.

    An example stays in the outbox until the stored learner has learned it, and with it what stands behind it: that is
    as much as a shard says from one version boundary to the next.
    """

    lag_s = 0.0

    def __init__(self, learn: Callable[[Sequence[Entry]], None]) -> None:
        self._learn = learn
        self._held: deque[Entry] = deque()
        self._learned = 0
        self.trimmable, self.stops = 0, Stops()

    def __len__(self) -> int:
        return 0

    async def start(self, read: ReadOutbox, sequences: Mapping[str, int]) -> None:
        """What another run has not learned is learned now. Raises DifferentOutput."""
        await check_outbox(read, sequences)
        self._held.clear()
        self.trimmable = entries = 0
        while page := await read(entries):
            entries += len(page)
            self.add(page)

    def learned(self, sequence: int) -> None:
        """The stored learner has learned the shard's examples up to a sequence number."""
        self._learned = sequence
        self._settle()

    def add(self, entries: Sequence[Entry]) -> None:
        self._held.extend(entries)
        self._learn(entries)
        self._settle()

    def trimmed(self, entries: int) -> None:
        self.trimmable -= entries

    def _settle(self) -> None:
        while self._held and (self._held[0].topic != "examples" or self._held[0].sequence <= self._learned):
            self._held.popleft()
            self.trimmable += 1

    def ahead(self, sequences: Mapping[str, int]) -> dict[str, int]:
        return {}

    async def published_values(self, role: str, since: int) -> list[bytes]:
        return []

    async def published_roles(self) -> list[str]:
        return []

    async def wait_for_capacity(self, limit: int) -> None:
        """There is always room."""

    def has_capacity(self, limit: int) -> bool:
        return True

    def flush(self) -> None:
        """Nobody waits for what is public."""

    async def run(self) -> None:
        """For as long as the shard works."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """There is nothing to stop."""
