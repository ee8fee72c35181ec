"""What the worker looks at before it starts, and says: topics, time, transactions, how durable Redis is, its rights.

The checks are those of `retention doctor` (streams/doctor), as far as a worker can't do without them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from streams.backfill_plan import refuse_unfinished
from streams.config import Config, without_password
from streams.doctor import topics
from streams.doctor.finding import Status
from streams.doctor.producing import NO_TRANSACTIONS, PRODUCERS_TIME
from streams.doctor.redis import every, eviction, persistence
from streams.doctor.redis_nodes import look_at
from streams.errors import TopicUnfit
from streams.kafka_access import rights_missing
from streams.kafka_errors import BrokerUnreachable
from streams.kafka_rights import lacking
from streams.kafka_security import kafka_connection
from streams.outbox import PublisherUnavailable
from streams.publisher import supports_transactions
from streams.redis_security import redis_connection
from streams.store.connection import connect
from streams.store.failures import CAUGHT, translated
from streams.store.port import StoreUnavailable
from streams.store.redis import RedisStore
from streams.store.rules import StoreFull
from streams.store.trial import try_out
from streams.topic_admin import TopicAdmin, TopicMissing
from streams.topics import ROLES

logger = logging.getLogger(__name__)

AWAY = (BrokerUnreachable, PublisherUnavailable, StoreUnavailable, StoreFull, OSError)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 10.0


class Surroundings(NamedTuple):
    """partitions: of the input topic. transactional: the broker has transactions."""

    partitions: int
    transactional: bool


async def look_around(config: Config) -> Surroundings:
    """Check and say. Kafka or Redis that can't be reached, or is full, is waited for.

    Raises TopicMissing, TopicUnfit, BackfillUnfinished; BrokerRefused and StoreRefused (certificates, credentials, a
    right that is lacking).
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            surroundings = await look(config)
            await _no_backfill(config)
            return surroundings
        except AWAY as error:
            where = f"Kafka {config.bootstrap_servers}, Redis {without_password(config.redis_url)}"
            logger.warning("waiting for %s: %s; again in %.0f s", where, error, pause)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


async def look(config: Config) -> Surroundings:
    """The same, once. Raises one of `AWAY`, too."""
    partitions = await asyncio.to_thread(_topics, config)
    transactional = await supports_transactions(
        kafka_connection(config), f"{config.app}-probe", timeout_s=config.request_timeout_s
    )
    if not transactional:
        logger.warning("%s %s", config.bootstrap_servers, NO_TRANSACTIONS)
        if config.mode == "live":
            # The embedded broker takes the setting and ignores it.
            logger.warning(PRODUCERS_TIME)
    await look_at_store(config)
    return Surroundings(partitions, transactional)


def _topics(config: Config) -> int:
    """The input's partition count, after a look at every topic."""
    with TopicAdmin(kafka_connection(config)) as admin:
        found = admin.describe(config.topic(role) for role in ROLES)
    if lacks := lacking(config, found):
        raise rights_missing(kafka_connection(config), lacks)
    if (there := topics.existence(config, found)).status is Status.PROBLEM:
        raise TopicMissing(there.told)
    for check in (topics.partition_counts, topics.time_type):
        if (finding := check(config, found)).status is Status.PROBLEM:
            raise TopicUnfit(finding.told)
    return found[config.topic("touchpoints")].partitions


async def look_at_store(config: Config) -> None:
    """Say what a crash of Redis may lose, and whether it throws records away; try whether it does all that is needed.

    Raises StoreRefused, StoreUnavailable.
    """
    where = without_password(config.redis_url)
    client = connect(redis_connection(config))
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
    client = connect(redis_connection(config))
    try:
        await refuse_unfinished(RedisStore(client, config.app))
    finally:
        await client.aclose()
