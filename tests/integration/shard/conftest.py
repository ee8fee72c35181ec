"""The stores under a shard: the one in memory and the real Redis, both of which can be set back."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from streams.local.embedded import EmbeddedRedis
from streams.store.fake import FakeStore, Snapshot
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore
from tests.support.logs import synthetic
from tests.support.stores import admin, dump
from tests.support.workers import Site
from tests.unit.streams.conftest import short_pauses

__all__ = ["short_pauses"]


@dataclass
class Ground:
    """A site, and how to set one of its places back."""

    site: Site
    restore: Callable[[str, Snapshot], None]


Opened = Callable[..., AbstractAsyncContextManager[Ground]]


def redis_restore(server: EmbeddedRedis, app: str, place: str, snapshot: Snapshot) -> None:
    """What restoring a backup does to a place, behind the store's back."""
    prefix = f"{{{app}:{place}}}:".encode()
    with admin(server) as client:
        for pattern in (prefix + b"*", prefix[:-1] + b"due:*"):
            for key in client.scan_iter(pattern, count=10_000):
                client.delete(key)
        if snapshot.meta is not None:
            told = {"token": snapshot.meta.token, "number": snapshot.meta.number, "nonce": snapshot.meta.nonce}
            shape = {"buckets": 1, "dues": len(snapshot.dues)}
            client.hset(prefix + b"meta", mapping={**told, "body": snapshot.meta.body, **shape})
        for name, value in snapshot.values.items():
            client.set(prefix + name, value)
        if snapshot.dues:
            client.zadd(prefix[:-1] + b"due:0", snapshot.dues)
            score, member = min((score, member) for member, score in snapshot.dues.items())
            client.zadd(prefix + b"due", {member: score})
        if snapshot.outbox:
            client.rpush(prefix + b"outbox", *snapshot.outbox)


@pytest.fixture(params=["fake", "redis"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """`async with opened(seed, **fields of Site) as ground`: the same on both stores."""
    server: EmbeddedRedis | None = request.getfixturevalue("redis_server") if request.param == "redis" else None

    @asynccontextmanager
    async def ground(seed: int = 3, **fields: Any) -> AsyncIterator[Ground]:
        logs = fields.pop("logs", None) or synthetic(seed, partitions=2, customers=10, days=60)
        if server is None:
            fake = FakeStore()
            yield Ground(Site(fake, fake.snapshot, logs, **fields), fake.restore)
            return
        app = f"shard-{uuid.uuid4().hex}"
        store = RedisStore(connect(server.url), app)
        site = Site(store, lambda place: dump(server, app, place), logs, **fields)
        try:
            yield Ground(site, lambda place, snapshot: redis_restore(server, app, place, snapshot))
        finally:
            await store.close()

    return ground
