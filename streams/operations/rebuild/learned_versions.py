"""Model versions learned again from the examples topic, as shards ask for them.

The same learning over the same examples as the learner's, in one task of its own. It goes no further than the newest
version that was asked for, and keeps no version that no shard can ask for any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import NoReturn

from msgspec.structs import replace

from models.churn import Version, scorer_of
from models.engine.step import InForce
from models.learning.adoption import VersionName
from models.learning.learner import Learning, initial_version
from models.timeline.boundaries import UNTRAINED
from streams.errors import VersionUnreadable
from streams.kafka.access import BrokerRefused
from streams.kafka.errors import KafkaUnavailable
from streams.learner.example_reader import ExamplesReader, LearnerSettings, NewConsumer, kafka_consumer
from streams.learner.in_process import forget_outlived
from streams.learner.lineage import FIRST
from streams.learner.model_registry import sealed_by
from streams.learner.versions import Waits
from streams.retry import Backoff, ignore


class LearnedVersions:
    """A `VersionSource`.

    Args:
        settings: of the learner.
        oldest: the oldest version that a shard may still ask for.
        on_outage: told what it waits for while Kafka is away.
        new_consumer: makes the consumer of the examples.
    """

    def __init__(
        self,
        settings: LearnerSettings,
        oldest: Callable[[], int],
        on_outage: Callable[[str], None] = ignore,
        new_consumer: NewConsumer = kafka_consumer,
    ) -> None:
        self._settings, self._oldest, self._on_outage = settings, oldest, on_outage
        self._new_consumer = new_consumer
        self.learning = Learning(settings.engine, settings.partitions)
        self._kept: dict[int, Version] = {}
        self._wanted = UNTRAINED
        self._up_to: Mapping[int, int] | None = None
        self._asked, self._made = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[NoReturn] | None = None

    @property
    def kept(self) -> list[Version]:
        """The versions that the learner would have kept, or a shard may still ask for, by boundary."""
        self._let_go()
        return list(self._kept.values())

    def start(self) -> None:
        self._task = asyncio.create_task(self._learn())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._task

    async def named(self, name: VersionName, waits: Waits) -> InForce:
        """Raises VersionUnreadable for a version of a lineage that this release does not learn."""
        if name.boundary == UNTRAINED:
            return self.untrained()
        if name.lineage not in (FIRST, self._settings.schema):
            raise VersionUnreadable(f"model version {name.boundary} of lineage {name.lineage} is another release's")
        found = await self.at(name.boundary, waits)
        if not name.lineage or found.version.boundary == UNTRAINED:
            return found
        return found._replace(version=replace(found.version, lineage=name.lineage))

    async def at(self, boundary: int, waits: Waits) -> InForce:
        """The version of a boundary, waiting for it; before the first one the untrained model.

        Raises LogTruncated when examples are gone, StateUnreadable when one is not ours, LookupError when it was let
        go.
        """
        while True:
            if boundary in self._kept:
                version = self._kept[boundary]
                sealed = sealed_by(version, self._settings.schema)
                return InForce(version, scorer_of(version, self._settings.engine), sealed)
            if self.learning.origin is not None and boundary < self.learning.origin:
                return self.untrained()
            if self.learning.boundary is not None and boundary <= self.learning.boundary:
                raise LookupError(f"version {boundary} was let go: no shard was to ask for it any more")
            waits("version", f"of boundary {boundary}, learned again")
            self._wanted = max(self._wanted, boundary)
            await self._next_news()

    async def newest(self, most: int, waits: Waits, beside: str = FIRST) -> InForce | None:
        """None: behind what is public, the version in force stays; a worker adopts the next one."""
        return None

    async def stored(self, name: VersionName, copy: bytes | None, waits: Waits) -> InForce | None:
        """None unless it is the untrained model: every other is learned again."""
        return self.untrained() if name.boundary == UNTRAINED else None

    async def learn_all(self, sequences: Mapping[int, int]) -> None:
        """Learn every example up to these sequence numbers, by shard, and make every version that can be made."""
        self._up_to = sequences
        while any(self.learning.last_sequence(n) < last for n, last in sequences.items()):
            await self._next_news()
        while (version := self.learning.next_version()) is not None:
            self._keep(version)

    async def _next_news(self) -> None:
        if self._task is None:
            raise RuntimeError("the learning is not started")
        self._made.clear()
        self._asked.set()
        waiting = asyncio.ensure_future(self._made.wait())
        try:
            await asyncio.wait((waiting, self._task), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._task.done():
            self._task.result()

    async def _learn(self) -> NoReturn:
        """In a task of its own: a read that is cancelled halfway would lose what it has fetched."""
        reader = ExamplesReader(self._settings, self.learning, self._new_consumer)
        backoff, opened = Backoff(), False
        try:
            while True:
                await self._asked.wait()
                try:
                    if not opened:
                        await reader.open()
                        opened = True
                    if self._behind() and not self._next_version():
                        await reader.read()
                    backoff.reset()
                except (KafkaUnavailable, BrokerRefused) as error:
                    self._on_outage(f"reading examples: {error}")
                    await backoff.pause()
                if not self._behind():
                    self._asked.clear()
                self._made.set()
                await asyncio.sleep(0)
        finally:
            await reader.close()

    def _behind(self) -> bool:
        if self._up_to is not None:
            return any(self.learning.last_sequence(n) < last for n, last in self._up_to.items())
        boundary, origin = self.learning.boundary, self.learning.origin
        return boundary is None or boundary < self._wanted or origin is None

    def _next_version(self) -> bool:
        version = self.learning.next_version()
        if version is not None:
            self._keep(version)
        return version is not None

    def _keep(self, version: Version) -> None:
        self._kept[version.boundary] = version
        self._let_go()

    def _let_go(self) -> None:
        forget_outlived(self._kept, self.learning.boundary, self._settings.engine, self._oldest)

    def untrained(self) -> InForce:
        version = initial_version(self._settings.engine)
        return InForce(version, scorer_of(version, self._settings.engine))
