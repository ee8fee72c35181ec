"""Watching: what the engine's parts tell, once per batch, becomes metrics, health and log lines.

Health is progress: a worker whose process lives but whose shards stand still is unhealthy, and says which and why.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from aiokafka import TopicPartition

from models.churn import Version
from models.line import ShardState
from streams.metrics import Metrics
from streams.outbox import Entry, PublisherUnavailable
from streams.ownership import Ownership
from streams.tails import TailReader
from streams.web import Progress, WebServer

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


class Watching:
    """Everything that looks at one worker. Its methods are called once per commit, transaction or version."""

    def __init__(self, *, live: bool, stall_after_s: float, host: str, port: int) -> None:
        self.metrics = Metrics()
        self.progress = Progress(stall_after_s)
        self._live, self._host, self._port = live, host, port
        self._web = WebServer(self.metrics, self.progress)
        self._states: dict[int, ShardState] = {}
        self._owned: set[int] = set()

    # -- told by shards

    def committed(
        self, shard: int, before: ShardState, after: ShardState, records: int, seconds: float, store_seconds: float
    ) -> None:
        """A piece of a shard's line is committed."""
        self._states[shard] = after
        self.progress.moved(shard)
        metrics = self.metrics
        metrics.paused(shard, None)
        metrics.committed(shard, before.totals, after.totals, records, seconds, store_seconds)
        metrics.customers(shard, after.bands)
        metrics.fence(shard, after.fence, None, after.time)

    def working(self, shard: int) -> None:
        self.progress.working(shard)

    def waiting(self, shard: int, reason: str, detail: str) -> None:
        """A shard has work that can't be done now. reason: one of `streams.metrics.PAUSES`."""
        self.progress.waiting(shard, f"{reason}: {detail}")
        self.metrics.paused(shard, reason)

    def store_away(self, shard: int) -> Callable[[str], None]:
        """The shard's own listener for outages of the store."""
        return lambda detail: self.waiting(shard, "store", detail)

    def kafka_away(self, shard: int) -> Callable[[str], None]:
        """The shard's own listener for outages of Kafka."""
        return lambda detail: self.metrics.paused(shard, "kafka")

    def outbox(self, shard: int, entries: int) -> None:
        """How many outputs of a shard are committed but not yet public."""
        self.metrics.outbox(shard, entries)

    def idle(self, shard: int) -> None:
        self.progress.idle(shard)
        self.metrics.paused(shard, None)

    def published(self, shard: int) -> Callable[[Sequence[Entry], float], None]:
        """The shard's own listener for published transactions."""

        def listen(entries: Sequence[Entry], seconds: float) -> None:
            now = time.time()
            # In a replay the log's time is not the wall clock's: there is no latency to speak of.
            latencies = [now - e.time / 1000 for e in entries if e.topic == "triggers"] if self._live else []
            self.metrics.published(shard, len(entries), seconds, latencies)

        return listen

    def rejected(self, reason: str) -> None:
        self.metrics.fencing_rejection(reason)

    # -- told by the learner and those who wait for it

    def version_cut(self, version: Version) -> None:
        self.metrics.version(version.boundary, version.quality)
        logger.debug("model version %d: %s", version.boundary, version.quality)

    def learner_trouble(self, detail: str | None) -> None:
        """The learner stands still (why), or no longer does (None)."""
        self.progress.learner_trouble = detail
        self.metrics.learner_trouble(detail is not None)

    # -- looks for itself

    async def run(self, ownership: Ownership, tails: TailReader, topic: str) -> None:
        """Serve HTTP, and follow assignment and lag, until cancelled."""
        port = await self._web.start(self._host, self._port)
        logger.info("metrics, health and readiness on http://%s:%d", self._host, port)
        try:
            while True:
                self._follow_assignment(ownership)
                await self._look_at_lag(tails, topic)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await self._web.stop()

    def _follow_assignment(self, ownership: Ownership) -> None:
        owned = {o.tp.partition for o in ownership.current.values() if o.reads}
        if not ownership.complete:
            self.progress.revoked()
        elif owned != self._owned or not self.progress.ready:
            self.progress.taken_over(owned)
        self.metrics.owned(owned)
        self._owned = owned

    async def _look_at_lag(self, tails: TailReader, topic: str) -> None:
        shards = {shard: self._states[shard] for shard in self._owned if shard in self._states}
        try:
            ends = await tails.high_watermarks(TopicPartition(topic, shard) for shard in shards)
        except PublisherUnavailable as error:
            logger.debug("lag is not known: %s", error)
            return
        for tp, end in ends.items():
            state = shards[tp.partition]
            self.metrics.fence(tp.partition, state.fence, end, state.time)
