"""What `retention backfill` does: history read and checked, the plan claimed, the engine built and run.

Beside streams/bootstrap.py the place where a backfill's clients are built.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from models.churn import schema_of
from streams.backfill import Backfill, BackfillSettings, Done, Progress
from streams.backfill_plan import PLACE, SCHEMA, Plan, WorkersRunning, claim
from streams.bootstrap import publisher_of
from streams.checkpoint import Checkpoint
from streams.config import Config, without_password
from streams.doctor.broker import BrokerLook
from streams.errors import EngineError
from streams.examples import LearnerSettings
from streams.history import Course, History, gather
from streams.kernels import warm_up
from streams.log_cut import first_offsets
from streams.log_facts import LogFacts
from streams.outbox import PublisherUnavailable
from streams.preflight import Surroundings, look
from streams.shard_body import birth_of
from streams.shard_settings import ShardSettings
from streams.store.connection import connect
from streams.store.port import StoreUnavailable
from streams.store.redis import RedisStore
from streams.store.rules import StoreFull
from streams.tails import TailReader
from streams.topic_admin import TopicAdmin
from streams.words import moment


class ServersAway(EngineError):
    """Redis or Kafka does not answer."""

    remedy = "start them, or name others with --redis-url and --bootstrap-servers"


class CutAhead(EngineError):
    """A cut in the future of a live topic."""

    remedy = "name a moment that has passed: live takes over at the cut, and what comes before it would be in neither"


class View(Protocol):
    """What is shown meanwhile."""

    def reading(self, events: int) -> None: ...
    def begins(self, history: History, resumed: bool) -> None: ...
    def works(self, progress: Progress) -> None: ...


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What was done. resumed: another run had begun it."""

    history: History
    fences: list[int]
    resumed: bool
    done: Done
    seconds: float


def backfill(config: Config, log: str, until: int, view: View) -> Backfilled:
    """Backfill a log up to the cut `until` (ms). For the main thread.

    Raises named errors, and KeyboardInterrupt at SIGINT and SIGTERM; may then be run again.
    """
    begun = time.monotonic()
    if config.mode == "live" and until > time.time() * 1_000:
        raise CutAhead(f"--until is {moment(until)}, it is {moment(time.time() * 1_000)} now")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _backfill(config, log, until, view, begun)
    finally:
        signal.signal(signal.SIGTERM, before)


def _backfill(config: Config, log: str, until: int, view: View, begun: float) -> Backfilled:
    surroundings = asyncio.run(_look(config))
    warm_up()  # before the first commit: a call of the store must not time out while a kernel is compiled
    with tempfile.TemporaryDirectory(prefix="retention-backfill-") as scratch:
        history = gather(log, until, surroundings.partitions, Path(scratch), view.reading)
        try:
            plan, resumed, done = asyncio.run(_work(config, surroundings, history, view))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    return Backfilled(history, plan.fences, resumed, done, time.monotonic() - begun)


async def _look(config: Config) -> Surroundings:
    try:
        return await look(config)
    except (PublisherUnavailable, StoreUnavailable, StoreFull, OSError) as error:
        where = f"Kafka {config.bootstrap_servers}, Redis {without_password(config.redis_url)}"
        raise ServersAway(f"{where}: {error}") from error


async def _work(config: Config, surroundings: Surroundings, history: History, view: View) -> tuple[Plan, bool, Done]:
    """The plan, whether another run had begun it, and what came of it."""
    if (task := asyncio.current_task()) is not None:
        # Between two commits, as at Ctrl-C; what the event loop does with an exception out of a handler is less clear.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    client = connect(config.redis_url, cluster=config.redis_cluster, timeout_s=config.redis_timeout_s)
    store = RedisStore(client, config.app)
    run = _Run(config, surroundings, store, history, view)
    try:
        plan = await run.claim()
        return plan, run.resumed, await run.work(plan)
    except StoreUnavailable as error:
        raise ServersAway(str(error)) from error
    finally:
        await run.close()
        await store.close()


class _Run:
    """The plan of a history, and the engine that carries it out."""

    def __init__(
        self, config: Config, surroundings: Surroundings, store: RedisStore, history: History, view: View
    ) -> None:
        self._config, self._surroundings, self._store = config, surroundings, store
        self._history, self._view = history, view
        self._engine, self._topic = config.engine(), config.topic("touchpoints")
        self._tails = TailReader(config.bootstrap_servers, committed=surroundings.transactional)
        self._claimed = Checkpoint(store, PLACE)
        self._committed: dict[int, int] = {}
        self.resumed = True

    async def close(self) -> None:
        await self._tails.close()

    async def claim(self) -> Plan:
        wanted = await asyncio.to_thread(self._wanted)
        return await claim(self._claimed, self._store, wanted, self._engine, self._fences, self._nobody_works)

    async def work(self, plan: Plan) -> Done:
        course = Course(self._history, self._engine, plan.fences)
        self._view.begins(self._history, self.resumed)
        return await Backfill(self._settings(), self._store, plan, self._claimed, course, self._view.works).run()

    def _wanted(self) -> Plan:
        with TopicAdmin(self._config.bootstrap_servers) as admin:
            topic = admin.topic(self._topic)
        facts = LogFacts(0, 0, topic.topic_id, topic.partitions, None)
        history = self._history
        birth = birth_of(facts, self._config.mode, self._engine, history.until)
        return Plan(SCHEMA, history.until, history.events, history.digest, birth)

    async def _fences(self) -> list[int]:
        self.resumed = False
        servers, partitions = self._config.bootstrap_servers, self._surroundings.partitions
        return await asyncio.to_thread(first_offsets, servers, self._topic, partitions, self._history.until)

    async def _nobody_works(self) -> None:
        """Where the broker does not tell (the embedded one) the plan alone keeps workers away."""

        def ask() -> None:
            admin = BrokerLook(self._config.bootstrap_servers)
            try:
                group = admin.group(self._config.app)
            finally:
                admin.close()
            if group.members:
                raise WorkersRunning(f"the consumer group {self._config.app} has {group.members} members")
            self._committed = {tp.partition: at for tp, at in group.committed.items() if tp.topic == self._topic}

        await asyncio.to_thread(ask)

    def _settings(self) -> BackfillSettings:
        config, transactional = self._config, self._surroundings.transactional
        return BackfillSettings(
            ShardSettings(
                self._engine,
                config.mode,
                self._topic,
                config.outbox_limit,
                config.clock_ahead_limit_s,
                config.cache_records,
                self._history.until,
            ),
            LearnerSettings(
                self._engine,
                config.bootstrap_servers,
                config.topic("examples"),
                self._surroundings.partitions,
                schema_of(self._engine),
                "read_committed" if transactional else "read_uncommitted",
            ),
            lambda shard: publisher_of(config, self._surroundings, self._tails, shard),
            self._committed.get,
            batch_records=config.batch_records,
        )
