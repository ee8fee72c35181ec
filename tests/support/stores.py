"""What the tests of the store share: the store under test, a look behind its back, a one-node Redis Cluster."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from models.customer.tombstone import is_short
from models.customer.versions import upgraded
from streams.local.embedded import EmbeddedRedis
from streams.local.processes import LOOPBACK, free_port
from streams.store.fake import Snapshot
from streams.store.port import Meta, Store
from streams.store.redis.due_buckets import Layout, Shape, buckets_of

SLOTS = 16_384
BUS_OFFSET = 10_000
"""A cluster node listens on this much above its port too."""


@dataclass(frozen=True)
class Bench:
    """A store, and the contents of a place as `dump(place)` sees them behind the store's back."""

    store: Store
    dump: Callable[[str], Snapshot]


def admin(server: EmbeddedRedis) -> Any:
    """A blocking client for what a test does behind the store's back (Any: redis-py types its answers as perhaps
    awaitable)."""
    return redis.Redis(port=server.port, protocol=2)


def dump(server: EmbeddedRedis, app: str, place: str) -> Snapshot:
    """All keys of a place; fails on one whose type is not that of its role."""
    prefix = b"{%s:%s}:" % (app.encode(), place.encode())
    meta: Meta | None = None
    values: dict[bytes, bytes] = {}
    outbox: tuple[bytes, ...] = ()
    with admin(server) as client:
        for key in client.scan_iter(prefix + b"*", count=10_000):
            name = key.removeprefix(prefix)
            if name == b"meta":
                fields = client.hgetall(key)
                meta = Meta(fields[b"token"], int(fields[b"number"]), fields[b"nonce"], fields[b"body"])
            elif name == b"due":
                continue
            elif name == b"outbox":
                outbox = tuple(client.lrange(key, 0, -1))
            else:
                values[name] = client.get(key)
        return Snapshot(meta, values, dump_dues(client, prefix), outbox)


def dump_dues(client: Any, prefix: bytes) -> dict[bytes, float]:
    """The whole due set of the place with that prefix (b"{app:place}:"); fails when its buckets do not fit together."""
    weekly, checksums, count = client.hmget(prefix + b"meta", Layout.WEEK, Layout.CHECKSUM, "dues")
    shape = Shape(int(weekly or checksums or 1), layout=Layout.WEEK if weekly else Layout.CHECKSUM)
    dues: dict[bytes, float] = {}
    heads: dict[bytes, float] = {}
    for key in client.scan_iter(prefix[:-1] + b"due:*", count=10_000):
        members = client.zrange(key, 0, -1, withscores=True)
        bucket = int(key.rpartition(b":")[2])
        assert set(buckets_of([member for member, _ in members], shape)) == {bucket}, f"not all of {key!r} belong there"
        dues.update(members)
        heads.update(members[:1])
    assert heads == dict(client.zrange(prefix + b"due", 0, -1, withscores=True)), "the due set's first members differ"
    assert len(dues) == int(count or 0), f"the due set counts {count!r} members and has {len(dues)}"
    return dues


def in_this_version(records: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Stored records as this release has them: workers write what the release before reads, too. A tombstone has the
    same bytes in all versions, and must have them."""
    return {name: value if is_short(value) else upgraded(name, value) for name, value in records.items()}


def everything(server: EmbeddedRedis) -> dict[bytes, bytes]:
    """All keys of the server in Redis's own serialisation."""
    with admin(server) as client:
        return {key: client.dump(key) for key in client.keys("*")}


def cluster_node(directory: Path, **more: str) -> EmbeddedRedis:
    """A Redis Cluster of one node that has all slots; the caller stops it. more: settings of the server."""
    settings = {"cluster-enabled": "yes", "cluster-announce-ip": LOOPBACK, **more}
    server = EmbeddedRedis(directory, port=port_with_bus(), appendonly=False, settings=settings).start()
    with admin(server) as client:
        client.execute_command("CLUSTER", "ADDSLOTS", *range(SLOTS))
        deadline = time.monotonic() + 60
        while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
            if time.monotonic() > deadline:
                raise TimeoutError("the one-node cluster did not become ok in 60 s; see redis.log in its directory")
            time.sleep(0.02)
    return server


def port_with_bus() -> int:
    """A free port of a cluster's node, whose bus has another one."""
    while True:
        port = free_port()
        with socket.socket() as bus:
            try:
                bus.bind((LOOPBACK, port + BUS_OFFSET))
            except (OSError, OverflowError):  # taken, or above the highest port
                continue
        return port
