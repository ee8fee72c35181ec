"""What a customer costs in Redis, by part and in all: value, key, and the entry in the due set.

Redis 7.0 on Linux, with the allocator it is built with; `python -m pytest -s` on this file prints the table.
"""

from __future__ import annotations

import asyncio
import random

import redis

from models.customer.layout import SLAB
from streams.local.embedded import EmbeddedRedis
from streams.store import Write
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore

CUSTOMERS = 50_000
VALUE_BYTES = SLAB.itemsize
"""A record without overflow (docs/design.md, "The customer record")."""

MOST_BYTES = {"value": 405, "key": 80, "due": 40}
"""By part, as docs/design.md says. Measured: 402, 75 and 36. Redis's own table of keys, doubled as it fills, takes 8 to
16 of the key's; so another number of customers costs up to six bytes more each, or three less."""

MOST_BYTES_IN_ALL = 524
WEEK_OF_PLACES = 7 * 86_400_000 * 8
SHARED = b"7"
"""Redis keeps one object for each small integer, so this value costs nothing beside its key."""


MOST_BYTES_OF_A_TOMBSTONE = 175
"""In all: value 51 (an allocation of 48, and its part of the table), key 75, due set 38."""
FREED = 0.93
"""Of what a customer took; Redis' table of keys stays as large as it was for a while."""


def test_who_leaves_gives_the_memory_back_and_a_tombstone_takes_a_third(own_redis: EmbeddedRedis) -> None:
    ids = [b"C%09d" % n for n in range(20_000)]
    client = redis.Redis.from_url(own_redis.url)

    def used() -> int:
        return int(client.info("memory")["used_memory"])

    async def live() -> list[float]:
        store = RedisStore(connect(own_redis.url), "retention")
        await store.create("12", b"")
        await store.mint("12", b"me")
        await store.commit("12", Write(b"me", 0, b"n", b""))
        number, levels = 1, [used()]
        for size in (VALUE_BYTES, 24, 0):
            for start in range(0, len(ids), 1_000):
                some = ids[start : start + 1_000]
                if size:
                    values, dues = [(b"c:" + name, bytes(size)) for name in some], [(1.4e13, name) for name in some]
                    write = Write(b"me", number, b"n%d" % number, b"", values, (), dues)
                else:
                    removed = [b"c:" + name for name in some]
                    write = Write(b"me", number, b"n%d" % number, b"", removed=removed, undue=some)
                assert (await store.commit("12", write)).stands
                number += 1
            levels.append(used())
        await store.close()
        return [(level - levels[0]) / len(ids) for level in levels[1:]]

    whole, tombstone, gone = asyncio.run(live())
    client.close()
    told = f"whole {whole:.1f}, tombstone {tombstone:.1f}, gone {gone:.1f} bytes a customer"
    print(f"\n{told}")
    assert VALUE_BYTES < whole <= MOST_BYTES_IN_ALL, told
    assert 24 < tombstone <= MOST_BYTES_OF_A_TOMBSTONE, told
    assert gone <= (1 - FREED) * whole, told


def test_a_customer_costs_no_more_memory_than_documented(own_redis: EmbeddedRedis) -> None:
    chance = random.Random(7)
    ids = [b"C%09d" % n for n in chance.sample(range(10**9), CUSTOMERS)]
    client = redis.Redis.from_url(own_redis.url)

    def used() -> int:
        return int(client.info("memory")["used_memory"])

    async def fill() -> list[int]:
        store = RedisStore(connect(own_redis.url), "retention")
        await store.create("12", b"")
        await store.mint("12", b"me")
        await store.commit("12", Write(b"me", 0, b"n", b""))  # the script is loaded once, not for each customer
        number, levels = 1, [used()]
        for part in ("key", "value", "due"):
            for start in range(0, CUSTOMERS, 1_000):
                some = ids[start : start + 1_000]
                values = [(b"c:" + name, SHARED if part == "key" else chance.randbytes(VALUE_BYTES)) for name in some]
                dues = [(1.4e13 + chance.randrange(WEEK_OF_PLACES), name) for name in some]
                write = Write(b"me", number, b"n%d" % number, b"", *([(), (), dues] if part == "due" else [values]))
                assert (await store.commit("12", write)).stands
                number += 1
            levels.append(used())
        await store.close()
        return levels

    before, keys, values, dues = asyncio.run(fill())
    client.close()
    each = {
        "key": (keys - before) / CUSTOMERS,
        "value": (values - keys) / CUSTOMERS,
        "due": (dues - values) / CUSTOMERS,
    }
    in_all = (dues - before) / CUSTOMERS
    told = ", ".join(f"{part} {size:.1f}" for part, size in each.items()) + f"; in all {in_all:.1f} bytes a customer"
    print(f"\n{CUSTOMERS} customers: {told}")
    assert each["value"] > VALUE_BYTES, told
    for part, most in MOST_BYTES.items():
        assert 0 < each[part] <= most, told
    assert in_all <= MOST_BYTES_IN_ALL, told
