"""Composition root of `retention verify`. Reads only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from streams.bootstrap.kernels import warm_up
from streams.bootstrap.preflight import Environment
from streams.bootstrap.rebuild import LogAccess
from streams.bootstrap.servers import ServersUnavailable, checked
from streams.config import Config
from streams.learner.example_reader import LearnerSettings
from streams.operations.rebuild.log_rounds import LogRounds
from streams.operations.verify.run import Verification, Verified, VerifySettings
from streams.operations.verify.stored import Chosen
from streams.shard.meta import ShardBody, settings_of
from streams.store.port import StoreUnavailable
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
) -> Outcome:
    """Replay customers and compare.

    Args:
        config: the workers'.
        choose: which customers.
        watch: told the offsets that the shards have reached.
        waits: told for what it waits.

    Raises:
        EngineError: servers do not answer, or what the replay needs is gone.
    """
    begun = time.monotonic()
    environment = asyncio.run(checked(config))
    warm_up()
    verified = asyncio.run(_work(config, environment, choose, watch, waits))
    return Outcome(verified, time.monotonic() - begun)


async def _work(
    config: Config,
    environment: Environment,
    choose: Choose,
    watch: Callable[[Mapping[int, int]], None],
    waits: Callable[[str], None],
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

    async def rounds(starts: Mapping[int, int]) -> LogRounds:
        return log.rounds(starts, await log.facts())

    def examples(body: ShardBody) -> LearnerSettings:
        return log.examples(settings_of(str(body.state.partition), body.creation))

    try:
        facts = await log.facts()
        chosen = await choose(store, environment.partitions)
        settings = VerifySettings(config.topic("touchpoints"), facts, examples, decisions, rounds)
        return await Verification(settings, store, chosen, watch, waits).run()
    except StoreUnavailable as error:
        raise ServersUnavailable(str(error)) from error
    finally:
        await log.close()
        await store.close()
