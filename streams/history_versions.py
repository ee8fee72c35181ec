"""Model versions for shards that work through history in one process: learned from what they say as they commit it.

The same learning over the same examples in the same order as the learner's (models/learning.py); only the way from the
shards to it, over Kafka and back over the store, is left out. In lockstep: a shard waits for the version that the rule
names, until all shards have come so far.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from models.churn import UNTRAINED, Version, scorer_of
from models.learning import Learning, initial_version
from models.settings import EngineSettings
from streams.outbox import Entry
from streams.versions import InForce, lasting


class HistoryVersions:
    """A `VersionSource`. learning: where it goes on."""

    def __init__(self, settings: EngineSettings, learning: Learning) -> None:
        self._settings, self.learning = settings, learning
        self._kept: dict[int, InForce] = {}
        self._said = asyncio.Event()

    @property
    def kept(self) -> list[Version]:
        """The versions that a shard may still ask for, by boundary."""
        return [found.version for found in self._kept.values()]

    def feed(self, entries: Sequence[Entry]) -> None:
        """Outputs that stand in a shard's outbox; the examples among them are learned when their boundary comes."""
        for entry in entries:
            if entry.topic == "examples":
                # Where they will stand in Kafka is not known yet (streams/backfill.py).
                self.learning.feed(entry.partition, 0, entry.count, entry.value)
                self._said.set()

    def go_on(self, other: HistoryVersions) -> None:
        """Go on where another stands."""
        self.learning, self._kept = other.learning, other._kept

    def learn(self) -> None:
        """Cut every version that can be cut."""
        while (version := self.learning.next_version()) is not None:
            self._kept[version.boundary] = InForce(version, scorer_of(version, self._settings))
            self._kept.pop(version.boundary - lasting(self._settings), None)

    async def named(self, boundary: int) -> InForce:
        return await self.at(boundary) if boundary != UNTRAINED else self._initial()

    async def at(self, boundary: int) -> InForce:
        """The version of a boundary; before the first one the untrained model."""
        while True:
            self.learn()
            if boundary in self._kept:
                return self._kept[boundary]
            if self.learning.origin is not None and boundary < self.learning.origin:
                return self._initial()
            self._said.clear()
            await self._said.wait()

    async def newest(self, most: int) -> InForce | None:
        return await self.at(most)

    def _initial(self) -> InForce:
        version = initial_version(self._settings)
        return InForce(version, scorer_of(version, self._settings))
