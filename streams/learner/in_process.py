"""Model versions of a backfill, or of an application that follows another one: learned in process, as shards commit.

The same learning over the same examples in the same order as the learner's (models/learning/learner.py); only the way
from the shards to it, over Kafka and back over the store, is left out. In lockstep: a shard waits for the version that
the rule names, until all shards have come so far.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from models.churn import Version, scorer_of
from models.engine.step import InForce
from models.learning.adoption import VersionName
from models.learning.learner import Learning, initial_version
from models.learning.schema import schema_of
from models.settings import EngineSettings
from models.timeline.boundaries import UNTRAINED, version_for
from models.timeline.shard_state import ShardState
from streams.learner.lineage import FIRST
from streams.learner.model_registry import lasting, sealed_by
from streams.learner.versions import ALARM_EVERY_S, Waits
from streams.outbox.entry import Entry

logger = logging.getLogger(__name__)

T = TypeVar("T")


def oldest_wanted(settings: EngineSettings, states: Iterable[ShardState]) -> int:
    """The oldest version, by its boundary, that shards may still ask for: the one in force at the slowest of them, and
    the one that the rule names at its last boundary."""

    def wanted(state: ShardState) -> int:
        by_rule = version_for(settings, state.boundary)
        return by_rule if state.version == UNTRAINED else min(by_rule, state.version)

    return min(map(wanted, states))


def forget_outlived(
    kept: dict[int, T], newest: int | None, settings: EngineSettings, oldest: Callable[[], int]
) -> None:
    """Of versions by boundary, in order, forget those that the learner would no longer keep and no shard may ask for.

    Args:
        kept: the versions.
        newest: the boundary that the learning has come to; None: none yet.
        settings: of the engine.
        oldest: the oldest version that a shard may still ask for.
    """
    if newest is None:
        return
    first_kept = min(newest - lasting(settings) + 1, oldest())
    while kept and (first := next(iter(kept))) < first_kept:
        del kept[first]


class HistoryVersions:
    """A `VersionSource`. learning: where it goes on. oldest: the oldest version that a shard may still ask for."""

    def __init__(self, settings: EngineSettings, learning: Learning, oldest: Callable[[], int]) -> None:
        self._settings, self.learning, self._oldest = settings, learning, oldest
        self._schema = schema_of(settings)
        self._kept: dict[int, InForce] = {}
        self._fed = asyncio.Event()
        self.patient = True
        """Whether a shard waits for the version that the rule names; else it gets the newest older one, as live."""

    def hurry(self) -> None:
        """From here on nobody waits."""
        self.patient = False
        self._fed.set()

    def restore(self, version: Version) -> None:
        """One that another run has learned, older than those to come."""
        self._kept[version.boundary] = self._in_force(version)

    def _in_force(self, version: Version) -> InForce:
        return InForce(version, scorer_of(version, self._settings), sealed_by(version, self._schema))

    @property
    def kept(self) -> list[Version]:
        """The versions that the learner would have kept, or a shard may still ask for, by boundary."""
        self._let_go()
        return [found.version for found in self._kept.values()]

    def feed(self, entries: Sequence[Entry]) -> None:
        """Outputs that stand in a shard's outbox; the examples among them are learned when their boundary comes."""
        for entry in entries:
            if entry.topic == "examples":
                # Where they will stand in Kafka is not known yet (streams/history/backfill/run.py).
                self.learning.feed(entry.partition, 0, entry.sequence, entry.value)
                self._fed.set()

    def go_on(self, other: HistoryVersions) -> None:
        """Go on where another stands."""
        self.learning, self._kept = other.learning, other._kept

    def learn(self) -> None:
        """Make every version that can be made."""
        while (version := self.learning.next_version()) is not None:
            self._kept[version.boundary] = self._in_force(version)
            self._let_go()

    def _let_go(self) -> None:
        """Of the versions that are older than those the learner keeps, when no shard can need them any more.

        Where the store went back, what is public, and so what is learned, is any number of boundaries ahead of a shard.
        """
        forget_outlived(self._kept, self.learning.boundary, self._settings, self._oldest)

    async def named(self, name: VersionName, waits: Waits) -> InForce:
        return await self.at(name.boundary, waits) if name.boundary != UNTRAINED else self.untrained()

    async def at(self, boundary: int, waits: Waits) -> InForce:
        """The version of a boundary, waiting for it with an alarm; before the first one the untrained model."""
        started = time.monotonic()
        while True:
            self.learn()
            if boundary in self._kept:
                return self._kept[boundary]
            if self.learning.origin is not None and boundary < self.learning.origin:
                return self.untrained()
            if not self.patient:
                older = [at for at in self._kept if at < boundary]
                return self._kept[max(older)] if older else self.untrained()
            waits("version", f"of boundary {boundary}")
            self._fed.clear()
            try:
                # asyncio.wait_for of Python 3.11 swallows a cancellation that comes as the event does.
                async with asyncio.timeout(ALARM_EVERY_S):
                    await self._fed.wait()
            except TimeoutError:
                logger.warning(
                    "model version %d is not there after %.0f s: the last one is of %s, examples are in up to %s",
                    boundary,
                    time.monotonic() - started,
                    self.learning.boundary,
                    self.learning.lowest_mark(),
                )

    async def newest(self, most: int, waits: Waits, beside: str = FIRST) -> InForce | None:
        return await self.at(most, waits)

    async def stored(self, name: VersionName, copy: bytes | None, waits: Waits) -> InForce | None:
        """None unless it is here: whoever began anew learns it again from the examples."""
        return self.untrained() if name.boundary == UNTRAINED else self._kept.get(name.boundary)

    def untrained(self) -> InForce:
        version = initial_version(self._settings)
        return InForce(version, scorer_of(version, self._settings))
