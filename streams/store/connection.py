"""The client for Redis: built once, by the composition root.

Times are bounded and nothing is retried here. The callers of the store retry with their own back-off, every call of
the port may be repeated unchanged, and a second, hidden loop would only multiply the time until a shard notices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import hiredis
from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.typing import EncodableT

from streams.store.packing import Run, flat, pack

Client: TypeAlias = Redis | RedisCluster

# RESP3 would switch on maintenance notifications, and with them redis-py no longer checks that a pooled connection is
# free of unread replies.
PROTOCOL = 2


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
    ValueError: a malformed URL, or one with ``protocol=3``.
    """
    settings: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": timeout_s,
        "socket_connect_timeout": connect_timeout_s,
        "max_connections": max_connections,
        "protocol": PROTOCOL,
    }
    if cluster:
        nodes = RedisCluster.from_url(url, **settings)
        _check_protocol(nodes.connection_kwargs)
        return nodes
    pool = ConnectionPool.from_url(url, **settings)
    _check_protocol(pool.connection_kwargs)
    pool.connection_class = _PACKED[pool.connection_class]
    return Redis.from_pool(pool)


def _check_protocol(settings: Mapping[str, Any]) -> None:
    # Options in a URL win over those given beside it.
    if settings["protocol"] != PROTOCOL:
        raise ValueError(f"protocol {settings['protocol']} in the URL of Redis: must be {PROTOCOL}; leave it out")
