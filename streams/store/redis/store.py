"""The state store on Redis (6.2 and later, Valkey, Redis Cluster).

All keys of a namespace share one hash slot:

| key                         | type   | holds                                                        |
|-----------------------------|--------|--------------------------------------------------------------|
| ``{app:namespace}:meta``    | hash   | token, number, nonce, body; buckets and members of the dues  |
| ``{app:namespace}:due``     | zset   | the first due member of each bucket, by score                |
| ``{app:namespace}due:<n>``  | zset   | the due members of bucket n, by score (buckets.py says why)  |
| ``{app:namespace}:outbox``  | list   | entries, oldest at the head                                  |
| ``{app:namespace}:<name>``  | string | the value of that name                                       |

A write is one EVALSHA of commit.lua. Redis must run ``maxmemory-policy noeviction``, and ``appendfsync always`` where
no commit may be lost. A write removes before it sets: a name in both `removed` and `values` (a member in both `undue`
and `dues`) is there afterwards, and of a name given twice the last value stays.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from redis.asyncio import RedisCluster

from streams.store.port import Meta, Outcome, Write
from streams.store.redis.calls import Calls, Scripts
from streams.store.redis.connection import Client, connect
from streams.store.redis.due_buckets import Layout, Shape, grouped, to_split
from streams.store.redis.due_set import DueReader, NamespaceKeys
from streams.store.redis.packing import Run
from streams.store.rules import (
    StoreOutdated,
    StoreRefused,
    check_names,
    check_namespace,
    check_range,
    check_token,
    check_write,
)

__all__ = ["RedisStore", "connect"]

OTHER_SHAPE = "buckets"
"""What commit.lua answers, having written nothing, when the due set is not of the shape that the caller supposed."""


class RedisStore:
    """`Store` on Redis. Its methods raise StoreUnavailable and StoreRefused (StoreFull, StoreOutdated).

    Args:
        client: built by `connect`.
        app: prefix of all keys.
        replicas: how many replicas must have a write before it counts as done (WAIT on the same connection). With
            fewer the call raises StoreUnavailable; the write is in the primary then, and its retry waits again. 0:
            none. Not for RedisCluster, which has no way to send WAIT down the connection of the write: use
            ``min-replicas-to-write`` there.
        replicas_timeout_ms: longest wait for them; must be less than the client's timeout.
        on_failure: called for each call that raises StoreUnavailable or StoreFull.
        on_again: called for each commit that was done already (``AGAIN``).

    Raises:
        ValueError: a name or number that can't be used.
    """

    def __init__(
        self,
        client: Client,
        app: str,
        *,
        replicas: int = 0,
        replicas_timeout_ms: int = 1_000,
        on_failure: Callable[[], None] = lambda: None,
        on_again: Callable[[], None] = lambda: None,
    ) -> None:
        if not app or "{" in app or "}" in app:
            raise ValueError(f"app {app!r}: must be non-empty and without braces (they mark the hash slot); rename it")
        if client.get_encoder().decode_responses:
            raise ValueError("client with decode_responses=True: records are bytes; build it by connect(url)")
        if replicas and isinstance(client, RedisCluster):
            raise ValueError(f"replicas {replicas}: not in a cluster; use min-replicas-to-write, and 0 here")
        if replicas < 0 or replicas_timeout_ms <= 0:
            raise ValueError(
                f"replicas {replicas}, replicas_timeout_ms {replicas_timeout_ms}: "
                "0 or more, and a positive time (Redis takes 0 to mean for ever)"
            )
        self._calls: Final = Calls(client, replicas, replicas_timeout_ms, on_failure)
        self._app = app
        self._on_again = on_again
        self.scripts: Final = Scripts()
        self._dues: Final = DueReader(self._calls, self.scripts)
        # As last seen. A wrong one costs a commit one more round trip, in which the script tells the right one.
        self._shapes: Final[dict[str, Shape]] = {}

    async def read_meta(self, namespace: str) -> Meta | None:
        doing = f"meta of namespace {namespace!r}"
        command = ("HMGET", self._keys(namespace).meta, b"token", b"number", b"nonce", b"body", b"weekly", b"buckets")
        fields: list[bytes | None] = await self._calls.call(doing, *command)
        if all(value is None for value in fields):
            return None
        return _meta(fields, doing)

    async def create(self, namespace: str, body: bytes) -> bool:
        keys = self._keys(namespace)
        reply, copied = await self._calls.write(
            f"create of namespace {namespace!r}", self.scripts.create, 1, (keys.meta, body)
        )
        self._calls.confirm(copied, namespace)
        return bool(reply)

    async def mint(self, namespace: str, token: bytes, seen: bytes | None = None) -> Meta | None:
        check_token(token)
        keys = self._keys(namespace)
        doing = f"mint of namespace {namespace!r}"
        arguments = (keys.meta, token) if seen is None else (keys.meta, token, seen)
        reply, copied = await self._calls.write(doing, self.scripts.mint, 1, arguments)
        self._calls.confirm(copied, namespace)
        return None if reply is None else _meta(reply, doing)

    async def commit(self, namespace: str, write: Write) -> Outcome:
        check_write(write)
        doing = f"commit {write.expected} of namespace {namespace!r}"
        status, shape, copied = await self._commit(doing, namespace, write, self._shapes.get(namespace, Shape()))
        if status == OTHER_SHAPE:
            status, shape, copied = await self._commit(doing, namespace, write, shape)
        try:
            outcome = Outcome(status)
        except ValueError:
            raise StoreRefused(f"{doing}: {status}") from None
        if outcome.stands:
            self._shapes[namespace] = shape
        if outcome is Outcome.AGAIN:
            self._on_again()
        if outcome.stands:
            self._calls.confirm(copied, namespace)
        return outcome

    async def load(self, namespace: str, names: Sequence[bytes]) -> list[bytes | None]:
        check_names(names)
        prefix = self._prefix(namespace)
        if not names:
            return []
        values: list[bytes | None] = await self._calls.call(
            f"load of namespace {namespace!r}", "MGET", Run(names, prefix)
        )
        return values

    async def due(self, namespace: str, up_to: float, limit: int) -> list[tuple[float, bytes]]:
        check_range(up_to, limit)
        keys = self._keys(namespace)
        return await self._dues.first(f"due of namespace {namespace!r}", keys, up_to, limit) if limit else []

    async def due_count(self, namespace: str, up_to: float) -> int:
        check_range(up_to)
        return await self._dues.count(f"due count of namespace {namespace!r}", self._keys(namespace), up_to)

    async def outbox(self, namespace: str, first: int = 0, most: int | None = None) -> list[bytes]:
        key, last = self._prefix(namespace) + b"outbox", -1 if most is None else first + most - 1
        entries: list[bytes] = await self._calls.call(f"outbox of namespace {namespace!r}", "LRANGE", key, first, last)
        return entries

    async def delete(self, namespace: str, names: Sequence[bytes], buckets: int) -> None:
        """Delete a namespace, as far as it is there, that has values of these names and no more than so many buckets.

        For a namespace made to try the store (streams/store/redis/trial.py): no part of the port, no owner is asked.
        """
        self._shapes.pop(namespace, None)
        await self._calls.call(f"delete of namespace {namespace!r}", "UNLINK", *self._all(namespace, names, buckets))

    async def expire(self, namespace: str, names: Sequence[bytes], buckets: int, seconds: int) -> None:
        """Let such a namespace go by itself, should nobody be there to delete it."""
        for key in self._all(namespace, names, buckets):
            await self._calls.call(f"expiry of namespace {namespace!r}", "EXPIRE", key, seconds)

    def _all(self, namespace: str, names: Sequence[bytes], buckets: int) -> list[bytes]:
        check_names(names)
        prefix, keys = self._prefix(namespace), self._keys(namespace)
        own = [keys.meta, keys.due, prefix + b"outbox", *map(keys.bucket, range(buckets))]
        return [*own, *(prefix + name for name in names)]

    async def load_at(self, namespace: str, names: Sequence[bytes]) -> tuple[Meta | None, list[bytes | None]]:
        """The meta, and values by name, all as of one moment. For whoever compares; no part of the port."""
        check_names(names)
        prefix, doing = self._prefix(namespace), f"look at namespace {namespace!r}"
        keys = [self._keys(namespace).meta, *(prefix + name for name in names)]
        fields, values = await self._calls.read(doing, self.scripts.values_at, keys, ())
        meta = None if all(value is None for value in fields) else _meta(fields, doing)
        return meta, values

    async def all_names(self, beginning: bytes) -> AsyncIterator[tuple[str, bytes]]:
        """(namespace, name) of every value whose name begins so, in no order; one may come twice."""
        head = f"{{{self._app}:".encode()
        async for keys in self._calls.names("listing", f"{{{self._app}:*}}:{beginning.decode()}*"):
            for key in keys:
                namespace, _, name = key.removeprefix(head).partition(b"}:")
                yield namespace.decode(), name

    async def clear(self, namespace: str) -> None:
        """Delete whatever there is of a namespace; its meta first, so that nobody writes to it from then on.

        For a rebuild: no part of the port, no owner is asked.
        """
        doing, keys = f"clearing namespace {namespace!r}", self._keys(namespace)
        self._shapes.pop(namespace, None)
        await self._calls.call(doing, "UNLINK", keys.meta)
        async for names in self._calls.names(doing, self._prefix(namespace)[:-1].decode() + "*"):
            await self._calls.call(doing, "UNLINK", *names)

    async def close(self) -> None:
        await self._calls.close()

    def _prefix(self, namespace: str) -> bytes:
        check_namespace(namespace)
        return f"{{{self._app}:{namespace}}}:".encode()

    def _keys(self, namespace: str) -> NamespaceKeys:
        prefix = self._prefix(namespace)
        # Without the colon, so that no value's name makes the same key.
        bucket = prefix[:-1] + b"due:%d"
        return NamespaceKeys(prefix + b"meta", prefix + b"due", lambda n: bucket % n)

    async def _commit(self, doing: str, namespace: str, write: Write, shape: Shape) -> tuple[str, Shape, int]:
        """(first word of the answer, the due set's shape by it, replicas that have it), supposing a due set of `shape`.

        The arguments of commit.lua are told in its head.
        """
        prefix, keys = self._prefix(namespace), self._keys(namespace)
        room = shape.with_room(len(write.dues))
        split = to_split(shape.buckets, room.buckets)
        kept = await self._dues.members(doing, keys, write.expected, split)
        if kept is None:  # not the commit that we think was the last: the script tells what it is
            kept, room = {}, shape
        groups = grouped(write.dues, write.undue, room, kept)
        groups = dict(sorted(groups.items(), key=lambda item: (item[0] not in kept, item[0] < shape.buckets)))
        own = [keys.meta, keys.due, prefix + b"outbox", *map(keys.bucket, groups)]
        counts = (
            *(room.buckets, len(kept), sum(bucket >= shape.buckets for bucket in groups), len(groups)),
            *(len(write.values), len(write.removed), len(write.outbox), write.trim),
            *(count for undue, dues in groups.values() for count in (len(undue), len(dues) // 2)),
        )
        head = [write.token, b"%d" % write.expected, b"%d" % (write.expected + 1), write.nonce, write.body]
        head += (b"%s %d" % (shape.layout.encode(), shape.buckets), *(b"%d" % count for count in counts))
        rest = [argument for moves in groups.values() for part in moves for argument in part]
        reply, copied = await self._calls.write(
            doing,
            self.scripts.commit,
            len(own) + len(write.values) + len(write.removed),
            (
                Run(own),
                Run([name for name, _ in write.values], prefix),
                Run(write.removed, prefix),
                Run(head),
                Run([value for _, value in write.values]),
                Run([*rest, *write.outbox]),
            ),
        )
        answer = reply.decode(errors="backslashreplace")
        status, *told = answer.split(" ")
        if status == "outdated":
            raise StoreOutdated(doing)
        if status in (Outcome.OK, Outcome.AGAIN, OTHER_SHAPE):
            layout, buckets, members = told
            return status, Shape(int(buckets), int(members), Layout(layout)), copied
        return answer, shape, copied


def _meta(fields: Sequence[bytes | None] | bytes, doing: str) -> Meta:
    if fields == b"outdated":
        raise StoreOutdated(doing)
    if isinstance(fields, bytes):
        raise StoreRefused(f"{doing}: {fields.decode(errors='backslashreplace')}")
    token, number, nonce, body, *buckets = fields
    if token is None or number is None or nonce is None or body is None:
        raise StoreRefused(f"{doing}: the meta lacks token, number, nonce or body")
    if not any(buckets):
        raise StoreOutdated(doing)
    return Meta(token, int(number), nonce, body)
