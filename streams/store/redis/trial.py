"""Tries every kind of store call, in a namespace of its own that is deleted again.

What a Redis user may not do shows nowhere else before a shard needs it.
"""

from __future__ import annotations

import contextlib
import math
import secrets

from streams.store.port import Outcome, StoreUnavailable, Write
from streams.store.redis.access import RedisRightMissing
from streams.store.redis.due_buckets import FILL, Shape
from streams.store.redis.store import RedisStore
from streams.store.rules import StoreRefused

TOKEN, NAME = b"trial", b"c:trial"
DUES = [(float(n), b"trial-%d" % n) for n in range(FILL + 1)]
"""One more than a bucket is made for, so that it is split."""
BUCKETS, KEPT_S = Shape().with_room(len(DUES)).buckets, 600

FIRST = Write(TOKEN, 0, b"first", b"1", values=[(NAME, b"1")], dues=DUES, outbox=[b"a", b"b"])
SECOND = Write(TOKEN, 1, b"second", b"2", removed=[NAME], undue=[DUES[0][1]], outbox=[b"c"], trim=1)


async def try_out(store: RedisStore) -> None:
    """Create, own, write, read and delete a namespace `trial-...`.

    Raises StoreRefused (StoreFull) when Redis refuses any of it or answers otherwise than it must, StoreUnavailable.
    """
    namespace = f"trial-{secrets.token_hex(8)}"
    failed: StoreUnavailable | StoreRefused | None = None
    try:
        await _exercise(store, namespace)
    except (StoreUnavailable, StoreRefused) as error:
        failed = error
    finally:
        left = await _left(store, namespace)
    if failed is not None and left:
        raise type(failed)(f"{failed.args[0]}; {left}") from failed
    if failed is not None:
        raise failed
    if left:
        raise StoreRefused(left)


async def _exercise(store: RedisStore, namespace: str) -> None:
    await store.create(namespace, b"0")
    await store.mint(namespace, TOKEN)
    for write in (FIRST, SECOND):
        await _let_go(store, namespace)
        outcome = await store.commit(namespace, write)
        if outcome is not Outcome.OK:
            raise StoreRefused(f"commit {write.expected} of namespace {namespace!r}: answered {outcome!r}")
    meta = await store.read_meta(namespace)
    found = (
        None if meta is None else (meta.number, meta.body),
        await store.load(namespace, [NAME]),
        await store.due(namespace, math.inf, len(DUES)),
        await store.due_count(namespace, math.inf),
        await store.outbox(namespace),
    )
    wanted = ((2, b"2"), [None], DUES[1:], len(DUES) - 1, [b"b", b"c"])
    if found != wanted:
        raise StoreRefused(f"namespace {namespace!r}: {wanted!r} was written, {found!r} is read")


async def _let_go(store: RedisStore, namespace: str) -> None:
    """Of what is there so far, should we be killed before it is deleted."""
    with contextlib.suppress(RedisRightMissing):  # a worker needs no such right, and users of before have none
        await store.expire(namespace, [NAME], BUCKETS, KEPT_S)


async def _left(store: RedisStore, namespace: str) -> str:
    """Delete the namespace; what may be left of it, or nothing."""
    try:
        await store.delete(namespace, [NAME], BUCKETS)
    except (StoreUnavailable, StoreRefused) as error:
        return f"keys of namespace {namespace!r} may be left, delete them by hand ({error.args[0]})"
    return ""
