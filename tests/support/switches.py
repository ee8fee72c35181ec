"""Following and switching in the test's own process, on the stores and topics of `tests.support.workers`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, TypeVar

from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.learner.example_reader import LearnerSettings
from streams.operations.rebuild.history import PastLog
from streams.operations.rebuild.log_rounds import LogRounds, Rounds
from streams.operations.switch.begin import begin, positions_of
from streams.operations.switch.follower import NOT_YET, Follower, FollowSettings
from streams.operations.switch.handover import Switch
from streams.operations.switch.settings import Switched, SwitchSettings
from streams.outbox.relay import Outgoing
from streams.shard.rebuild_plan import NAMESPACE
from streams.shard.settings import ShardSettings
from streams.store.checkpoint import Checkpoint
from tests.support.rebuilds import SiteConsumer
from tests.support.workers import TOPIC, MemoryConsumer, MortalPublisher, MortalStore, Site, Worker, _worker

T = TypeVar("T")
CONNECTION = KafkaConnection("")


class ListedStore(MortalStore):
    """A mortal store whose customers can be listed."""

    def __init__(self, worker: Worker, site: Site) -> None:
        super().__init__(worker)
        self._site = site

    async def all_names(self, beginning: bytes) -> AsyncIterator[tuple[str, bytes]]:
        for number in range(len(self._site.logs)):
            for name in self._site.dump(str(number)).values:
                self._worker.must_live()
                if name.startswith(beginning):
                    yield str(number), name


class Switcher(Worker):
    """A process that follows and switches. It may be told to die at a crash point, as a worker."""

    def __init__(self, blue: Site, green: Site, crash: str = "", past: PastLog | None = None) -> None:
        super().__init__(blue, crash)
        self._past = past
        self._green_site = green
        self._of_green = Worker(green)

    async def follow(self) -> dict[int, int] | None:
        """None when it has died on the way."""
        return await asyncio.create_task(self._mortal(self._follow()))

    async def switch(self) -> Switched | None:
        """None when it has died on the way."""
        return await asyncio.create_task(self._mortal(self._switch()))

    async def _mortal(self, work: Coroutine[Any, Any, T]) -> T | None:
        _worker.set(self)
        try:
            return await work
        except asyncio.CancelledError:
            if not self.crashed:
                raise
            return None

    def die(self) -> None:
        super().die()
        self._of_green.die()

    async def _follow(self) -> dict[int, int]:
        blue, green, partitions = self.mortal, self._of_green.mortal, len(self.site.logs)
        await begin(Checkpoint(green, NAMESPACE), blue, green, "blue", partitions, self._past is not None)
        follower = self._follower()
        try:
            await follower.open()
            await follower.advance(await positions_of(blue, "blue", partitions))
            return follower.next_offsets
        finally:
            await follower.close()

    def _learning(self) -> LearnerSettings:
        green = self._green_site
        return LearnerSettings(green.settings, CONNECTION, "examples", len(green.logs), green.schema, "read_committed")

    def _follower(self) -> Follower:
        site, past = self._green_site, self._past
        facts = {
            n: LogFacts(past.starts[n] if past else 0, log[-1].offset + 1, "topic-id", len(site.logs), None)
            for n, log in enumerate(site.logs)
        }
        shards = ShardSettings(
            site.settings, site.mode, TOPIC, site.outbox_limit, site.clock_ahead_limit_s, backfill_until=NOT_YET
        )

        def rounds(starts: Mapping[int, int], ends: Mapping[int, int]) -> Rounds:
            def log(begin: Mapping[int, int]) -> LogRounds:
                return LogRounds(CONNECTION, SiteConsumer(site), TOPIC, begin, ends)

            return log(starts) if past is None else past.before(starts, log)

        return Follower(FollowSettings(shards, self._learning(), facts, rounds, 50), self._of_green.mortal)

    async def _switch(self) -> Switched:
        settings = SwitchSettings(
            "blue",
            "green",
            len(self.site.logs),
            lambda shard: Outgoing(MortalPublisher(self, shard), shard, self.site.mode == "live"),
            self._learning(),
            self.site.record_version,
            self._follower,
            lambda told: MemoryConsumer(self.site.public),
        )
        return await Switch(settings, ListedStore(self, self.site), self._of_green.mortal).run()
