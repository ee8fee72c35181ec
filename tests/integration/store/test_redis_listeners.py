"""What the store tells those who watch it: outages, and commits that stood although their reply was lost."""

from __future__ import annotations

import asyncio

import pytest

from streams.local.embedded import EmbeddedRedis
from streams.store import Outcome, StoreUnavailable, Write
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore


def test_a_call_that_an_outage_fails_is_told_once(own_redis: EmbeddedRedis, redis_app: str) -> None:
    told: list[str] = []

    async def run() -> None:
        client = connect(own_redis.url, timeout_s=20, connect_timeout_s=20)
        store = RedisStore(client, redis_app, on_failure=lambda: told.append("failure"))
        assert await store.due_count("0", 1.0) == 0
        assert told == []
        own_redis.kill()
        with pytest.raises(StoreUnavailable):
            await store.due_count("0", 1.0)
        await store.close()

    asyncio.run(run())
    assert told == ["failure"]


def test_a_commit_that_is_made_again_is_told_when_it_stood_already(redis_url: str, redis_app: str) -> None:
    told: list[str] = []

    async def run() -> list[Outcome]:
        store = RedisStore(connect(redis_url), redis_app, on_again=lambda: told.append("again"))
        await store.create("0", b"")
        await store.mint("0", b"token")
        write = Write(b"token", 0, b"nonce", b"body")
        outcomes = [await store.commit("0", write), await store.commit("0", write)]
        await store.close()
        return outcomes

    assert asyncio.run(run()) == [Outcome.OK, Outcome.AGAIN]
    assert told == ["again"]
