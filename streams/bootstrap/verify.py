"""Composition root of `retention verify`. Reads only."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiokafka import TopicPartition

from streams.bootstrap.kernels import warm_up
from streams.bootstrap.past_log import Given, past_log
from streams.bootstrap.preflight import Environment
from streams.bootstrap.rebuild import LogAccess
from streams.bootstrap.servers import ServersUnavailable, checked
from streams.config import Config
from streams.learner.example_reader import LearnerSettings
from streams.learner.model_registry import BEGUN
from streams.operations.rebuild.log_rounds import Rounds
from streams.operations.verify.run import Verification, Verified, VerifySettings
from streams.operations.verify.stored import Chosen
from streams.shard.meta import ShardBody, settings_of
from streams.store.port import LEARNER, StoreUnavailable
from streams.store.redis.connection import connect
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore

Choose = Callable[[RedisStore, int], Awaitable[Chosen]]
"""(store, partitions) -> which customers."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found, and how long it took."""

    verified: Verified
    seconds: float


def verify(
    config: Config,
    choose: Choose,
    watch: Callable[[Mapping[int, int]], None],
    waits: Callable[[str], None],
    history: Given | None = None,
    hears: bool = False,
) -> Outcome:
    """Replay customers and compare.

    Args:
        config: the workers'.
        choose: which customers.
        watch: told the offsets that the shards have reached.
        waits: told for what it waits.
        history: the log of the backfill that the application began with.
        hears: what the replay says of the customers is kept, too.

    Raises:
        EngineError: servers do not answer, or what the replay needs is gone.
    """
    begun = time.monotonic()
    environment = asyncio.run(checked(config))
    warm_up()
    with tempfile.TemporaryDirectory(prefix="retention-history-") as scratch:
        verified = asyncio.run(_work(config, environment, choose, watch, waits, history, Path(scratch), hears))
    return Outcome(verified, time.monotonic() - begun)


async def _work(
    config: Config,
    environment: Environment,
    choose: Choose,
    watch: Callable[[Mapping[int, int]], None],
    waits: Callable[[str], None],
    history: Given | None,
    scratch: Path,
    hears: bool,
) -> Verified:
    store = RedisStore(connect(redis_connection(config)), config.app)
    log = LogAccess(config, environment)

    async def decisions(shard: int) -> list[bytes] | None:
        tp = TopicPartition(config.topic("decisions"), shard)
        last = (await log.tails.read(shard, {tp: 1 << 62})).get(tp)
        outputs = log.outputs(shard)
        await outputs.open()
        try:
            if outputs.shortened("decisions"):
                return None
            return await outputs.adoptions(last[-1][0]) if last else []
        finally:
            await outputs.close()

    async def rounds(starts: Mapping[int, int]) -> Rounds:
        now = await log.facts()
        if past is None:
            return log.rounds(starts, now)
        return past.before(starts, lambda behind: log.rounds(behind, now))

    def examples(body: ShardBody) -> LearnerSettings:
        return log.examples(settings_of(str(body.state.partition), body.creation))

    try:
        past = (await past_log(config, environment, store, history, scratch)).past if history else None
        [begun] = await store.load(LEARNER, [BEGUN])
        facts = await log.facts()
        chosen = await choose(store, environment.partitions)
        settings = VerifySettings(
            config.topic("touchpoints"), facts, examples, decisions, rounds, past=past, took_over=begun is not None
        )
        return await Verification(settings, store, chosen, watch, waits, hears).run()
    except StoreUnavailable as error:
        raise ServersUnavailable(str(error)) from error
    finally:
        await log.close()
        await store.close()
