"""The due set is a dictionary that can be asked for what is due, whatever its buckets look like inside."""

from __future__ import annotations

import asyncio
import math
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.customer.record import hash_of
from models.customer.schedule import phase_of
from models.settings import EngineSettings
from streams.local.embedded import EmbeddedRedis
from streams.store.fake import FakeStore
from streams.store.port import Outcome, Store, Write
from streams.store.redis import due_set
from streams.store.redis.calls import Calls
from streams.store.redis.connection import connect
from streams.store.redis.due_buckets import FILL, Layout, Shape, buckets_of, grouped, parent_of, to_split
from streams.store.redis.store import RedisStore
from tests.conftest import started
from tests.support.stores import admin, dump

PLACE = "3"
OWNER = b"owner"
COMPACT_ENTRIES = "zset-max-ziplist-entries"  # the name that Redis 6.2 has, and later ones know too
ENCODINGS = {128: {b"compact"}, FILL: {b"compact", b"skiplist"}, 0: {b"skiplist"}}
"""By how many members the server packs at most: the encodings that a well-filled due set's buckets are in then."""

MEMBERS = [
    *(b"C%09d" % n for n in range(1_200)),
    *(str(uuid.UUID(int=n << 64)).encode() for n in range(100)),
    *(b"a" * n for n in range(12)),
    *(b"a" + bytes(n) for n in range(12)),
    *("Zoë".encode() + b"\xff" * 70 + b"%d" % n for n in range(30)),  # longer than what Redis packs
]


@pytest.fixture(scope="module")
def tuned_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A Redis whose encodings these tests set."""
    directory = tmp_path_factory.mktemp("tuned_redis")
    server = started("tests of the due set", lambda: EmbeddedRedis(directory, appendonly=False).start())
    yield server
    server.stop()


commits = st.lists(
    st.tuples(
        st.integers(0, 2**32),  # a seed
        st.one_of(st.integers(0, 4), st.integers(0, 400)),  # how many get a due time
        st.one_of(st.integers(0, 4), st.integers(0, 200)),  # how many lose theirs
        st.sampled_from([1, 3, 1_000, 10**14]),  # of how many due times
    ),
    max_size=8,
)


@pytest.mark.parametrize(
    "kind", ["fake", FILL, *(pytest.param(one, marks=pytest.mark.slow) for one in ("former", 0, 128))]
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(commits)
def test_the_due_set_equals_a_dictionary(
    tuned_redis: EmbeddedRedis, kind: Any, script: list[tuple[int, int, int, int]]
) -> None:
    async def compare() -> None:
        app = f"dues-{uuid.uuid4().hex}"
        store: Store = FakeStore()
        if kind != "fake":
            admin(tuned_redis).config_set(COMPACT_ENTRIES, 128 if kind == "former" else kind)
            store = RedisStore(connect(tuned_redis.url), app)
        await store.create(PLACE, b"")
        if kind == "former":
            as_before(tuned_redis, app)
        await store.mint(PLACE, OWNER)
        model: dict[bytes, float] = {}
        for number, (seed, more, fewer, spread) in enumerate(script):
            chance = random.Random(seed)
            dues = [(float(chance.randrange(spread)), chance.choice(MEMBERS)) for _ in range(more)]
            undue = chance.sample(MEMBERS, fewer)
            assert await store.commit(PLACE, write(number, dues=dues, undue=undue)) is Outcome.OK
            for member in undue:
                model.pop(member, None)
            model.update((member, score) for score, member in dues)
            line = sorted((score, member) for member, score in model.items())
            for up_to in (math.inf, -1.0, *(chance.choice(line)[0] for _ in range(3) if line)):
                limit = chance.choice([1, 2, 10, 100, 5_000])
                wanted = [item for item in line if item[0] <= up_to]
                assert await store.due(PLACE, up_to, limit) == wanted[:limit]
                assert await store.due_count(PLACE, up_to) == len(wanted)
        if kind != "fake":
            assert dump(tuned_redis, app, PLACE).dues == model
        await store.close()

    asyncio.run(compare())


@pytest.mark.asyncio
@pytest.mark.parametrize("entries", ENCODINGS)
async def test_buckets_are_packed_as_far_as_the_server_does_so_and_hold_the_same(
    tuned_redis: EmbeddedRedis, entries: int
) -> None:
    with admin(tuned_redis) as client:
        client.config_set(COMPACT_ENTRIES, entries)
        store = await opened(tuned_redis, f"packed-{entries}")
        dues = [(float(n % 7), b"C%09d" % n) for n in range(40 * FILL)]
        for number, start in enumerate(range(0, len(dues), 100)):
            assert await store.commit(PLACE, write(number, dues=dues[start : start + 100])) is Outcome.OK
        assert await store.due(PLACE, math.inf, 10**6) == sorted(dues)
        keys = client.keys(f"{{packed-{entries}:{PLACE}}}due:*")
        encodings = {client.object("encoding", key) for key in keys}
        packed = {b"listpack", b"ziplist"}
        assert {b"compact" if encoding in packed else encoding for encoding in encodings} == ENCODINGS[entries]
        assert len(keys) >= 40
    await store.close()


@pytest.mark.asyncio
async def test_a_bucket_that_outgrew_the_packed_encoding_is_packed_again_when_it_is_split(
    tuned_redis: EmbeddedRedis,
) -> None:
    with admin(tuned_redis) as client:
        client.config_set(COMPACT_ENTRIES, FILL // 2)
        store = await opened(tuned_redis, "outgrown")
        dues = [(float(n), b"C%09d" % n) for n in range(FILL)]
        assert await store.commit(PLACE, write(0, dues=dues)) is Outcome.OK
        assert client.object("encoding", f"{{outgrown:{PLACE}}}due:0") == b"skiplist"
        client.config_set(COMPACT_ENTRIES, 128)
        assert await store.commit(PLACE, write(1, dues=[(-1.0, b"one more")])) is Outcome.OK
        assert client.object("encoding", f"{{outgrown:{PLACE}}}due:0") in (b"listpack", b"ziplist")
        assert await store.due(PLACE, math.inf, 10**6) == [(-1.0, b"one more"), *dues]
    await store.close()


# ---------------------------------------------------------------- growing


@pytest.mark.asyncio
async def test_an_owner_that_has_not_seen_the_buckets_grow_commits_all_the_same(redis_server: EmbeddedRedis) -> None:
    app = f"shape-{uuid.uuid4().hex}"
    one, other = await opened(redis_server, app), RedisStore(connect(redis_server.url), app)
    model: dict[bytes, float] = {}
    for number in range(8):
        dues = [(float(n), b"C%d-%d" % (number, n)) for n in range(3 * FILL)]
        again = write(number, dues=dues, undue=[b"C%d-0" % (number - 1)])
        assert await (one, other)[number % 2].commit(PLACE, again) is Outcome.OK
        assert await (other, one)[number % 2].commit(PLACE, again) is Outcome.AGAIN
        model.pop(b"C%d-0" % (number - 1), None)
        model.update((member, score) for score, member in dues)
    assert dump(redis_server, app, PLACE).dues == model
    assert int(admin(redis_server).hget(f"{{{app}:{PLACE}}}:meta", "weekly")) >= 24
    await one.close()
    await other.close()


@pytest.mark.asyncio
async def test_moving_the_same_members_for_ever_adds_no_buckets(redis_server: EmbeddedRedis) -> None:
    app = f"steady-{uuid.uuid4().hex}"
    store = await opened(redis_server, app)
    members = [b"C%09d" % n for n in range(4 * FILL)]
    for number in range(30):
        await store.commit(PLACE, write(number, dues=[(float(number), member) for member in members]))
    assert int(admin(redis_server).hget(f"{{{app}:{PLACE}}}:meta", "weekly")) == 8  # room for a commit of all of them
    await store.close()


@pytest.mark.parametrize("layout", Layout)
def test_a_bucket_is_made_of_half_of_its_parent_and_of_nothing_else(layout: Layout) -> None:
    for buckets in range(1, 70):
        shapes = (Shape(buckets, layout=layout), Shape(buckets + 1, layout=layout))
        for before, after in zip(*(buckets_of(MEMBERS, shape) for shape in shapes), strict=True):
            assert before < buckets
            assert after == before or (after, before) == (buckets, parent_of(buckets))


def test_what_new_buckets_take_is_in_those_that_are_split() -> None:
    for had, buckets in ((1, 2), (1, 40), (5, 6), (7, 9), (30, 77)):
        before, after = (buckets_of(MEMBERS, Shape(number)) for number in (had, buckets))
        moved = {was for was, now in zip(before, after, strict=True) if was != now}
        assert moved == set(to_split(had, buckets))


def test_customers_whose_ticks_come_together_lie_together() -> None:
    members = [b"C%09d" % n for n in range(100 * FILL)]
    phases = [int(phase_of(EngineSettings(), hash_of(member))) for member in members]
    of_bucket: dict[int, list[int]] = {}
    for bucket, phase in zip(buckets_of(members, Shape(100)), phases, strict=True):
        of_bucket.setdefault(bucket, []).append(phase)
    assert max(max(here) - min(here) for here in of_bucket.values()) <= EngineSettings().tick // 64


@pytest.mark.parametrize(
    "form", ["C%09d", "%d", "%08x", "cust-%06d-eu", "user%d@example.com", "0190f5b4-7c3e-7000-8000-%012x"]
)
def test_ids_of_every_usual_form_spread_so_that_no_bucket_outgrows_the_packed_encoding(form: str) -> None:
    members = [form.encode() % (7 * n) for n in range(12_000)]
    for buckets in range(len(members) // FILL, 2 * len(members) // FILL, 37):
        for layout in Layout:
            most = max(Counter(buckets_of(members[: buckets * FILL], Shape(buckets, layout=layout))).values())
            assert most <= 128, f"{most} members in one of {buckets} buckets ({layout})"


def test_a_commit_is_grouped_by_bucket_in_the_order_given() -> None:
    members = MEMBERS[:40]
    groups = grouped([(n, member) for n, member in enumerate(members)], members[::-1], Shape(7))
    places = dict(zip(members, buckets_of(members, Shape(7)), strict=True))
    for bucket, (undue, dues) in groups.items():
        here = [member for member in members if places[member] == bucket]
        assert undue == here[::-1]
        assert dues[1::2] == here
        assert [int(score) for score in dues[::2]] == [members.index(member) for member in here]
    assert sum(len(undue) for undue, _ in groups.values()) == len(members)


def test_there_is_room_before_it_is_needed_and_no_more_of_it() -> None:
    assert Shape().with_room(0).buckets == 1
    assert Shape().with_room(FILL).buckets == 1
    assert Shape().with_room(FILL + 1).buckets == 2
    assert Shape(5, 5 * FILL).with_room(1).buckets == 6
    assert Shape(90, FILL).with_room(1).buckets == 90


# ---------------------------------------------------------------- reading


@pytest.mark.asyncio
@pytest.mark.parametrize("ties", [True, False])
async def test_a_read_does_not_grow_with_the_due_set(redis_server: EmbeddedRedis, ties: bool) -> None:
    app = f"reads-{uuid.uuid4().hex}"
    store = await opened(redis_server, app)
    dues = [(0.0 if ties else float(n * 7919 % 20_011), b"C%09d" % n) for n in range(20_000)]
    assert await store.commit(PLACE, write(0, dues=dues)) is Outcome.OK
    with admin(redis_server) as client:
        client.config_resetstat()
        assert await store.due(PLACE, math.inf, 40) == sorted(dues)[:40]
        looked_into = client.info("commandstats")["cmdstat_zrangebyscore"]["calls"]
        assert looked_into <= 80, "forty members were looked for in more than twice as many buckets"
    await store.close()


@pytest.mark.asyncio
async def test_when_nothing_is_due_a_read_is_one_round_trip(redis_server: EmbeddedRedis) -> None:
    store = await opened(redis_server, f"idle-{uuid.uuid4().hex}")
    await store.commit(PLACE, write(0, dues=[(10.0, b"C%d" % n) for n in range(500)]))
    assert await store.due(PLACE, 9.0, 100) == []
    with admin(redis_server) as client:
        client.config_resetstat()
        assert await store.due(PLACE, 9.0, 100) == []
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1
    await store.close()


@pytest.mark.asyncio
async def test_a_read_beside_commits_is_that_of_one_moment(redis_server: EmbeddedRedis) -> None:
    app = f"moment-{uuid.uuid4().hex}"
    writer, reader = await opened(redis_server, app), RedisStore(connect(redis_server.url), app)
    members = [b"C%09d" % n for n in range(300)]
    finished, reads = False, 0
    await writer.commit(PLACE, write(0, dues=[(0.0, member) for member in members]))

    async def read() -> None:
        nonlocal reads
        while not finished:
            dues = await reader.due(PLACE, math.inf, 1_000)
            assert dues == [(dues[0][0], member) for member in members]
            assert await reader.due_count(PLACE, math.inf) == len(members)
            reads += 1

    reading = asyncio.create_task(read())
    for number in count(1):
        await writer.commit(PLACE, write(number, dues=[(float(number), member) for member in members]))
        await asyncio.sleep(0.002 * (number % 5))
        if reads >= 10:
            break
    finished = True
    await reading
    await writer.close()
    await reader.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("page", [1, 7, 1_000])
async def test_a_count_ends_under_an_owner_that_commits_between_any_two_reads(
    redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(due_set, "COUNTED", page)
    app = f"busy-{uuid.uuid4().hex}"
    writer, reader = await opened(redis_server, app), RedisStore(connect(redis_server.url), app)
    await writer.commit(PLACE, write(0, dues=[(0.0, b"C%09d" % n) for n in range(10 * FILL)]))
    assert await reader.due_count(PLACE, 1.0) == 10 * FILL
    read, numbers = Calls.read, count(1)

    async def read_and_commit(calls: Calls, *told: Any) -> Any:
        answer = await read(calls, *told)
        await writer.commit(PLACE, write(next(numbers), values=[(b"c:anna", b"")]))
        return answer

    monkeypatch.setattr(Calls, "read", read_and_commit)
    async with asyncio.timeout(90):
        assert await reader.due_count(PLACE, 1.0) == 10 * FILL
    await writer.close()
    await reader.close()


@pytest.mark.asyncio
async def test_a_place_from_before_goes_on_in_its_own_layout(redis_server: EmbeddedRedis) -> None:
    app = f"former-{uuid.uuid4().hex}"
    store = await opened(redis_server, app)
    as_before(redis_server, app)
    dues = [(float(n * 7919 % 2_003), b"C%09d" % n) for n in range(20 * FILL)]
    for number, start in enumerate(range(0, len(dues), 100)):
        assert await store.commit(PLACE, write(number, dues=dues[start : start + 100])) is Outcome.OK
    with admin(redis_server) as client:
        meta = client.hgetall(f"{{{app}:{PLACE}}}:meta")
        assert (int(meta[b"buckets"]), int(meta[b"dues"])) == (20, len(dues))
        assert b"weekly" not in meta
        for bucket in range(20):
            for member in client.zrange(f"{{{app}:{PLACE}}}due:{bucket}", 0, -1):
                assert crc32(member) % 4 == bucket % 4, "where the release before looks for it"
    assert dump(redis_server, app, PLACE).dues == {member: score for score, member in dues}
    assert await store.due(PLACE, math.inf, 50) == sorted(dues)[:50]
    await store.close()


# ---------------------------------------------------------------- the tests' own tools


def as_before(server: EmbeddedRedis, app: str) -> None:
    """Make the new place one of the layout of before."""
    with admin(server) as client:
        meta = f"{{{app}:{PLACE}}}:meta"
        client.hdel(meta, "weekly")
        client.hset(meta, "buckets", "1")


def write(number: int, **parts: Any) -> Write:
    return Write(OWNER, number, b"nonce-%d" % number, b"", **parts)


async def opened(server: EmbeddedRedis, app: str) -> RedisStore:
    """A store on `server` that owns a new place."""
    store = RedisStore(connect(server.url), app)
    assert await store.create(PLACE, b"")
    await store.mint(PLACE, OWNER)
    return store
