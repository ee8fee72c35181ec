"""The store as a Redis user who lacks a right: refused by name, and nothing is half done."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from streams.local.embedded import EmbeddedRedis
from streams.local.processes import LOOPBACK
from streams.store.port import Outcome, Write
from streams.store.redis.connection import connect
from streams.store.redis.due_buckets import FILL
from streams.store.redis.store import RedisStore
from streams.store.redis.trial import try_out
from streams.store.rules import StoreFull, StoreRefused
from tests.support.stores import admin, everything

pytestmark = pytest.mark.asyncio

MINE = b"token"
COMMANDS = ["hset", "zrange", "zadd", "zrem", "unlink", "mset", "rpush", "ltrim"]
"""What commit.lua runs once it has seen that the write is due."""

WRITE = Write(
    token=MINE,
    expected=1,
    nonce=b"second",
    body=b"body-2",
    values=[(b"c:anna", b"2")],
    removed=[b"c:bert"],
    dues=[(float(n), b"%d" % n) for n in range(FILL + 1)],
    undue=[b"anna"],
    outbox=[b"entry-2"],
    trim=1,
)


def allow(server: EmbeddedRedis, *rules: str) -> RedisStore:
    """The store as a user of these rights."""
    with admin(server) as client:
        client.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">secret", "~{app:*", *rules)
    return RedisStore(connect(f"redis://narrow:secret@{LOOPBACK}:{server.port}/0"), "app")


async def own(server: EmbeddedRedis) -> None:
    store = RedisStore(connect(server.url), "app")
    assert await store.create("0", b"body-0")
    assert await store.mint("0", MINE) is not None
    values = [(b"c:anna", b"1"), (b"c:bert", b"1")]
    first = Write(MINE, 0, b"first", b"body-1", values=values, dues=[(1.0, b"anna")], outbox=[b"entry-1"])
    assert await store.commit("0", first) is Outcome.OK
    await store.close()


@pytest.mark.parametrize("asked", ["acl_check_cmd", "nothing"])
@pytest.mark.parametrize("command", COMMANDS)
async def test_a_commit_that_lacks_a_right_writes_nothing_and_is_done_once_it_has_it(
    own_redis: EmbeddedRedis, command: str, asked: str
) -> None:
    """asked: what the script asks for its rights; Redis before 7.0 has nothing of the kind."""
    await own(own_redis)
    before = everything(own_redis)
    store = allow(own_redis, "+@all", f"-{command}")
    source = store.scripts.commit.source.replace(b"redis.acl_check_cmd", b"redis." + asked.encode())
    sha = hashlib.sha1(source, usedforsecurity=False).hexdigest()
    vars(store.scripts.commit).update(source=source, sha=sha)
    with pytest.raises(StoreRefused, match=rf"(?i)\b{command}\b.*remedy.*permissions"):
        await store.commit("0", WRITE)
    assert everything(own_redis) == before
    await allow(own_redis, "+@all").close()
    assert await store.commit("0", WRITE) is Outcome.OK
    assert await store.outbox("0") == [b"entry-2"]
    assert await store.due_count("0", 1e9) == FILL + 1
    await store.close()


async def test_a_trial_leaves_nothing_and_needs_no_keys_but_those_of_the_app(own_redis: EmbeddedRedis) -> None:
    await own(own_redis)
    before = everything(own_redis)
    store = allow(own_redis, "+@all", "-@dangerous")
    await asyncio.gather(*(try_out(store) for _ in range(5)))
    assert everything(own_redis) == before
    await store.close()


@pytest.mark.parametrize(
    "command", [*COMMANDS, "evalsha", "eval", "hmget", "hget", "exists", "type", "llen", "mget", "lrange", "zcount"]
)
async def test_a_trial_finds_each_right_that_is_lacking(own_redis: EmbeddedRedis, command: str) -> None:
    store = allow(own_redis, "+@all", f"-{command}")
    with admin(own_redis) as client:
        client.script_flush()
    with pytest.raises(StoreRefused, match="remedy"):
        await try_out(store)
    if command != "unlink":
        assert everything(own_redis) == {}
    await store.close()


async def test_what_a_killed_trial_leaves_goes_by_itself(
    own_redis: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(store: RedisStore, namespace: str) -> str:
        return ""

    monkeypatch.setattr("streams.store.redis.trial._left", killed)
    store = RedisStore(connect(own_redis.url), "app")
    await try_out(store)
    with admin(own_redis) as client:
        left = {key: client.ttl(key) for key in client.keys("*")}
    assert left
    assert all(0 < seconds <= 600 for seconds in left.values()), left
    await store.close()


async def test_a_trial_does_without_the_right_to_let_keys_expire(own_redis: EmbeddedRedis) -> None:
    store = allow(own_redis, "+@all", "-expire")
    await try_out(store)
    assert everything(own_redis) == {}
    await store.close()


async def test_a_trial_on_a_full_redis_says_that_it_is_full(own_redis: EmbeddedRedis) -> None:
    store = allow(own_redis, "+@all")
    with admin(own_redis) as client:
        client.config_set("maxmemory", 1)
    with pytest.raises(StoreFull, match="maxmemory"):
        await try_out(store)
    assert everything(own_redis) == {}
    await store.close()
