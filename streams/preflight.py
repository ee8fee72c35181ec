"""What the worker looks at before it starts, and says: topics, time, transactions, how durable Redis is, its rights.

The checks are those of `retention doctor` (streams/doctor), as far as a worker can't do without them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from streams.backfill_plan import refuse_unfinished
from streams.batch_sizes import limits_of
from streams.config import Config, without_password
from streams.doctor import topics
from streams.doctor.finding import Status
from streams.doctor.producing import NO_TRANSACTIONS, PRODUCERS_TIME
from streams.doctor.redis import every, eviction, persistence
from streams.doctor.redis_nodes import look_at
from streams.errors import TopicUnfit
from streams.kafka_errors import TopicMissing
from streams.kafka_transactions import supports_transactions
from streams.retry import Backoff, Unavailable
from streams.store.connection import connect
from streams.store.failures import CAUGHT, translated
from streams.store.redis import RedisStore
from streams.store.trial import try_out
from streams.topic_admin import TopicAdmin, TopicFacts
from streams.topics import ROLES

logger = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 10.0
"""A worker that is not up yet holds nobody up, and each look asks every topic and Redis node."""


class Surroundings(NamedTuple):
    """partitions: of the input topic. transactional: the broker has transactions. batch_bytes: that a topic takes, by
    topic, as far as the broker tells. topic_id: of the input, empty where the broker has none."""

    partitions: int
    transactional: bool
    batch_bytes: Mapping[str, int] = MappingProxyType({})
    topic_id: str = ""


async def look_around(config: Config) -> Surroundings:
    """Check and say. Kafka or Redis that can't be reached, or is full, is waited for.

    Raises TopicMissing, TopicUnfit, StoreRefused (credentials, a right that is lacking), BackfillUnfinished.
    """
    backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
    while True:
        try:
            surroundings = await look(config)
            await _no_backfill(config)
            return surroundings
        except Unavailable as error:
            where = f"Kafka {config.bootstrap_servers}, Redis {without_password(config.redis_url)}"
            logger.warning("waiting for %s: %s; again in %.0f s", where, error, backoff.pause_s)
        await backoff.pause()


async def look(config: Config) -> Surroundings:
    """The same, once. Raises Unavailable, too."""
    found = await asyncio.to_thread(_topics, config)
    transactional = await supports_transactions(
        config.bootstrap_servers, f"{config.app}-probe", timeout_s=config.request_timeout_s
    )
    if not transactional:
        logger.warning("%s %s", config.bootstrap_servers, NO_TRANSACTIONS)
        if config.mode == "live":
            # The embedded broker takes the setting and ignores it.
            logger.warning(PRODUCERS_TIME)
    await _store(config)
    source = found[config.topic("touchpoints")]
    return Surroundings(source.partitions, transactional, limits_of(found), source.topic_id)


def _topics(config: Config) -> dict[str, TopicFacts]:
    """All topics, after a look at each. Raises TopicMissing, TopicUnfit."""
    with TopicAdmin(config.bootstrap_servers) as admin:
        found = admin.describe(config.topic(role) for role in ROLES)
    if (there := topics.existence(config, found)).status is Status.PROBLEM:
        raise TopicMissing(there.told)
    for check in (topics.partition_counts, topics.time_type, topics.message_size):
        if (finding := check(config, found)).status is Status.PROBLEM:
            raise TopicUnfit(f"{finding.told}; {finding.remedy}")
    return found


async def _store(config: Config) -> None:
    """Say what a crash of Redis may lose, and whether it throws records away; try whether it does all that is needed.

    Raises StoreRefused, StoreUnavailable.
    """
    where = without_password(config.redis_url)
    client = connect(config.redis_url, cluster=config.redis_cluster, timeout_s=config.redis_timeout_s)
    try:
        nodes = await look_at(client, where)
        for finding in (every(nodes, persistence), every(nodes, eviction)):
            if finding.status is not Status.OK:
                logger.warning("%s: %s", finding.told, finding.remedy)
        await try_out(RedisStore(client, config.app))
    except CAUGHT as error:
        # Wrong credentials do not become right by waiting.
        raise translated(error, f"Redis at {where}") from error
    finally:
        await client.aclose()


async def _no_backfill(config: Config) -> None:
    """Before the worker joins its group; its shards look again."""
    client = connect(config.redis_url, cluster=config.redis_cluster, timeout_s=config.redis_timeout_s)
    try:
        await refuse_unfinished(RedisStore(client, config.app))
    finally:
        await client.aclose()
