"""Composition root of `retention rebuild`: claims the plan, builds and runs the rebuild."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aiokafka import TopicPartition

from models.customer.versions import version_to_write
from models.learning.schema import schema_of
from models.settings import EngineSettings
from streams.bootstrap.kernels import warm_up
from streams.bootstrap.past_log import Found, Given, past_log, store_plan
from streams.bootstrap.preflight import Environment
from streams.bootstrap.servers import ServersUnavailable, checked
from streams.bootstrap.stored_shards import check_stored_shards
from streams.bootstrap.worker import publisher_of
from streams.config import Config
from streams.errors import EngineError, ExitCode
from streams.kafka.clients import async_reader
from streams.kafka.errors import kafka_call
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import kafka_connection
from streams.kafka.tails import TailReader
from streams.kafka.topics import OUTPUTS
from streams.learner.example_reader import LearnerSettings
from streams.operations.rebuild.claim import claim, clear, finish
from streams.operations.rebuild.comparing import Comparing
from streams.operations.rebuild.history import PastLog
from streams.operations.rebuild.log_rounds import LogRounds
from streams.operations.rebuild.public_outputs import PublicOutputs
from streams.operations.rebuild.run import Done, Progress, Rebuild, RebuildSettings
from streams.shard.rebuild_plan import NAMESPACE, RebuildPlan
from streams.shard.settings import ShardSettings
from streams.store.checkpoint import Checkpoint
from streams.store.port import StoreUnavailable
from streams.store.redis.connection import connect
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore


class LogIncomplete(EngineError):
    """Kafka has deleted the beginning of the input: the state can't be made from what is left."""

    code = ExitCode.LOG_TRUNCATED
    remedy = (
        "restore a Redis backup whose next offsets are still in the log: it catches up by itself as soon as workers "
        "start; keep touchpoints (retention.ms) for longer than the age of the oldest backup, or for ever (-1) to be "
        "able to rebuild without one"
    )


class View(Protocol):
    """What is shown meanwhile.

    Implemented by _View (the command line).
    """

    def begins(self, shards: Sequence[int], facts: Mapping[int, LogFacts]) -> None: ...
    def works(self, progress: Progress) -> None: ...
    def waits(self, detail: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was done."""

    plan: RebuildPlan
    done: Done
    seconds: float


def rebuild(config: Config, named: Collection[int], view: View, history: Given | None = None) -> Rebuilt:
    """Rebuild the shards whose state is lost, and those that are named. For the main thread.

    history: the log of the backfill that the application began with.
    Raises named errors, and KeyboardInterrupt at SIGINT and SIGTERM; may then be run again.
    """
    begun = time.monotonic()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        environment = asyncio.run(checked(config))
        warm_up()  # before the first commit: a call of the store must not time out while a kernel is compiled
        with tempfile.TemporaryDirectory(prefix="retention-history-") as scratch:
            plan, done = asyncio.run(_work(config, environment, named, view, history, Path(scratch)))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGTERM, before)
    return Rebuilt(plan, done, time.monotonic() - begun)


async def _work(
    config: Config,
    environment: Environment,
    named: Collection[int],
    view: View,
    history: Given | None,
    scratch: Path,
) -> tuple[RebuildPlan, Done]:
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    store = RedisStore(connect(redis_connection(config)), config.app)
    try:
        # What an operator may change counts as the other shards were created with, if there are any.
        engine = await check_stored_shards(store, environment.partitions, config.mode, config.engine())
        environment = environment._replace(engine=engine)
        found = await past_log(config, environment, store, history, scratch) if history else Found()
        log = LogAccess(config, environment)
        try:
            facts = await log.facts()
            refuse_incomplete(config, facts, found.past)
            checkpoint = Checkpoint(store, NAMESPACE, on_outage=view.waits)
            plan = await claim(checkpoint, store, environment.partitions, named)
            view.begins(plan.shards, facts)
            plan = await clear(checkpoint, store, plan, store.clear, found.past.until if found.past else 0)
            if found.lost_plan is not None:
                await store_plan(store, found.lost_plan)
            settings = log.settings(facts, view, found.past)
            done = await Rebuild(settings, store, plan, view.works, view.waits).run()
            await finish(checkpoint, plan)
        finally:
            await log.close()
        return plan, done
    except StoreUnavailable as error:
        raise ServersUnavailable(str(error)) from error
    finally:
        await store.close()


def refuse_incomplete(config: Config, facts: Mapping[int, LogFacts], past: PastLog | None = None) -> None:
    """Raises LogIncomplete unless every input partition begins at offset 0, or where a history ends."""
    firsts = past.next_offsets if past is not None else dict.fromkeys(facts, 0)
    if short := {n: one.start for n, one in facts.items() if one.start > firsts[n]}:
        told = ", ".join(f"partition {n} starts at offset {start}" for n, start in short.items())
        raise LogIncomplete(f"{config.topic('touchpoints')} is not whole any more: {told}")


class LogAccess:
    """What rebuild and verify read of an application's topics."""

    def __init__(self, config: Config, environment: Environment) -> None:
        self._config, self._environment = config, environment
        self._connection = kafka_connection(config)
        self._level = "read_committed" if environment.transactional else "read_uncommitted"
        self.tails = TailReader(self._connection, committed=environment.transactional)

    async def close(self) -> None:
        await self.tails.close()

    async def facts(self) -> dict[int, LogFacts]:
        """Of every input partition. Raises KafkaUnavailable, BrokerRefused."""
        topic, partitions = self._config.topic("touchpoints"), self._environment.partitions
        tps = [TopicPartition(topic, n) for n in range(partitions)]
        consumer = self.consumer()
        try:
            async with kafka_call(self._connection, "asking for the log's bounds", "Read"):
                await consumer.start()
                starts = await consumer.beginning_offsets(tps)
        finally:
            await consumer.stop()
        ends = await self.tails.log_ends(tps)
        topic_id = self._environment.topic_id
        return {tp.partition: LogFacts(starts[tp], ends[tp].stable, topic_id, partitions, None) for tp in tps}

    def consumer(self) -> Any:
        """Assigned by hand, not started."""
        return async_reader(self._connection, isolation_level=self._level, fetch_max_wait_ms=50)

    def rounds(self, starts: Mapping[int, int], facts: Mapping[int, LogFacts]) -> LogRounds:
        return self.rounds_between(starts, {n: facts[n].end for n in starts})

    def rounds_between(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> LogRounds:
        return LogRounds(self._connection, self.consumer(), self._config.topic("touchpoints"), starts, ends)

    def outputs(self, shard: int) -> PublicOutputs:
        topics = {role: self._config.topic(role) for role in OUTPUTS}
        return PublicOutputs(self._connection, self.consumer(), topics, shard)

    def examples(self, engine: EngineSettings) -> LearnerSettings:
        """Of a learner. engine: the settings that the shards were created with."""
        return LearnerSettings(
            engine,
            self._connection,
            self._config.topic("examples"),
            self._environment.partitions,
            schema_of(engine),
            self._level,
        )

    def shards(self) -> ShardSettings:
        config = self._config
        return ShardSettings(
            self._environment.engine,
            config.mode,
            config.topic("touchpoints"),
            config.outbox_limit,
            config.clock_ahead_limit_s,
            config.cache_records,
            record_version=version_to_write(config.write_format == "newest"),
        )

    def settings(self, facts: Mapping[int, LogFacts], view: View, past: PastLog | None = None) -> RebuildSettings:
        config, backfilled = self._config, past is not None

        def comparing(shard: int) -> Comparing:
            publisher = publisher_of(config, self._environment, self.tails, shard)
            return Comparing(publisher, self.outputs(shard), shard, config.mode == "live", view.waits, backfilled)

        return RebuildSettings(
            self.shards(),
            self.examples(self._environment.engine),
            facts,
            comparing,
            lambda starts: self.rounds(starts, facts),
            batch_records=config.batch_records,
            past=past,
        )
