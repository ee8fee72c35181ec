"""Preflight checks of a worker: topics, timestamps, transactions, Redis durability and permissions.

The checks are those of `retention doctor` (streams/operations/doctor), as far as a worker can't do without them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from models.learning.schema import schema_of
from models.settings import EngineSettings
from streams.bootstrap.stored_shards import check_stored_shards
from streams.config import Config
from streams.errors import TopicUnfit
from streams.kafka.access import BrokerRefused, rights_missing
from streams.kafka.admin import TopicAdmin, TopicFacts
from streams.kafka.errors import BrokerUnreachable, TopicMissing
from streams.kafka.rights import lacking
from streams.kafka.security import kafka_connection
from streams.kafka.topics import ROLES
from streams.kafka.transactions import supports_transactions
from streams.learner.lineage import relearning
from streams.operations.doctor import topics
from streams.operations.doctor.finding import Status
from streams.operations.doctor.producing import NO_TRANSACTIONS, PRODUCERS_TIME
from streams.operations.doctor.redis import every, eviction, persistence
from streams.operations.doctor.redis_nodes import ask_nodes
from streams.outbox.batch_sizes import limits_of
from streams.retry import Backoff, Unavailable
from streams.shard.backfill_plan import refuse_unfinished
from streams.shard.rebuild_plan import refuse_following
from streams.shard.switch_plan import refuse_switched_off
from streams.store.redis.connection import connect
from streams.store.redis.errors import CAUGHT, translated
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore
from streams.store.redis.transport import transport_named
from streams.store.redis.trial import try_out

logger = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 10.0
"""A worker that is not up yet holds nobody up, and each look asks every topic and Redis node."""


class Environment(NamedTuple):
    """partitions: of the input topic. transactional: the broker has transactions. batch_bytes: that a topic takes, by
    topic, as far as the broker tells. topic_id: of the input, empty where the broker has none. engine: the settings
    that the shards were created with, or will be."""

    partitions: int
    transactional: bool
    engine: EngineSettings
    batch_bytes: Mapping[str, int] = MappingProxyType({})
    topic_id: str = ""


async def preflight(config: Config) -> Environment:
    """Check and say. Kafka or Redis that can't be reached, or is full, is waited for.

    Raises TopicMissing, TopicUnfit, BackfillUnfinished; SettingsChanged and NewerRelease (the shards that exist);
    BrokerRefused and StoreRefused (certificates, credentials, a right that is lacking).
    """
    backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
    while True:
        try:
            environment = await check_servers(config)
            return environment._replace(engine=await _look_at_shards(config, environment.partitions))
        except Unavailable as error:
            where = f"Kafka {config.bootstrap_servers}, Redis {config.shown_redis_url}"
            logger.warning("waiting for %s: %s; again in %.0f s", where, error, backoff.pause_s)
        await backoff.pause()


async def check_servers(config: Config) -> Environment:
    """The same, once. Raises Unavailable, too."""
    found = await asyncio.to_thread(look_at_topics, config)
    transactional = await supports_transactions(
        kafka_connection(config), f"{config.app}-probe", timeout_s=config.request_timeout_s
    )
    if not transactional:
        logger.warning("%s %s", config.bootstrap_servers, NO_TRANSACTIONS)
        if config.mode == "live":
            # The embedded broker takes the setting and ignores it.
            logger.warning(PRODUCERS_TIME)
    await look_at_store(config)
    source = found[config.topic("touchpoints")]
    return Environment(source.partitions, transactional, config.engine(), limits_of(found), source.topic_id)


def look_at_topics(config: Config) -> dict[str, TopicFacts]:
    """All topics, after a look at each. Raises TopicMissing, TopicUnfit."""
    with TopicAdmin(kafka_connection(config)) as admin:
        found = admin.describe(config.topic(role) for role in ROLES)
        _look_for_others(config, admin)
    if lacks := lacking(config, found):
        raise rights_missing(kafka_connection(config), lacks)
    if (there := topics.existence(config, found)).status is Status.PROBLEM:
        raise TopicMissing(there.text)
    for check in (topics.partition_counts, topics.time_type, topics.message_size):
        if (finding := check(config, found)).status is Status.PROBLEM:
            raise TopicUnfit(f"{finding.text}; {finding.remedy}")
    return found


def _look_for_others(config: Config, admin: TopicAdmin) -> None:
    """A warning where another deployment goes by the same application name."""
    try:
        told = topics.shared_app(config, admin.read_by(config.app))
    except (BrokerUnreachable, BrokerRefused) as error:  # a fresh cluster has no coordinator yet
        logger.debug("whether another deployment is called %s is not known: %s", config.app, error)
        return
    if told is not None:
        logger.warning("%s; %s", told, topics.OWN_APP)


async def look_at_store(config: Config) -> None:
    """Say what a crash of Redis may lose, and whether it throws records away; try whether it does all that is needed.

    Raises StoreRefused, StoreUnavailable.
    """
    where = config.shown_redis_url
    client = connect(redis_connection(config))
    try:
        async with transport_named(redis_connection(config)):
            nodes = await ask_nodes(client, where)
        for finding in (every(nodes, persistence), every(nodes, eviction)):
            if finding.status is not Status.OK:
                logger.warning("%s: %s", finding.text, finding.remedy)
        await try_out(RedisStore(client, config.app))
    except CAUGHT as error:
        # Wrong credentials do not become right by waiting.
        raise translated(error, f"Redis at {where}") from error
    finally:
        await client.aclose()


async def _look_at_shards(config: Config, partitions: int) -> EngineSettings:
    """Whether they are for this worker; and a word where this release learns all anew. Before the worker joins its
    group; its shards look again. Returns the settings that they were created with."""
    client = connect(redis_connection(config))
    try:
        store = RedisStore(client, config.app)
        await refuse_unfinished(store)
        await refuse_switched_off(store)
        await refuse_following(store)
        engine = await check_stored_shards(store, partitions, config.mode, config.engine())
        if (relearns := await relearning(store, schema_of(engine))) is not None:
            logger.warning("%s; live shards go on with the version in force meanwhile", relearns)
        return engine
    finally:
        await client.aclose()
