"""Factory of the Redis client.

Times are bounded and nothing is retried here. The callers of the store retry with their own back-off, every call of
the port may be repeated unchanged, and a second, hidden loop would only multiply the time until a shard notices.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import hiredis
from redis import Redis as BlockingRedis
from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff
from redis.typing import EncodableT

from streams.security.redis_url import PROTOCOL, refusal, without_password
from streams.security.sentinels import Sentinels
from streams.store.redis.packing import Run, flat, pack
from streams.store.redis.security import RedisConnection

Client: TypeAlias = Redis | RedisCluster


class HiredisPacking(AbstractConnection):
    """redis.asyncio packs commands in Python even with hiredis installed; in C it takes half the time. Large commands,
    which end in a run of arguments, are packed by runs.
    """

    def pack_command(self, *args: EncodableT | Run) -> list[bytes]:
        if isinstance(args[-1], Run):
            return pack(args)
        # A name of two words ("CONFIG GET") is two arguments to the server.
        name = args[0]
        parts = tuple(name.encode().split()) if isinstance(name, str) else (name,)
        try:
            return [hiredis.pack_command((*parts, *args[1:]))]
        except TypeError:  # what hiredis does not know (bytearray), redis-py packs or names in a DataError
            return super().pack_command(*flat(args))


class PackedConnection(HiredisPacking, Connection):
    """TCP."""


class PackedSSLConnection(HiredisPacking, SSLConnection):
    """TCP with TLS."""


class PackedUnixConnection(HiredisPacking, UnixDomainSocketConnection):
    """Unix socket."""


class PackedSentinelConnection(HiredisPacking, SentinelManagedConnection):
    """TCP, to the primary that sentinels name."""


class PackedSentinelSSLConnection(HiredisPacking, SentinelManagedSSLConnection):
    """The same with TLS."""


class _SentinelPool(SentinelConnectionPool):
    """Ends the connections to the sentinels with its own."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


_PACKED: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: PackedConnection,
    SSLConnection: PackedSSLConnection,
    UnixDomainSocketConnection: PackedUnixConnection,
}


def connect(
    where: RedisConnection | str,
    *,
    cluster: bool | None = None,
    timeout_s: float | None = None,
    connect_timeout_s: float = 2.0,
    max_connections: int = 256,
) -> Client:
    """A client; connects at its first command.

    An unreachable Redis is known after about the sum of both timeouts. A client by Sentinel asks for the primary
    whenever it connects.

    Args:
        where: the connection; a URL alone is one without user, password and certificates of its own.
        cluster: overrules the connection's.
        timeout_s: longest wait for one reply (a commit under ``appendfsync always`` includes an fsync); None: the
            connection's.
        connect_timeout_s: longest wait for a connection.
        max_connections: per node, and so many calls at once: a store keeps further ones waiting (`Calls`).

    Raises:
        ValueError: the URL can't be used; the message repeats nothing of it that may be secret.
    """
    connection = RedisConnection(where) if isinstance(where, str) else where
    in_cluster = connection.cluster if cluster is None else cluster
    if refused := refusal(connection.url, in_cluster):
        raise ValueError(f"{without_password(connection.url)!r}: {refused}")
    told: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": connection.timeout_s if timeout_s is None else timeout_s,
        "socket_connect_timeout": connect_timeout_s,
        "max_connections": max_connections,
        "protocol": PROTOCOL,
        **connection.arguments(),
    }
    if connection.sentinels is not None:
        return _by_sentinels(connection, connection.sentinels, told)
    if in_cluster:
        return RedisCluster.from_url(connection.url, **told)
    pool = ConnectionPool.from_url(connection.url, **told)
    pool.connection_class = _PACKED[pool.connection_class]
    return Redis.from_pool(pool)


def most_connections(client: Client) -> int:
    """How many connections a client makes to one node."""
    if isinstance(client, RedisCluster):
        return int(client.connection_kwargs["max_connections"])
    return int(client.connection_pool.max_connections)


def _by_sentinels(connection: RedisConnection, where: Sentinels, told: dict[str, Any]) -> Redis:
    """A client that asks the sentinels for the primary at every new connection, and never writes to a replica: after a
    failover its connections end with the first error."""
    of_sentinels = {**connection.sentinel_arguments(), "ssl": True} if where.tls else connection.sentinel_arguments()
    times = {name: told[name] for name in ("retry", "socket_timeout", "socket_connect_timeout", "protocol")}
    manager = cast(Any, Sentinel)(where.hosts, sentinel_kwargs={**times, **of_sentinels})
    made = PackedSentinelSSLConnection if where.tls else PackedSentinelConnection
    return Redis.from_pool(cast(Any, _SentinelPool)(where.service, manager, db=where.db, connection_class=made, **told))


def blocking(connection: RedisConnection) -> BlockingRedis:
    """A client for a program without an event loop."""
    return BlockingRedis.from_url(connection.url, socket_timeout=connection.timeout_s, **connection.arguments())
