"""Composition root of `retention upgrade check`. Writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing

from streams.bootstrap.preflight import Environment, look_at_topics
from streams.bootstrap.rebuild import LogAccess
from streams.bootstrap.servers import an_outage_ends
from streams.config import Config
from streams.kafka.access import BrokerRefused
from streams.kafka.errors import BrokerUnreachable
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import kafka_connection
from streams.kafka.transactions import supports_transactions
from streams.operations.doctor.broker import BrokerChecks
from streams.operations.upgrade.predictions import Watch
from streams.operations.upgrade.run import Checked, Ports, Wanted, check
from streams.operations.upgrade.shards import Workers
from streams.store.redis.connection import connect
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore
from streams.store.redis.transport import transport_named


def check_upgrade(config: Config, wanted: Wanted, watch: Watch, waits: Callable[[str], None]) -> Checked:
    """Look at what is stored as workers of this release would.

    Args:
        config: the workers'.
        wanted: of the comparison of predictions.
        watch: told how far the relearning is.
        waits: told for what it waits.

    Raises:
        EngineError: servers do not answer, or the topics are not fit.
    """
    with an_outage_ends(config):
        return asyncio.run(_check(config, wanted, watch, waits))


async def _check(config: Config, wanted: Wanted, watch: Watch, waits: Callable[[str], None]) -> Checked:
    store = RedisStore(connect(redis_connection(config)), config.app)
    try:
        source = (await asyncio.to_thread(look_at_topics, config))[config.topic("touchpoints")]
        transactional = await supports_transactions(
            kafka_connection(config), f"{config.app}-probe", timeout_s=config.request_timeout_s
        )
        environment = Environment(source.partitions, transactional, config.engine(), topic_id=source.topic_id)
        log = LogAccess(config, environment)
        workers = Workers(config.engine(), config.mode, source.partitions, config.write_format == "newest")

        async def facts() -> dict[int, LogFacts]:
            committed = await asyncio.to_thread(_committed, config)
            return {n: one._replace(committed=committed.get(n)) for n, one in (await log.facts()).items()}

        try:
            async with transport_named(redis_connection(config)):
                return await check(store, workers, Ports(facts, log.examples), wanted, watch, waits)
        finally:
            await log.close()
    finally:
        await store.close()


def _committed(config: Config) -> dict[int, int]:
    """The group's offsets of the input, as far as the cluster tells: a fresh one has no coordinator yet."""
    try:
        with closing(BrokerChecks(kafka_connection(config))) as checks:
            found = checks.group(config.app).committed
    except (BrokerUnreachable, BrokerRefused):
        return {}
    return {tp.partition: offset for tp, offset in found.items() if tp.topic == config.topic("touchpoints")}
