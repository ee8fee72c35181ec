"""What a customer costs in Redis, in all: value, key, and the entry in the due set."""

from __future__ import annotations

import asyncio

import redis

from models.customer import SLAB, Record
from streams.embedded import EmbeddedRedis
from streams.store import Write
from streams.store.redis import RedisStore, connect

CUSTOMERS = 20_000
DOCUMENTED_BYTES = 750
"""docs/design.md, "The customer record"; the value is a little more than half of it."""


def test_a_customer_costs_no_more_memory_than_documented(own_redis: EmbeddedRedis) -> None:
    async def fill() -> None:
        store = RedisStore(connect(own_redis.url), "memory")
        await store.create("0", b"")
        await store.mint("0", b"me")
        names = [b"%05d" % n for n in range(CUSTOMERS)]
        values = [(b"c:" + name, Record(name).pack()) for name in names]
        dues = [(13_611_111_111_111 + n, name) for n, name in enumerate(names)]
        assert (await store.commit("0", Write(b"me", 0, b"n", b"", values, dues=dues))).stands
        await store.close()

    client = redis.Redis.from_url(own_redis.url)
    before = client.info("memory")["used_memory"]
    asyncio.run(fill())
    each = (client.info("memory")["used_memory"] - before) / CUSTOMERS
    client.close()
    assert SLAB.itemsize < each < DOCUMENTED_BYTES, f"{each:.0f} bytes a customer"
