"""The client for Redis: built once, by the composition root.

Times are bounded and nothing is retried here. The callers of the store retry with their own back-off, every call of
the port may be repeated unchanged, and a second, hidden loop would only multiply the time until a shard notices.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import hiredis
from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.typing import EncodableT

from streams.redis_url import PROTOCOL, refusal, without_password
from streams.store.packing import Run, flat, pack

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
        words = tuple(name.encode().split()) if isinstance(name, str) else (name,)
        try:
            return [hiredis.pack_command((*words, *args[1:]))]
        except TypeError:  # what hiredis does not know (bytearray), redis-py packs or names in a DataError
            return super().pack_command(*flat(args))


class PackedConnection(HiredisPacking, Connection):
    """TCP."""


class PackedSSLConnection(HiredisPacking, SSLConnection):
    """TCP with TLS."""


class PackedUnixConnection(HiredisPacking, UnixDomainSocketConnection):
    """Unix socket."""


_PACKED: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: PackedConnection,
    SSLConnection: PackedSSLConnection,
    UnixDomainSocketConnection: PackedUnixConnection,
}


def connect(
    url: str,
    *,
    cluster: bool = False,
    timeout_s: float = 5.0,
    connect_timeout_s: float = 2.0,
    max_connections: int = 256,
) -> Client:
    """A client for `url` (``redis://``, ``rediss://``, ``unix://``); connects at its first command.

    timeout_s bounds the wait for one reply (a commit under ``appendfsync always`` includes an fsync), connect_timeout_s
    that for a connection: an unreachable Redis is known after about their sum. max_connections (per node) must be no
    less than the calls in flight at once: one per owned shard, and a few for the learner and look-ups.
    ValueError: a URL that can't be used; it repeats nothing of it that may be secret.
    """
    if told := refusal(url, cluster):
        raise ValueError(f"{without_password(url)!r}: {told}")
    settings: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": timeout_s,
        "socket_connect_timeout": connect_timeout_s,
        "max_connections": max_connections,
        "protocol": PROTOCOL,
    }
    if cluster:
        return RedisCluster.from_url(url, **settings)
    pool = ConnectionPool.from_url(url, **settings)
    pool.connection_class = _PACKED[pool.connection_class]
    return Redis.from_pool(pool)
