"""Finds out why no connection is made, where the client says only that nobody answers: a Redis that speaks TLS and a
URL that does not, or the reverse, and a sentinel's certificate.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisClusterException
from redis.exceptions import TimeoutError as NoReply

from streams.errors import ExitCode
from streams.security.tls import fault, first_bytes, shake_hands, speaks_tls
from streams.store.port import StoreUnavailable
from streams.store.redis.access import RedisTlsFailed
from streams.store.redis.security import RedisConnection
from streams.store.rules import StoreRefused

PORT = 6379
_UNREACHED = (StoreUnavailable, RedisTlsFailed, NotConnected, NoReply, RedisClusterException, OSError)


class RedisTransportDiffers(StoreRefused):
    """The port speaks TLS and the URL does not, or the URL does and the port does not."""

    code = ExitCode.ACCESS_REFUSED
    remedy = "correct the scheme or the port of RETENTION_REDIS_URL"


@asynccontextmanager
async def transport_named(connection: RedisConnection) -> AsyncIterator[None]:
    """Around the first questions to a Redis, whose errors pass where nothing more is found out.

    Raises RedisTransportDiffers, RedisTlsFailed.
    """
    try:
        yield
    except _UNREACHED as error:
        if found := await asyncio.to_thread(_why, connection):
            raise found from error
        raise


def _why(connection: RedisConnection) -> StoreRefused | None:
    """Blocks for some seconds per server that hangs."""
    for host, port in _places(connection):
        where = f"Redis at {host}:{port}"
        if not connection.encrypted:
            if speaks_tls(host, port):
                told = f"{where} speaks TLS on this port, and the URL does not: give rediss:// or rediss+sentinel://"
                return RedisTransportDiffers(told)
        elif first_bytes(host, port, b"PING\r\n", 1) in (b"+", b"-"):
            told = f"{where} does not speak TLS on this port, and the URL does: give redis:// or redis+sentinel://"
            return RedisTransportDiffers(told)
        elif refused := _refusal(host, port, connection):
            return RedisTlsFailed(f"{where}: {refused}")
    return None


def _refusal(host: str, port: int, connection: RedisConnection) -> str | None:
    """What one side has against the other's certificate. redis-py does not say it of a sentinel."""
    try:
        shake_hands(host, port, connection.tls)
    except OSError as error:
        return fault(error)
    return None


def _places(connection: RedisConnection) -> tuple[tuple[str, int], ...]:
    """Host and port of the servers that the URL names; none for a Unix socket."""
    if connection.sentinels is not None:
        return connection.sentinels.hosts
    url = urlsplit(connection.url)
    return () if url.scheme == "unix" else ((url.hostname or "localhost", url.port or PORT),)
