"""Runs all checks: Kafka and Redis side by side, then the shards; in bounded time; no check stops another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from models.decisions.policy.retention_types import periods_of
from streams.config import Config
from streams.errors import StateUnreadable
from streams.kafka.errors import BrokerUnreachable
from streams.operations.doctor import local
from streams.operations.doctor.finding import Finding
from streams.operations.doctor.kafka_section import KafkaSection, ends
from streams.operations.doctor.redis_section import RedisSection
from streams.operations.doctor.section import Section

REDIS_ADDRESS = "start Redis, or correct RETENTION_REDIS_URL (address, user, password)"


LOOK_AGAIN_S = 2.0
"""A replay that goes on has moved meanwhile."""


async def examine(config: Config, *, read_only: bool = False) -> AsyncIterator[Finding]:
    """One finding for each of `CHECKS`, in order, as they come.

    read_only: no topic is created to try a transaction and to read the broker's clock, and no namespace in Redis to try
    the store's scripts.
    """
    kafka = KafkaSection("kafka.reachable", BrokerUnreachable.remedy)
    redis = RedisSection("redis.reachable", REDIS_ADDRESS, f"Redis at {config.shown_redis_url}: ")
    asking = asyncio.create_task(redis.ask(redis.examine(config, read_only=read_only)))
    try:
        await kafka.ask(kafka.examine(config, read_only=read_only))
        for section in ("kafka", "topics"):
            for finding in kafka.completed(section):
                yield finding
        await asking
        for finding in redis.completed("redis"):
            yield finding
        state = Section("shards.state", "read the message above")
        await state.ask(_shards(config, kafka, redis, state))
        for finding in state.completed("shards"):
            yield finding
        source = kafka.topics.get(config.topic("touchpoints"))
        yield local.environment()
        yield local.open_files(source.partitions if source else config.partitions, kafka.brokers)
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await redis.close()
        kafka.close()


async def _shards(config: Config, kafka: KafkaSection, redis: RedisSection, state: Section) -> None:
    topic = kafka.topics.get(config.topic("touchpoints"))
    for needed, section in (("kafka.reachable", kafka), ("topics.exist", kafka), ("redis.reachable", redis)):
        if not section.fine(needed):
            state.waits_for("shards", needed)
            return
    if redis.usable is None or topic is None:
        state.waits_for("shards", "redis.cluster")
        return
    from streams.operations.doctor import shards  # loads River
    from streams.operations.doctor.churn_rate import churn_rate
    from streams.operations.doctor.limits import retention
    from streams.operations.doctor.model import model
    from streams.operations.policy import newest, shards_now
    from streams.store.redis.store import RedisStore

    # In this order: streams/operations/doctor/shards.py says why.
    group = await kafka.group(config)
    stored = await shards.stored(redis.usable, config.app, topic.partitions)
    bounds = await ends(config, outputs=any(shard.body is None for shard in stored.values()))
    unfinished = await shards.backfill(redis.usable, config.app)
    still = False
    if config.mode == "replay" and not unfinished and shards.waits(stored, bounds):
        before = shards.where(stored, bounds)
        await asyncio.sleep(LOOK_AGAIN_S)
        stored = await shards.stored(redis.usable, config.app, topic.partitions)
        bounds = await ends(config, outputs=any(shard.body is None for shard in stored.values()))
        still = shards.waits(stored, bounds) and shards.where(stored, bounds) == before
    state.why["shards"] = "a backfill is not done" if unfinished else "no shard has worked yet"
    state.found += shards.findings(config, topic, group, stored, bounds, unfinished, still)
    if unfinished is None and any(shard.body is not None for shard in stored.values()):
        state.found.append(await churn_rate(redis.usable, config.app))
        store = RedisStore(redis.usable, config.app)
        with suppress(StateUnreadable):  # which `shards.state` names
            in_force = newest(await shards_now(store, config.app, topic.partitions))
            periods = {} if in_force is None else periods_of(in_force.policy.retention)
            state.found.append(retention(config, kafka.topics, periods))
        state.found.append(await model(store, config, stored))
