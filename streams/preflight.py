"""What the worker looks at before it starts, and says: topics, time, transactions, how durable Redis is."""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from redis.exceptions import RedisError, ResponseError

from streams.config import Config, without_password
from streams.errors import TopicUnfit
from streams.outbox import PublisherUnavailable
from streams.publisher import supports_transactions
from streams.store.connection import connect
from streams.topic_admin import (
    CREATE_TIME,
    LOG_APPEND_TIME,
    TIMESTAMP_TYPE,
    BrokerUnreachable,
    TopicAdmin,
    TopicFacts,
    TopicMissing,
)
from streams.topics import OUTPUTS, ROLES

logger = logging.getLogger(__name__)

AWAY = (BrokerUnreachable, PublisherUnavailable, RedisError, OSError)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 10.0


class Surroundings(NamedTuple):
    """partitions: of the input topic. transactional: the broker has transactions."""

    partitions: int
    transactional: bool


async def look_around(config: Config) -> Surroundings:
    """Check and say. Kafka or Redis that can't be reached is waited for. Raises TopicMissing, TopicUnfit."""
    pause = FIRST_PAUSE_S
    while True:
        try:
            return await _look(config)
        except AWAY as error:
            where = f"Kafka {config.bootstrap_servers}, Redis {without_password(config.redis_url)}"
            logger.warning("waiting for %s: %s; again in %.0f s", where, error, pause)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


async def _look(config: Config) -> Surroundings:
    partitions = await asyncio.to_thread(_topics, config)
    transactional = await supports_transactions(
        config.bootstrap_servers, f"{config.app}-probe", timeout_s=config.request_timeout_s
    )
    if not transactional:
        logger.warning(
            "%s has no transactions: outputs are published at least once, with stable ids", config.bootstrap_servers
        )
        if config.mode == "live":
            # The embedded broker takes the setting and ignores it.
            logger.warning(
                "a broker without transactions may keep the producers' time instead of its own: one producer with a "
                "wrong clock would then make everybody else late"
            )
    await _durability(config)
    return Surroundings(partitions, transactional)


def _topics(config: Config) -> int:
    """The input's partition count, after a look at every topic."""
    wanted = {role: config.topic(role) for role in ROLES}
    with TopicAdmin(config.bootstrap_servers) as admin:
        found = admin.describe(wanted.values())
    missing = [name for name in wanted.values() if name not in found]
    if missing:
        raise TopicMissing(f"topics {', '.join(missing)} do not exist on {config.bootstrap_servers}")
    source = found[wanted["touchpoints"]]
    for role in OUTPUTS:
        if found[wanted[role]].partitions != source.partitions:
            raise TopicUnfit(
                f"{wanted[role]} has {found[wanted[role]].partitions} partitions, {source.name} has {source.partitions}"
            )
    if found[wanted["learner"]].partitions != 1:
        raise TopicUnfit(f"{wanted['learner']} has {found[wanted['learner']].partitions} partitions; it must have 1")
    _time_setting(config, source)
    return source.partitions


def _time_setting(config: Config, source: TopicFacts) -> None:
    """Log time must be what the mode says it is."""
    needed = LOG_APPEND_TIME if config.mode == "live" else CREATE_TIME
    if source.timestamp_type != needed:
        raise TopicUnfit(
            f"{source.name} has {TIMESTAMP_TYPE}={source.timestamp_type}; mode {config.mode} needs {needed}"
        )


async def _durability(config: Config) -> None:
    """Say what a crash of Redis may lose. The engine notices and replays; what was lost is never skipped."""
    client = connect(config.redis_url, cluster=config.redis_cluster, timeout_s=config.redis_timeout_s)
    try:
        answer = await client.execute_command("CONFIG", "GET", "append*")
    except ResponseError as error:
        logger.warning("Redis does not tell its persistence (%s): make sure that appendfsync is always", error)
        return
    finally:
        await client.aclose()
    pairs = answer.items() if isinstance(answer, dict) else zip(answer[::2], answer[1::2], strict=True)
    told = {name.decode(): value.decode() for name, value in pairs}
    if told.get("appendonly") == "yes" and told.get("appendfsync") == "always":
        return
    logger.warning(
        "Redis runs with appendonly %s, appendfsync %s: a crash of Redis may lose its last commits. The engine notices "
        "and replays them from the log; in production set appendonly yes and appendfsync always",
        told.get("appendonly"),
        told.get("appendfsync"),
    )
