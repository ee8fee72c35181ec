"""Composition root of `retention rebuild --into` and `retention switch`.

The configuration names the application that runs; its settings that decide are those of the new one.
"""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from streams.bootstrap.kernels import warm_up
from streams.bootstrap.past_log import Given, past_log
from streams.bootstrap.preflight import Environment
from streams.bootstrap.rebuild import LogAccess, refuse_incomplete
from streams.bootstrap.servers import ServersUnavailable, checked
from streams.bootstrap.worker import publisher_of
from streams.config import Config
from streams.errors import EngineError
from streams.kafka.partition_facts import LogFacts
from streams.operations.rebuild.history import PastLog
from streams.operations.rebuild.log_rounds import Rounds
from streams.operations.switch.begin import begin, positions_of
from streams.operations.switch.follower import NOT_YET, Follower, FollowSettings
from streams.operations.switch.handover import Switch
from streams.operations.switch.settings import Switched, SwitchSettings
from streams.outbox.relay import Outgoing
from streams.shard.rebuild_plan import NAMESPACE
from streams.store.checkpoint import Checkpoint
from streams.store.port import StoreUnavailable
from streams.store.redis.connection import connect
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore

T = TypeVar("T")

SHORT_S = 5.0
"""A pass that takes no longer has caught up."""


class SameApplication(EngineError):
    """An application can't follow itself."""

    remedy = "--app (RETENTION_APP) names the one that runs, the argument the new one"


class View(Protocol):
    """What is shown meanwhile.

    Implemented by Following (the command line).
    """

    def reached(self, offsets: Mapping[int, int]) -> None: ...
    def told(self, text: str) -> None: ...
    def waits(self, detail: str) -> None: ...


def follow(config: Config, green: str, view: View, history: Given | None = None) -> dict[int, int]:
    """Make the state of `green` beside the running application, until it has caught up; where its shards stand.

    history: the log of the backfill that the running one began with.

    For the main thread. Raises named errors, and KeyboardInterrupt at SIGINT and SIGTERM; may then be run again.
    """
    with tempfile.TemporaryDirectory(prefix="retention-history-") as scratch:
        return _run(config, green, lambda found: _follow(config, found, green, view, history, Path(scratch)))


def switch(config: Config, green: str, view: View) -> Switched:
    """Hand the outputs of the running application over to `green`. As `follow`."""
    return _run(config, green, lambda environment: _switch(config, environment, green, view))


def _run(config: Config, green: str, work: Callable[[Environment], Coroutine[Any, Any, T]]) -> T:
    if green == config.app:
        raise SameApplication(f"{green!r} is the application that runs")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        environment = asyncio.run(checked(config))
        warm_up()
        return asyncio.run(_interruptible(work(environment)))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGTERM, before)


async def _interruptible(work: Awaitable[T]) -> T:
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await work
    except StoreUnavailable as error:
        raise ServersUnavailable(str(error)) from error


async def _follow(
    config: Config, environment: Environment, green: str, view: View, history: Given | None, scratch: Path
) -> dict[int, int]:
    blue_store = RedisStore(connect(redis_connection(config)), config.app)
    green_store = RedisStore(connect(redis_connection(config)), green)
    log = LogAccess(config, environment._replace(engine=config.engine()))
    try:
        past = (await past_log(config, environment, blue_store, history, scratch)).past if history else None
        facts = await log.facts()
        refuse_incomplete(config, facts, past)
        plan = Checkpoint(green_store, NAMESPACE, on_outage=view.waits)
        await begin(plan, blue_store, green_store, config.app, environment.partitions, past is not None)
        follower = Follower(_settings(config, log, facts, past), green_store, view.reached, view.waits)
        try:
            await follower.open()
            took = SHORT_S + 1
            while took > SHORT_S:
                begun = time.monotonic()
                await follower.advance(await positions_of(blue_store, config.app, environment.partitions))
                took = time.monotonic() - begun
            return follower.next_offsets
        finally:
            await follower.close()
    finally:
        await log.close()
        await blue_store.close()
        await green_store.close()


async def _switch(config: Config, environment: Environment, green: str, view: View) -> Switched:
    blue_store = RedisStore(connect(redis_connection(config)), config.app)
    green_store = RedisStore(connect(redis_connection(config)), green)
    log = LogAccess(config, environment._replace(engine=config.engine()))

    def outgoing(shard: int) -> Outgoing:
        publisher = publisher_of(config, environment, log.tails, shard)
        return Outgoing(publisher, shard, config.mode == "live", on_outage=view.waits)

    try:
        facts = await log.facts()
        following = _settings(config, log, facts)
        settings = SwitchSettings(
            config.app,
            green,
            environment.partitions,
            outgoing,
            log.examples(config.engine()),
            following.shards.record_version,
            lambda: Follower(following, green_store, view.reached, view.waits),
        )
        return await Switch(settings, blue_store, green_store, view.told, view.waits).run()
    finally:
        await log.close()
        await blue_store.close()
        await green_store.close()


def _settings(
    config: Config, log: LogAccess, facts: Mapping[int, LogFacts], past: PastLog | None = None
) -> FollowSettings:
    def rounds(starts: Mapping[int, int], ends: Mapping[int, int]) -> Rounds:
        if past is None:
            return log.rounds_between(starts, ends)
        return past.before(starts, lambda behind: log.rounds_between(behind, ends))

    if past is not None:
        facts = {n: one._replace(start=past.starts[n]) for n, one in facts.items()}
    shards = dataclasses.replace(log.shards(), backfill_until=NOT_YET)
    return FollowSettings(shards, log.examples(config.engine()), facts, rounds, config.batch_records)
