"""The store on Redis (6.2 and later, Valkey, Redis Cluster). All keys of a place share one hash slot:

| key                     | type   | holds                                     |
|-------------------------|--------|-------------------------------------------|
| ``{app:place}:meta``    | hash   | token, number, nonce, body                |
| ``{app:place}:due``     | zset   | member by score                           |
| ``{app:place}:outbox``  | list   | entries, oldest at the head               |
| ``{app:place}:<name>``  | string | the value of that name                    |

A write is one EVALSHA of commit.lua. Redis must run ``maxmemory-policy noeviction``, and ``appendfsync always`` where
no commit may be lost. A write removes before it sets: a name in both `removed` and `values` (a member in both `undue`
and `dues`) is there afterwards, and of a name given twice the last value stays.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import Any, Final

from redis.asyncio import RedisCluster
from redis.exceptions import NoScriptError

from streams.store.connection import Client, connect
from streams.store.failures import CAUGHT, translated
from streams.store.port import Meta, Outcome, StoreUnavailable, Write
from streams.store.rules import StoreFull, StoreRefused, check_names, check_place, check_range, check_token, check_write

__all__ = ["RedisStore", "connect"]


class Script:
    """A Lua script of this package, called by its SHA1."""

    def __init__(self, name: str) -> None:
        self.source: Final = resources.files("streams.store").joinpath(name).read_bytes()
        # Redis names scripts by SHA1; nothing rests on its strength.
        self.sha: Final = hashlib.sha1(self.source, usedforsecurity=False).hexdigest()


class Scripts:
    """The writes of a place, each atomic."""

    def __init__(self) -> None:
        self.commit: Final = Script("commit.lua")
        self.mint: Final = Script("mint.lua")
        self.create: Final = Script("create.lua")


class RedisStore:
    """`Store` on a client built by `connect`. Raises StoreUnavailable, StoreRefused (StoreFull), and ValueError.

    replicas: how many replicas must have a write before it stands (WAIT on the same connection, for at most
    `replicas_timeout_ms`, which must be less than the client's timeout). With fewer the call raises StoreUnavailable;
    the write is in the primary then, and its retry waits again. 0: none. Not for RedisCluster, which has no way to
    send WAIT down the connection of the write: use ``min-replicas-to-write`` there.

    on_failure is called for each call that raises StoreUnavailable or StoreFull, on_again for each commit that stood
    already (``AGAIN``).
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
        self._client = client
        self._app = app
        self._replicas = replicas
        self._replicas_timeout_ms = replicas_timeout_ms
        self._on_failure, self._on_again = on_failure, on_again
        self.scripts: Final = Scripts()

    async def read_meta(self, place: str) -> Meta | None:
        key = self._prefix(place) + b"meta"
        doing = f"meta of place {place!r}"
        fields: list[bytes | None] = await self._call(doing, "HMGET", key, b"token", b"number", b"nonce", b"body")
        if all(value is None for value in fields):
            return None
        return _meta(fields, doing)

    async def create(self, place: str, body: bytes) -> bool:
        key = self._prefix(place) + b"meta"
        reply, copied = await self._run(f"create of place {place!r}", self.scripts.create, (key,), (body,))
        self._confirm(copied, place)
        return bool(reply)

    async def mint(self, place: str, token: bytes, seen: bytes | None = None) -> Meta | None:
        check_token(token)
        key = self._prefix(place) + b"meta"
        doing = f"mint of place {place!r}"
        reply, copied = await self._run(doing, self.scripts.mint, (key,), (token,) if seen is None else (token, seen))
        self._confirm(copied, place)
        return None if reply is None else _meta(reply, doing)

    async def commit(self, place: str, write: Write) -> Outcome:
        check_write(write)
        prefix = self._prefix(place)
        keys = [prefix + b"meta", prefix + b"due", prefix + b"outbox"]
        keys += [prefix + name for name, _ in write.values]
        keys += [prefix + name for name in write.removed]
        args: list[bytes] = [
            write.token,
            b"%d" % write.expected,
            b"%d" % (write.expected + 1),
            write.nonce,
            write.body,
            b"%d" % len(write.values),
            b"%d" % len(write.removed),
            b"%d" % len(write.dues),
            b"%d" % len(write.undue),
            b"%d" % len(write.outbox),
            b"%d" % write.trim,
        ]
        args += [value for _, value in write.values]
        for score, member in write.dues:
            args += (_number(score), member)
        args += write.undue
        args += write.outbox
        doing = f"commit {write.expected} of place {place!r}"
        reply, copied = await self._run(doing, self.scripts.commit, keys, args)
        try:
            outcome = Outcome(reply.decode())
        except ValueError:
            raise StoreRefused(f"{doing}: {reply.decode(errors='backslashreplace')}") from None
        if outcome is Outcome.AGAIN:
            self._on_again()
        if outcome.stands:
            self._confirm(copied, place)
        return outcome

    async def load(self, place: str, names: Sequence[bytes]) -> list[bytes | None]:
        check_names(names)
        prefix = self._prefix(place)
        if not names:
            return []
        values: list[bytes | None] = await self._call(
            f"load of place {place!r}", "MGET", *[prefix + name for name in names]
        )
        return values

    async def due(self, place: str, up_to: float, limit: int) -> list[tuple[float, bytes]]:
        check_range(up_to, limit)
        key = self._prefix(place) + b"due"
        if limit == 0:
            return []
        flat: list[bytes] = await self._call(
            f"due of place {place!r}", "ZRANGEBYSCORE", key, b"-inf", _number(up_to), b"WITHSCORES", b"LIMIT", 0, limit
        )
        return [(float(score), member) for member, score in zip(flat[::2], flat[1::2], strict=True)]

    async def due_count(self, place: str, up_to: float) -> int:
        check_range(up_to)
        key = self._prefix(place) + b"due"
        return int(await self._call(f"due count of place {place!r}", "ZCOUNT", key, b"-inf", _number(up_to)))

    async def outbox(self, place: str) -> list[bytes]:
        key = self._prefix(place) + b"outbox"
        entries: list[bytes] = await self._call(f"outbox of place {place!r}", "LRANGE", key, 0, -1)
        return entries

    async def close(self) -> None:
        await self._client.aclose()

    def _prefix(self, place: str) -> bytes:
        check_place(place)
        return f"{{{self._app}:{place}}}:".encode()

    def _confirm(self, copied: int, place: str) -> None:
        if copied < self._replicas:
            self._on_failure()
            raise StoreUnavailable(
                f"place {place!r}: written, but {copied} of {self._replicas} replicas confirmed it "
                f"within {self._replicas_timeout_ms} ms"
            )

    async def _run(self, doing: str, script: Script, keys: Sequence[bytes], args: Sequence[bytes]) -> tuple[Any, int]:
        """(reply of the script, how many replicas have it). EVAL carries the source, so it loads it where it runs."""
        try:
            return await self._send(doing, "EVALSHA", script.sha, len(keys), *keys, *args)
        except NoScriptError:
            return await self._send(doing, "EVAL", script.source, len(keys), *keys, *args)

    async def _send(self, doing: str, *command: Any) -> tuple[Any, int]:
        if not self._replicas:
            return await self._call(doing, *command), 0
        reply, copied = await self._guarded(doing, self._with_replicas(command))
        return reply, int(copied)

    async def _with_replicas(self, command: Sequence[Any]) -> list[Any]:
        # A pipeline keeps WAIT on the write's connection. WAIT covers all that Redis had written before the
        # connection's last command, so also the write of an earlier try.
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(*command)
            pipeline.execute_command("WAIT", self._replicas, self._replicas_timeout_ms)
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def _call(self, doing: str, *command: Any) -> Any:
        return await self._guarded(doing, self._client.execute_command(*command))

    async def _guarded(self, doing: str, answer: Awaitable[Any]) -> Any:
        """Await an answer of redis-py: its errors become those of the port, and no cancellation gets lost."""
        task = asyncio.current_task()
        cancellations = task.cancelling() if task else 0
        try:
            return await answer
        except NoScriptError:
            raise
        except CAUGHT as error:
            known = translated(error, doing)
            if isinstance(known, (StoreUnavailable, StoreFull)):
                self._on_failure()
            raise known from error
        finally:
            # redis-py sends through asyncio.wait_for, which in Python 3.11 swallows a cancellation that comes as it
            # ends.
            if task and task.cancelling() > cancellations:
                raise asyncio.CancelledError


def _number(value: float) -> bytes:
    """`value` as Redis reads it back exactly: integers without a fraction, others in Python's shortest form."""
    as_float = float(value)
    return b"%d" % int(as_float) if as_float.is_integer() else repr(as_float).encode()


def _meta(fields: Sequence[bytes | None] | bytes, doing: str) -> Meta:
    if isinstance(fields, bytes):
        raise StoreRefused(f"{doing}: {fields.decode(errors='backslashreplace')}")
    token, number, nonce, body = fields
    if token is None or number is None or nonce is None or body is None:
        raise StoreRefused(f"{doing}: the meta lacks token, number, nonce or body")
    return Meta(token, int(number), nonce, body)
