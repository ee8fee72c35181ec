"""The learner at work: all examples partitions, merged in the order of the log, into one model version a boundary.

Whoever owns the one partition of the learner topic runs it. Its consumer is assigned by hand and reads committed
examples only. State, offsets and the versions cut are one compare-and-set write, so a crash re-reads from the last one
and cuts the same versions again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from faust.types import TP

from models.churn import SnapshotRefused, Version, seal, unseal
from models.learning import ExamplesGap, Learning, LearningState
from models.settings import EngineSettings
from streams.checkpoint import Checkpoint
from streams.crash_points import point
from streams.errors import LearnerStateRefused, LogTruncated, MetaMissing, StateUnreadable
from streams.log_facts import LogFacts
from streams.versions import CUT, ORIGIN, name_of

logger = logging.getLogger(__name__)

AHEAD = 50_000
"""Messages of one shard waiting for slower shards; its partition is paused beyond, which bounds the memory."""
IN_ONE_WRITE = 64
"""Versions in one commit."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class LearnerSettings:
    """partitions: of the input, hence of the examples topic. schema: names the model (models.churn.schema_of)."""

    engine: EngineSettings
    bootstrap_servers: str
    examples_topic: str
    partitions: int
    schema: str
    isolation_level: str


def kafka_consumer(settings: LearnerSettings) -> Any:
    """A consumer of the examples, assigned by hand, not started."""
    return AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        isolation_level=settings.isolation_level,
        auto_offset_reset="none",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,  # what a shard in lockstep waits for passes through here
    )


class LearnerOwner:
    """The owner of the learner's partition."""

    reads = False
    busy = False
    fence = 0

    def __init__(
        self,
        tp: TP,
        generation: int,
        settings: LearnerSettings,
        checkpoint: Checkpoint,
        on_version: Callable[[Version], None] = lambda version: None,
        new_consumer: Callable[[LearnerSettings], Any] = kafka_consumer,
    ) -> None:
        self.tp, self.generation = tp, generation
        self._settings, self._checkpoint, self._on_version = settings, checkpoint, on_version
        self._new_consumer = new_consumer
        self._learning: Learning | None = None
        self._refused: LearnerStateRefused | None = None
        self._consumer: Any = None
        self._paused: set[int] = set()

    # -- takeover: the same steps as a shard's; there is no outbox to recover

    async def peek(self) -> bool:
        return await self._checkpoint.read() is not None

    async def mint(self) -> None:
        meta = await self._checkpoint.mint()
        if meta is None:
            return
        try:
            state = unseal(meta.body, self._settings.schema, LearningState)
            self._learning = Learning(self._settings.engine, self._settings.partitions, state)
        except SnapshotRefused as error:
            self._refused = LearnerStateRefused(f"the learner's state: {error}")

    async def check(self, facts: LogFacts) -> None:
        """A learner that never was starts from the earliest example; it may, since that gives the same model."""
        if self._learning is not None or self._refused is not None:
            return
        learning = Learning(self._settings.engine, self._settings.partitions)
        await self._checkpoint.create(self._sealed(learning))
        self._learning = learning

    async def recover(self) -> None:
        """Open the consumer where the state stands.

        A refused state is told only here, after the shards' own checks: a changed setting or partition count is what
        makes it foreign, and that error has the better remedy.
        """
        if self._refused is not None:
            raise self._refused
        await self._open()

    def hand_over(self, records: list[Any]) -> None:
        raise ValueError(f"{len(records)} records on the learner's partition; nobody may write to it")

    # -- work

    @property
    def learning(self) -> Learning:
        if self._learning is None:
            raise MetaMissing("the learner has not been taken over")
        return self._learning

    async def run(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                fetched = await self._consumer.getmany(timeout_ms=1_000)
                pause = FIRST_PAUSE_S
            except OffsetOutOfRangeError as error:
                raise LogTruncated(f"examples the learner has not read are gone: {error}") from error
            except KafkaError as error:
                logger.warning("reading examples: %s; again in %.1f s", error, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
                continue
            for tp, messages in fetched.items():
                self._feed(tp.partition, messages)
            while versions := self._next_versions():
                await self._commit(versions)
            self._balance()

    async def ended(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    def _feed(self, shard: int, messages: Sequence[Any]) -> None:
        for message in messages:
            try:
                count = int(dict(message.headers)["count"])
                self.learning.feed(shard, message.offset, count, message.value)
            except ExamplesGap as error:
                raise LogTruncated(str(error)) from error
            except (KeyError, ValueError, msgspec.DecodeError) as error:
                where = f"{self._settings.examples_topic} {shard} at offset {message.offset}"
                raise StateUnreadable(f"{where} is not an example of ours: {error!r}") from error

    def _next_versions(self) -> list[Version]:
        versions: list[Version] = []
        while len(versions) < IN_ONE_WRITE and (version := self.learning.next_version()) is not None:
            versions.append(version)
        return versions

    async def _commit(self, versions: Sequence[Version]) -> None:
        """Versions, state and offsets in one write; versions that no shard can need any more leave."""
        engine, schema = self._settings.engine, self._settings.schema
        # A shard whose watermark is b may still ask for the version of the last boundary <= b - D.
        kept = (-(-engine.version_delay // engine.boundary) + 2) * engine.boundary
        gone = [version.boundary - kept for version in versions]
        # A learner that catches up cuts and outlives a version in one write; the store removes before it sets.
        values = [(name_of(v.boundary), seal(v, schema)) for v in versions if v.boundary not in gone]
        values += [(ORIGIN, str(self.learning.origin).encode()), (CUT, str(versions[-1].boundary).encode())]
        removed = [name_of(boundary) for boundary in gone]
        point("learner.a.learned")
        await self._checkpoint.write(self._sealed(self.learning), values=values, removed=removed)
        point("learner.b.written")
        self._on_version(versions[-1])

    def _sealed(self, learning: Learning) -> bytes:
        return seal(learning.state(), self._settings.schema)

    async def _open(self) -> None:
        consumer = self._consumer = self._new_consumer(self._settings)
        try:
            await self._seek(consumer)
        except BaseException:
            await self.ended()  # the step may be tried again
            raise

    async def _seek(self, consumer: Any) -> None:
        settings = self._settings
        await consumer.start()
        tps = [TopicPartition(settings.examples_topic, n) for n in range(settings.partitions)]
        consumer.assign(tps)
        starts = await consumer.beginning_offsets(tps)
        for tp, shard in zip(tps, self.learning.shards, strict=True):
            if starts[tp] > shard.offset:
                raise LogTruncated(
                    f"examples of shard {tp.partition} start at {starts[tp]}, the learner stands at {shard.offset}"
                )
            consumer.seek(tp, shard.offset)

    def _balance(self) -> None:
        """Pause the partitions that are far ahead, and let those on that no longer are."""
        for tp in self._consumer.assignment():
            ahead = self.learning.ahead(tp.partition) > AHEAD
            if ahead and tp.partition not in self._paused:
                self._consumer.pause(tp)
                self._paused.add(tp.partition)
            elif not ahead and tp.partition in self._paused:
                self._consumer.resume(tp)
                self._paused.discard(tp.partition)
