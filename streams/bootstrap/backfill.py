"""Composition root of `retention backfill`: reads history, claims the plan, builds and runs the backfill.

Beside streams/bootstrap/worker.py the place where a backfill's clients are built.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from models.customer.versions import version_to_write
from models.learning.schema import schema_of
from streams.bootstrap.kernels import warm_up
from streams.bootstrap.preflight import Environment
from streams.bootstrap.servers import ServersUnavailable, checked
from streams.bootstrap.worker import publisher_of
from streams.config import Config
from streams.errors import EngineError
from streams.history.backfill.claim import WorkersRunning, claim
from streams.history.backfill.records import Course, History, gather
from streams.history.backfill.run import Backfill, BackfillSettings, Done, Progress
from streams.kafka.admin import TopicAdmin
from streams.kafka.offsets_at_time import first_offsets
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import kafka_connection
from streams.kafka.tails import TailReader
from streams.learner.example_reader import LearnerSettings
from streams.operations.doctor.broker import BrokerChecks
from streams.shard.backfill_plan import NAMESPACE, SCHEMA, Plan
from streams.shard.meta import creation_of
from streams.shard.settings import ShardSettings
from streams.store.checkpoint import Checkpoint
from streams.store.port import StoreUnavailable
from streams.store.redis.connection import connect
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore
from streams.text import moment


class CutOverAhead(EngineError):
    """A cut-over in the future of a live topic."""

    remedy = "name a moment that has passed: live takes over then, and what comes before it would be in neither"


class View(Protocol):
    """What is shown meanwhile.

    Implemented by _View (the command line).
    """

    def reading(self, events: int) -> None: ...
    def begins(self, history: History, resumed: bool) -> None: ...
    def works(self, progress: Progress) -> None: ...
    def waits(self, detail: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What was done. resumed: another run had begun it."""

    history: History
    next_offsets: list[int]
    resumed: bool
    done: Done
    seconds: float


def backfill(config: Config, log: str, until: int, view: View) -> Backfilled:
    """Backfill a log up to the cut-over `until` (ms). For the main thread.

    Raises named errors, and KeyboardInterrupt at SIGINT and SIGTERM; may then be run again.
    """
    begun = time.monotonic()
    if config.mode == "live" and until > time.time() * 1_000:
        raise CutOverAhead(f"--until is {moment(until)}, it is {moment(time.time() * 1_000)} now")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _backfill(config, log, until, view, begun)
    finally:
        signal.signal(signal.SIGTERM, before)


def _backfill(config: Config, log: str, until: int, view: View, begun: float) -> Backfilled:
    environment = asyncio.run(checked(config))
    warm_up()  # before the first commit: a call of the store must not time out while a kernel is compiled
    with tempfile.TemporaryDirectory(prefix="retention-backfill-") as scratch:
        history = gather(log, until, environment.partitions, Path(scratch), view.reading, config.log_gap_days)
        try:
            plan, resumed, done = asyncio.run(_work(config, environment, history, view))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    return Backfilled(history, plan.next_offsets, resumed, done, time.monotonic() - begun)


async def _work(config: Config, environment: Environment, history: History, view: View) -> tuple[Plan, bool, Done]:
    """The plan, whether another run had begun it, and what came of it."""
    if (task := asyncio.current_task()) is not None:
        # Between two commits, as at Ctrl-C; what the event loop does with an exception out of a handler is less clear.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    client = connect(redis_connection(config))
    store = RedisStore(client, config.app)
    run = _Run(config, environment, store, history, view)
    try:
        plan = await run.claim()
        return plan, run.resumed, await run.work(plan)
    except StoreUnavailable as error:
        raise ServersUnavailable(str(error)) from error
    finally:
        await run.close()
        await store.close()


class _Run:
    """The plan of a history, and the engine that carries it out."""

    def __init__(
        self, config: Config, environment: Environment, store: RedisStore, history: History, view: View
    ) -> None:
        self._config, self._environment, self._store = config, environment, store
        self._history, self._view = history, view
        self._engine, self._topic = config.engine(), config.topic("touchpoints")
        self._tails = TailReader(kafka_connection(config), committed=environment.transactional)
        self._claimed = Checkpoint(store, NAMESPACE, on_outage=view.waits)
        self._committed: dict[int, int] = {}
        self.resumed = True

    async def close(self) -> None:
        await self._tails.close()

    async def claim(self) -> Plan:
        wanted = await asyncio.to_thread(self._wanted)
        return await claim(self._claimed, self._store, wanted, self._engine, self._next_offsets, self._nobody_works)

    async def work(self, plan: Plan) -> Done:
        course = Course(self._history, self._engine, plan.next_offsets)
        self._view.begins(self._history, self.resumed)
        view = self._view
        return await Backfill(self._settings(), self._store, plan, self._claimed, course, view.works, view.waits).run()

    def _wanted(self) -> Plan:
        with TopicAdmin(kafka_connection(self._config)) as admin:
            topic = admin.topic(self._topic)
        facts = LogFacts(0, 0, topic.topic_id, topic.partitions, None)
        history = self._history
        creation = creation_of(facts, self._config.mode, self._engine, history.until)
        return Plan(SCHEMA, history.until, history.events, history.digest, creation)

    async def _next_offsets(self) -> list[int]:
        self.resumed = False
        connection, partitions = kafka_connection(self._config), self._environment.partitions
        return await asyncio.to_thread(first_offsets, connection, self._topic, partitions, self._history.until)

    async def _nobody_works(self) -> None:
        """Where the broker does not tell (the embedded one) the plan alone keeps workers away."""

        def ask() -> None:
            admin = BrokerChecks(kafka_connection(self._config))
            try:
                group = admin.group(self._config.app)
            finally:
                admin.close()
            if group.members:
                raise WorkersRunning(f"the consumer group {self._config.app} has {group.members} members")
            self._committed = {tp.partition: at for tp, at in group.committed.items() if tp.topic == self._topic}

        await asyncio.to_thread(ask)

    def _settings(self) -> BackfillSettings:
        config, transactional = self._config, self._environment.transactional
        return BackfillSettings(
            ShardSettings(
                self._engine,
                config.mode,
                self._topic,
                config.outbox_limit,
                config.clock_ahead_limit_s,
                config.cache_records,
                version_to_write(config.write_format == "newest"),
                self._history.until,
            ),
            LearnerSettings(
                self._engine,
                kafka_connection(config),
                config.topic("examples"),
                self._environment.partitions,
                schema_of(self._engine),
                "read_committed" if transactional else "read_uncommitted",
            ),
            lambda shard: publisher_of(config, self._environment, self._tails, shard),
            self._committed.get,
            batch_records=config.batch_records,
        )
