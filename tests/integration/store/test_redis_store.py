"""The store on a Redis that forgets its scripts, dies, hangs, fills up, fails over, or holds what it should not."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from streams.local.embedded import EmbeddedRedis
from streams.store.port import Meta, Outcome, StoreUnavailable, Write
from streams.store.redis.connection import connect
from streams.store.redis.due_buckets import FILL
from streams.store.redis.store import RedisStore
from streams.store.rules import StoreFull, StoreOutdated, StoreRefused
from tests.support.stores import admin, everything

pytestmark = pytest.mark.asyncio

MINE = b"token"


@pytest.fixture
def server(own_redis: EmbeddedRedis) -> EmbeddedRedis:
    """Killed, stopped and starved by these tests, so one for each."""
    return own_redis


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """Another Redis, which the test makes a replica."""
    with EmbeddedRedis(tmp_path / "replica", appendonly=False) as replica:
        yield replica


def at(
    server: EmbeddedRedis,
    timeout_s: float = 30.0,
    max_connections: int = 16,
    replicas: int = 0,
    replicas_timeout_ms: int = 20_000,
) -> RedisStore:
    client = connect(server.url, timeout_s=timeout_s, connect_timeout_s=timeout_s, max_connections=max_connections)
    return RedisStore(client, "app", replicas=replicas, replicas_timeout_ms=replicas_timeout_ms)


async def stood(store: RedisStore, written: Write) -> Outcome:
    """Of a commit that is made until it stands, as a shard does."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await store.commit("0", written)
            except StoreUnavailable:
                await asyncio.sleep(0.05)


def write(expected: int, nonce: bytes = b"nonce") -> Write:
    return Write(
        token=MINE,
        expected=expected,
        nonce=nonce,
        body=b"body-%d" % (expected + 1),
        values=[(b"c:anna", b"%d" % expected)],
        removed=[b"c:bert"],
        dues=[(float(expected), b"anna")],
        undue=[b"bert"],
        outbox=[b"entry-%d" % expected],
        trim=1 if expected else 0,
    )


async def own(store: RedisStore) -> None:
    assert await store.create("0", b"body-0")
    assert await store.mint("0", MINE) is not None
    assert await store.commit("0", write(0)) is Outcome.OK


# ---------------------------------------------------------------- keys and scripts


async def test_the_keys_are_those_of_the_documentation(server: EmbeddedRedis) -> None:
    store = at(server)
    await own(store)
    with admin(server) as client:
        kinds = {key: client.type(key) for key in client.keys("*")}
        assert kinds == {
            b"{app:0}:meta": b"hash",
            b"{app:0}:due": b"zset",
            b"{app:0}due:0": b"zset",
            b"{app:0}:outbox": b"list",
            b"{app:0}:c:anna": b"string",
        }
        assert client.hgetall("{app:0}:meta") == {
            b"token": MINE,
            b"number": b"1",
            b"nonce": b"nonce",
            b"body": b"body-1",
            b"weekly": b"1",
            b"dues": b"1",
        }
    await store.close()


async def test_scripts_forgotten_by_redis_are_sent_again(server: EmbeddedRedis) -> None:
    store = at(server)
    admin(server).script_flush()
    assert await store.create("0", b"body-0")
    admin(server).script_flush()
    assert await store.mint("0", MINE) == Meta(b"", 0, b"", b"body-0")
    admin(server).script_flush()
    assert await store.commit("0", write(0)) is Outcome.OK
    before = admin(server).info("commandstats")["cmdstat_eval"]["calls"]
    assert await store.commit("0", write(1)) is Outcome.OK
    assert admin(server).info("commandstats")["cmdstat_eval"]["calls"] == before
    await store.close()


async def test_a_commit_is_one_command_to_redis(server: EmbeddedRedis) -> None:
    store = at(server)
    await own(store)
    admin(server).config_resetstat()
    await store.commit("0", write(1))
    stats = admin(server).info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] == 1
    assert admin(server).info("stats")["total_connections_received"] == 2  # the two of this test's admin
    await store.close()


@pytest.mark.parametrize("role", ["meta", "due", "outbox"])
async def test_a_key_of_a_foreign_type_is_named_and_nothing_is_written(server: EmbeddedRedis, role: str) -> None:
    store = at(server)
    await own(store)
    with admin(server) as client:
        client.delete("{app:0}:" + role)
        client.sadd("{app:0}:" + role, "foreign")
    before = everything(server)
    with pytest.raises(StoreRefused, match=role + " holds a set") as refused:
        await store.commit("0", write(1))
    assert "remedy" in str(refused.value)
    if role == "meta":
        with pytest.raises(StoreRefused, match="WRONGTYPE"):
            await store.mint("0", b"other")
        with pytest.raises(StoreRefused, match="WRONGTYPE"):
            await store.read_meta("0")
    assert everything(server) == before
    await store.close()


@pytest.mark.parametrize("field", ["token", "number", "nonce"])
async def test_a_meta_with_a_field_missing_is_refused_everywhere(server: EmbeddedRedis, field: str) -> None:
    store = at(server)
    await own(store)
    admin(server).hdel("{app:0}:meta", field)
    before = everything(server)
    for call in (store.commit("0", write(1)), store.mint("0", b"other"), store.read_meta("0")):
        with pytest.raises(StoreRefused, match="lacks token, number"):
            await call
    assert everything(server) == before
    await store.close()


async def test_a_foreign_bucket_is_named_and_nothing_is_written(server: EmbeddedRedis) -> None:
    store = at(server)
    await own(store)
    with admin(server) as client:
        client.delete("{app:0}due:0")
        client.sadd("{app:0}due:0", "foreign")
    before = everything(server)
    with pytest.raises(StoreRefused, match="due:0 holds a set, not a zset"):
        await store.commit("0", write(1))
    many = [(float(n), b"m%d" % n) for n in range(2 * FILL)]
    with pytest.raises(StoreRefused, match="due:0 holds a set, not a zset"):
        await store.commit("0", replace(write(1), dues=many, undue=[]))
    assert everything(server) == before
    await store.close()


async def test_a_key_where_a_new_bucket_belongs_is_named_and_nothing_is_written(server: EmbeddedRedis) -> None:
    store = at(server)
    await own(store)
    admin(server).zadd("{app:0}due:1", {"foreign": 1})
    before = everything(server)
    many = [(float(n), b"m%d" % n) for n in range(2 * FILL)]
    with pytest.raises(StoreRefused, match="due:1 holds a zset, not a bucket that is still to be made"):
        await store.commit("0", replace(write(1), dues=many))
    assert everything(server) == before
    await store.close()


async def test_a_place_of_the_layout_before_buckets_is_refused_by_name_everywhere(server: EmbeddedRedis) -> None:
    store = at(server)
    await own(store)
    with admin(server) as client:
        client.delete("{app:0}due:0")
        client.hdel("{app:0}:meta", "weekly", "dues")
    before = everything(server)
    for call in (
        store.read_meta("0"),
        store.mint("0", b"other"),
        store.commit("0", write(1)),
        store.due("0", 100.0, 10),
        store.due_count("0", 100.0),
    ):
        with pytest.raises(StoreOutdated, match=r"written by another release.*remedy"):
            await call
    assert everything(server) == before
    await store.close()


def counts(
    *,
    split: int = 0,
    new: int = 0,
    touched: int = 0,
    values: int = 0,
    entries: bytes = b"0",
    more: Sequence[bytes] = (),
) -> list[bytes]:
    """Arguments of commit.lua from the sixth on: what is known of one bucket, how many of what, and the rest."""
    numbers = (1, split, new, touched, values, 0)
    return [b"weekly 1", *(b"%d" % number for number in numbers), entries, b"0", *more]


@pytest.mark.parametrize(
    ("keys", "tail", "why"),
    [
        (3, [], "argument 7 is not"),  # no counts at all
        (3, counts(values=1, more=[b"value"]), "3 keys for"),  # a value without its key
        (4, counts(values=1), "14 arguments"),  # a key without its value
        (4, counts(touched=1), "counts of bucket"),  # a bucket without its counts
        (4, counts(touched=1, more=[b"0", b"1", b"5"]), "16 arguments|17 arguments"),  # no member
        (4, counts(touched=1, more=[b"0", b"1", b"five", b"member"]), "due score five"),
        (4, counts(touched=1, more=[b"0", b"1", b"nan", b"member"]), "due score nan"),
        (4, counts(touched=1, more=[b"9", b"9", b"5"]), "due score nil"),
        (3, counts(split=1), "3 keys for 1 split and 0 new ones of 0 buckets"),
        (4, counts(split=1, new=1, touched=1, more=[b"0", b"0"]), "4 keys for 1 split and 1 new ones of 1 buckets"),
        (3, counts(entries=b"-1"), "argument 13 is not"),
        (3, counts(entries=b"0.5"), "argument 13 is not"),
        (3, counts(more=[b"surplus"]), "15 arguments"),
    ],
)
async def test_the_script_itself_writes_nothing_when_its_arguments_do_not_fit(
    server: EmbeddedRedis, keys: int, tail: list[bytes], why: str
) -> None:
    store = at(server)
    await own(store)
    before = everything(server)
    names = [b"{app:0}:meta", b"{app:0}:due", b"{app:0}:outbox", b"{app:0}:c:new"][:keys]
    reply = admin(server).eval(store.scripts.commit.source, keys, *names, MINE, b"1", b"2", b"other", b"body", *tail)
    assert re.match(f"refused: .*({why})", reply.decode())
    assert everything(server) == before
    await store.close()


# ---------------------------------------------------------------- durability


async def test_commits_survive_a_killed_redis_that_fsyncs_always(server: EmbeddedRedis) -> None:
    store = at(server)
    await own(store)
    for expected in range(1, 30):
        assert await store.commit("0", write(expected)) is Outcome.OK
    before = everything(server)
    server.kill()
    with pytest.raises(StoreUnavailable):
        await store.commit("0", write(30))
    server.start()
    assert everything(server) == before
    assert await store.read_meta("0") == Meta(MINE, 30, b"nonce", b"body-30")
    assert await store.commit("0", write(30)) is Outcome.OK
    await store.close()


async def test_a_redis_that_went_back_is_noticed_at_the_owners_next_write(server: EmbeddedRedis) -> None:
    def put_back(contents: dict[bytes, bytes]) -> None:
        with admin(server) as client:
            client.flushdb()
            for key, value in contents.items():
                client.restore(key, 0, value)

    store = at(server)
    await own(store)
    by_the_first_owner = everything(server)
    await store.mint("0", b"second")
    assert await store.commit("0", replace(write(1), token=b"second")) is Outcome.OK
    by_the_second_owner = everything(server)
    for expected in range(2, 5):
        assert await store.commit("0", replace(write(expected), token=b"second")) is Outcome.OK

    put_back(by_the_second_owner)
    assert await store.commit("0", replace(write(5), token=b"second")) is Outcome.WENT_BACK
    assert everything(server) == by_the_second_owner
    put_back(by_the_first_owner)
    assert await store.commit("0", replace(write(5), token=b"second")) is Outcome.FENCED
    assert everything(server) == by_the_first_owner
    put_back({})
    assert await store.commit("0", replace(write(5), token=b"second")) is Outcome.MISSING
    assert everything(server) == {}
    await store.close()


async def test_a_write_stands_only_when_the_replicas_asked_for_have_it(
    server: EmbeddedRedis, replica: EmbeddedRedis
) -> None:
    store, hasty = at(server, replicas=1), at(server, replicas=1, replicas_timeout_ms=300)
    with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
        await hasty.create("0", b"body-0")
    admin(server).config_set("repl-diskless-sync-delay", 0)
    admin(replica).replicaof("127.0.0.1", server.port)
    while True:  # until the replica has synchronised; a mint may be repeated
        try:
            assert await hasty.mint("0", MINE)
            break
        except StoreUnavailable:
            await asyncio.sleep(0.05)
    assert await store.create("0", b"body-0") is False
    admin(server).script_flush()
    assert await store.commit("0", write(0)) is Outcome.OK
    assert everything(replica) == everything(server)

    os.kill(replica.pid, signal.SIGSTOP)
    with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
        await hasty.commit("0", write(1))
    with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
        await hasty.commit("0", write(1))  # the retry over another connection waits as well
    assert await hasty.commit("0", write(0, b"other")) is Outcome.WENT_BACK  # no use waiting: nothing was written
    os.kill(replica.pid, signal.SIGCONT)
    assert await store.commit("0", write(1)) is Outcome.AGAIN
    assert everything(replica) == everything(server)
    for one in (store, hasty):
        await one.close()


# ---------------------------------------------------------------- an unwell Redis


async def test_a_full_redis_is_a_named_error_and_nothing_is_written(server: EmbeddedRedis) -> None:
    store = at(server)
    await own(store)
    before = everything(server)
    admin(server).config_set("maxmemory", 1)
    with pytest.raises(StoreFull, match="maxmemory"):
        await store.commit("0", write(1))
    with pytest.raises(StoreFull):
        await store.mint("0", b"other")
    assert everything(server) == before
    admin(server).config_set("maxmemory", 0)
    assert await store.commit("0", write(1)) is Outcome.OK
    await store.close()


async def test_a_primary_that_became_a_replica_or_lacks_replicas_is_unavailable(server: EmbeddedRedis) -> None:
    store = at(server)
    await own(store)
    before = everything(server)
    admin(server).config_set("min-replicas-to-write", 1)
    with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
        await store.commit("0", write(1))
    admin(server).config_set("min-replicas-to-write", 0)
    admin(server).replicaof("127.0.0.1", 1)
    with pytest.raises(StoreUnavailable, match="READONLY"):
        await store.commit("0", write(1))
    with pytest.raises(StoreUnavailable, match="READONLY"):
        await store.mint("0", b"other")
    admin(server).replicaof("NO", "ONE")
    assert everything(server) == before
    assert await store.commit("0", write(1)) is Outcome.OK
    await store.close()


async def test_wrong_credentials_are_refused_and_not_retried_as_an_outage(server: EmbeddedRedis) -> None:
    admin(server).config_set("requirepass", "secret")
    for url in (server.url, server.url.replace("//", "//:wrong@")):
        store = RedisStore(connect(url), "app")
        with pytest.raises(StoreRefused, match="credentials"):
            await store.read_meta("0")
        await store.close()
    store = RedisStore(connect(server.url.replace("//", "//:secret@")), "app")
    assert await store.read_meta("0") is None
    await store.close()


@pytest.mark.parametrize("kind", ["closed port", "silent server", "stopped redis"])
async def test_every_call_to_an_unreachable_redis_ends_in_bounded_time(server: EmbeddedRedis, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if kind == "closed port":
            listener.close()
        elif kind == "stopped redis":
            os.kill(server.pid, signal.SIGSTOP)
            port = server.port
        store = RedisStore(connect(f"redis://127.0.0.1:{port}", timeout_s=0.3, connect_timeout_s=0.3), "app")
        for call in (
            store.read_meta("0"),
            store.create("0", b""),
            store.mint("0", MINE),
            store.commit("0", write(0)),
            store.load("0", [b"c:anna"]),
            store.due("0", 1.0, 1),
            store.due_count("0", 1.0),
            store.outbox("0"),
        ):
            begun = time.monotonic()
            with pytest.raises(StoreUnavailable, match="namespace '0'"):
                await call
            assert time.monotonic() - begun < 15
        await store.close()
        os.kill(server.pid, signal.SIGCONT)


async def test_more_shards_than_connections_wait_for_one(server: EmbeddedRedis) -> None:
    """As when one worker takes over 256 shards at once."""
    store = at(server, max_connections=8)
    await asyncio.gather(*(store.create(str(shard), b"%d" % shard) for shard in range(300)))
    found = await asyncio.gather(*(store.read_meta(str(shard)) for shard in range(300)))
    assert [meta.body for meta in found if meta] == [b"%d" % shard for shard in range(300)]
    await store.close()


async def test_a_commit_whose_reply_is_lost_is_done_once(server: EmbeddedRedis) -> None:
    """A proxy passes the commit on and hangs up before the reply."""
    store = at(server)
    await own(store)
    lose = asyncio.Event()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection("127.0.0.1", server.port)
        losing = lose.is_set()

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, replies: bool) -> None:
            while data := await source.read(1 << 16):
                if replies and losing and b"\r\nok " in data:
                    break
                sink.write(data)
            sink.close()

        await asyncio.gather(pump(reader, downstream, False), pump(upstream, writer, True))

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        proxied = RedisStore(connect(f"redis://127.0.0.1:{port}"), "app")
        lose.set()
        with pytest.raises(StoreUnavailable):
            await proxied.commit("0", write(1))
        after = everything(server)
        lose.clear()
        assert await proxied.commit("0", write(1)) is Outcome.AGAIN
        assert everything(server) == after
        assert await proxied.outbox("0") == [b"entry-1"]
        await proxied.close()
    await store.close()


async def test_redis_that_hangs_and_comes_back_has_the_commit_once(server: EmbeddedRedis) -> None:
    store, patient = at(server, timeout_s=0.3), at(server)
    await own(patient)
    os.kill(server.pid, signal.SIGSTOP)
    with pytest.raises(StoreUnavailable):
        await store.commit("0", write(1))
    os.kill(server.pid, signal.SIGCONT)
    assert (await stood(store, write(1))).stands
    assert await stood(store, write(1)) is Outcome.AGAIN
    assert await patient.outbox("0") == [b"entry-1"]
    for one in (store, patient):
        await one.close()


# ---------------------------------------------------------------- cancellation


async def test_a_cancelled_call_leaves_no_reply_for_the_next_caller(server: EmbeddedRedis) -> None:
    store = at(server, max_connections=1)  # so that the next caller gets the same connection
    await own(store)
    os.kill(server.pid, signal.SIGSTOP)
    task = asyncio.create_task(store.load("0", [b"c:anna"]))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    os.kill(server.pid, signal.SIGCONT)
    assert await store.outbox("0") == [b"entry-0"]
    await store.close()


async def test_calls_cancelled_at_any_moment_never_get_or_leave_a_foreign_reply(server: EmbeddedRedis) -> None:
    store = at(server, max_connections=4)
    await own(store)
    values = [(b"c:%d" % i, b"v%d" % i * 50) for i in range(500)]
    await store.commit("0", Write(token=MINE, expected=1, nonce=b"n", body=b"", values=values))
    moments = random.Random(11)
    cancelled = 0

    async def reader(i: int) -> None:
        wanted = values[i % 500 : i % 500 + 200]
        assert await store.load("0", [name for name, _ in wanted]) == [value for _, value in wanted]

    for i in range(400):
        task = asyncio.create_task(reader(i))
        for _ in range(moments.randrange(60)):
            await asyncio.sleep(0)
        asked = task.cancel()
        try:
            await task
            assert not asked, "the cancellation was swallowed"
        except asyncio.CancelledError:
            cancelled += 1
        await reader(i + 7)
    assert cancelled > 20
    await store.close()


# ---------------------------------------------------------------- settings


async def test_settings_that_cannot_work_are_refused_at_once(server: EmbeddedRedis) -> None:
    with pytest.raises(ValueError, match="an option that is none of"):
        RedisStore(connect(server.url + "?decode_responses=yes"), "app")
    for app in ("", "a{b", "a}b"):
        with pytest.raises(ValueError, match="app"):
            RedisStore(connect(server.url), app)
    with pytest.raises(ValueError, match="min-replicas-to-write"):
        RedisStore(connect(server.url, cluster=True), "app", replicas=1)
    with pytest.raises(ValueError, match="replicas_timeout_ms"):
        RedisStore(connect(server.url), "app", replicas=1, replicas_timeout_ms=0)
