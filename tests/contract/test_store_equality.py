"""Whatever is done to them, the fake and Redis give the same answers and hold the same contents."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.local.embedded import EmbeddedRedis
from streams.store.fake import FakeStore
from streams.store.port import Store, Write
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore
from streams.store.rules import StoreRefused
from tests.support.stores import dump

PLACE = "0"
names = st.sampled_from([b"c:a", b"c:b", b"c:c", b"c:\x00\xff", b""])
blobs = st.binary(max_size=6)
scores = st.one_of(st.integers(-3, 3).map(float), st.floats(allow_nan=False, allow_infinity=False))
tokens = st.sampled_from([b"first", b"second", b"\x00"])
nonces = st.sampled_from([b"x", b"y"])

reads = st.one_of(
    st.tuples(st.just("read_meta")),
    st.tuples(st.just("load"), st.lists(names, max_size=4)),
    st.tuples(st.just("due"), st.one_of(scores, st.just(float("inf"))), st.integers(0, 5)),
    st.tuples(st.just("due_count"), scores),
    st.tuples(st.just("outbox")),
)
writes = st.fixed_dictionaries(
    {
        "token": st.one_of(st.just(None), tokens),  # None: the owner's
        "ahead": st.sampled_from([0, 0, 0, 0, -1, -1, 1, 2]),
        "nonce": st.one_of(st.just(None), nonces),  # None: one never used
        "body": blobs,
        "values": st.lists(st.tuples(names, blobs), max_size=4),
        "removed": st.lists(names, max_size=3),
        "dues": st.lists(st.tuples(scores, names), max_size=4),
        "undue": st.lists(names, max_size=3),
        "outbox": st.lists(blobs, max_size=3),
        "trim": st.integers(0, 3),
    }
)
steps = st.one_of(
    st.tuples(st.just("create"), blobs),
    st.tuples(st.just("mint"), tokens),
    st.tuples(st.just("commit"), writes),
    st.tuples(st.just("commit"), writes),
    st.tuples(st.just("repeat")),
    reads,
)


async def answer(store: Store, step: tuple[Any, ...]) -> Any:
    name, *arguments = step
    try:
        return await getattr(store, name)(PLACE, *arguments)
    except StoreRefused:
        return StoreRefused


@pytest.mark.slow
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(steps, max_size=25))
def test_the_fake_and_redis_cannot_be_told_apart(redis_server: EmbeddedRedis, script: list[tuple[Any, ...]]) -> None:
    async def compare() -> None:
        app = f"equal-{uuid.uuid4().hex}"
        fake, redis = FakeStore(), RedisStore(connect(redis_server.url), app)
        fresh = (b"fresh-%d" % i for i in itertools.count())
        last: Write | None = None
        for store in (fake, redis):
            await store.create(PLACE, b"start")
            await store.mint(PLACE, b"first")
        try:
            for step in script:
                if step[0] == "commit":
                    meta = await fake.read_meta(PLACE)
                    assert meta is not None
                    parts = dict(step[1])
                    last = Write(
                        expected=max(0, meta.number + parts.pop("ahead")),
                        token=parts.pop("token") or meta.token,
                        nonce=parts.pop("nonce") or next(fresh),
                        **parts,
                    )
                    step = ("commit", last)
                elif step[0] == "repeat":
                    if last is None:
                        continue
                    step = ("commit", last)
                assert await answer(redis, step) == await answer(fake, step), step
                assert dump(redis_server, app, PLACE) == fake.snapshot(PLACE), step
        finally:
            await redis.close()

    asyncio.run(compare())
