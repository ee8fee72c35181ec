"""Opens the store for read-only commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.config import Config, ConfigError
from streams.errors import EngineError
from streams.store.port import StoreUnavailable
from streams.store.redis.connection import connect
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore
from streams.store.redis.transport import transport_named


class RedisUnreachable(EngineError):
    """No Redis answers."""

    remedy = "start Redis, or name another with --redis-url or RETENTION_REDIS_URL"


@asynccontextmanager
async def store_of(config: Config) -> AsyncIterator[RedisStore]:
    """The application's store, until the block ends. Raises ConfigError; in the block, RedisUnreachable."""
    where = config.shown_redis_url
    try:
        client = connect(redis_connection(config))
    except ValueError as error:
        raise ConfigError(f"redis_url is {error}; set RETENTION_REDIS_URL") from error
    store = RedisStore(client, config.app)
    try:
        async with transport_named(redis_connection(config)):
            yield store
    except StoreUnavailable as error:
        raise RedisUnreachable(f"Redis at {where} does not answer ({error})") from error
    finally:
        await store.close()
