"""Commands packed by hiredis are those that redis-py packs, and the client never retries or waits without bound."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import RedisCluster
from redis.asyncio.connection import Connection
from redis.exceptions import DataError

from streams.store.redis.connection import PackedConnection, PackedSSLConnection, PackedUnixConnection, connect


@pytest.mark.parametrize(
    "command",
    [
        ("PING",),
        ("CONFIG GET", "maxmemory"),
        ("CLIENT SETINFO", "a", "b"),
        ("SET", "Zoë", bytes(range(256))),
        ("LRANGE", b"key", 0, -1),
        ("ZADD", b"key", 1.5, b"", 15_000_000_000_123, 1e300, b"m"),
        ("SET", b"key", bytearray(b"grown"), memoryview(b"seen")),
        ("MSET", *[b"x" * 7_000] * 4),
    ],
)
def test_hiredis_packs_what_redis_py_packs(command: tuple[Any, ...]) -> None:
    assert b"".join(PackedConnection().pack_command(*command)) == b"".join(Connection().pack_command(*command))


@pytest.mark.parametrize("value", [None, True, [b"x"]])
def test_a_value_that_is_no_bytes_is_named(value: Any) -> None:
    with pytest.raises(DataError, match=type(value).__name__):
        PackedConnection().pack_command("SET", b"key", value)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://127.0.0.1:1", PackedConnection),
        ("rediss://127.0.0.1:1", PackedSSLConnection),
        ("unix:///nowhere.sock", PackedUnixConnection),
    ],
)
def test_each_scheme_has_bounded_times_and_no_retries(url: str, kind: Any) -> None:
    client = connect(url, timeout_s=3.0, connect_timeout_s=1.0, max_connections=9)
    assert not isinstance(client, RedisCluster)
    pool: Any = client.connection_pool  # redis-py does not type what its pools make
    connection = pool.make_connection()
    assert isinstance(connection, kind)
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (3.0, 1.0)
    assert connection.retry.get_retries() == 0
    assert pool.max_connections == 9


def test_a_cluster_client_does_not_retry_either() -> None:
    client = connect("redis://127.0.0.1:1", cluster=True)
    assert isinstance(client, RedisCluster)
    assert client.retry.get_retries() == 0


def test_a_malformed_url_is_refused() -> None:
    with pytest.raises(ValueError, match="give redis://"):
        connect("127.0.0.1:6379")


@pytest.mark.parametrize("cluster", [False, True])
def test_another_protocol_in_the_url_is_refused(cluster: bool) -> None:
    with pytest.raises(ValueError, match="option protocol does not take"):
        connect("redis://127.0.0.1:1?protocol=3", cluster=cluster)
