"""Redis calls of the store: scripts by SHA1, WAIT for replicas, errors translated to the port's."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib import resources
from typing import Any, Final

from redis.asyncio import RedisCluster
from redis.exceptions import NoScriptError

from streams.store.port import StoreUnavailable
from streams.store.redis.connection import Client, most_connections
from streams.store.redis.errors import CAUGHT, translated
from streams.store.redis.packing import flat
from streams.store.rules import StoreFull

SCANNED = 1_000
"""Keys that one step of a scan looks at."""


class Script:
    """A Lua script of this package, called by its SHA1."""

    def __init__(self, name: str) -> None:
        self.source: Final = resources.files("streams.store.redis").joinpath(name).read_bytes()
        # Redis names scripts by SHA1; nothing rests on its strength.
        self.sha: Final = hashlib.sha1(self.source, usedforsecurity=False).hexdigest()


class Scripts:
    """The writes of a namespace, each atomic, and the reads of its due set."""

    def __init__(self) -> None:
        self.commit: Final = Script("commit.lua")
        self.mint: Final = Script("mint.lua")
        self.create: Final = Script("create.lua")
        self.due_heads: Final = Script("due_heads.lua")
        self.due_part: Final = Script("due_part.lua")
        self.due_count: Final = Script("due_count.lua")
        self.values_at: Final = Script("values_at.lua")


class Calls:
    """Calls on a client. `doing` says in an error what was being done.

    replicas: how many must have a write (0: none asked for), replicas_timeout_ms: how long it waits for them.
    on_failure is called for each call that raises StoreUnavailable or StoreFull.
    """

    def __init__(self, client: Client, replicas: int, replicas_timeout_ms: int, on_failure: Callable[[], None]) -> None:
        self._client = client
        self._replicas = replicas
        self._replicas_timeout_ms = replicas_timeout_ms
        self._on_failure = on_failure
        # redis-py refuses a call above its limit of connections; here it waits for one that is done.
        self._free = asyncio.Semaphore(most_connections(client))

    async def call(self, doing: str, *command: Any) -> Any:
        """The answer to a command, in which a `Run` may stand for many arguments (and must come last then)."""
        return await self._guarded(doing, self._client.execute_command(*self._sent(command)))

    async def read(self, doing: str, script: Script, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
        """The answer of a script that writes nothing."""
        return await self._evaluate(self.call, doing, script, len(keys), (*keys, *args))

    async def write(self, doing: str, script: Script, keys: int, arguments: Sequence[Any]) -> tuple[Any, int]:
        """(answer of the script, how many replicas have it). keys: how many of the arguments are keys, runs counted."""
        answer: tuple[Any, int] = await self._evaluate(self._send, doing, script, keys, arguments)
        return answer

    async def names(self, doing: str, pattern: str) -> AsyncIterator[list[bytes]]:
        """All keys that match a pattern, some thousand at a time, on every node. Some may come twice."""
        found: list[bytes] = []
        try:
            async for key in self._client.scan_iter(match=pattern, count=SCANNED):
                found.append(key)
                if len(found) == SCANNED:
                    yield found
                    found = []
        except CAUGHT as error:
            raise translated(error, doing) from error
        if found:
            yield found

    def confirm(self, copied: int, namespace: str) -> None:
        """Raise StoreUnavailable when fewer replicas than asked for have the write."""
        if copied < self._replicas:
            self._on_failure()
            raise StoreUnavailable(
                f"namespace {namespace!r}: written, but {copied} of {self._replicas} replicas confirmed it "
                f"within {self._replicas_timeout_ms} ms"
            )

    async def close(self) -> None:
        await self._client.aclose()

    async def _evaluate(
        self, send: Callable[..., Awaitable[Any]], doing: str, script: Script, keys: int, arguments: Sequence[Any]
    ) -> Any:
        # EVAL carries the source, so it loads the script where it runs.
        try:
            return await send(doing, "EVALSHA", script.sha.encode(), b"%d" % keys, *arguments)
        except NoScriptError:
            return await send(doing, "EVAL", script.source, b"%d" % keys, *arguments)

    async def _send(self, doing: str, *command: Any) -> tuple[Any, int]:
        if not self._replicas:
            return await self.call(doing, *command), 0
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

    def _sent(self, command: Sequence[Any]) -> Sequence[Any]:
        # A cluster's client looks into the arguments for the hash slot, and packs them by itself.
        return flat(command) if isinstance(self._client, RedisCluster) else command

    async def _guarded(self, doing: str, answer: Awaitable[Any]) -> Any:
        """Await an answer of redis-py: its errors become those of the port, and no cancellation gets lost."""
        task = asyncio.current_task()
        cancellations = task.cancelling() if task else 0
        try:
            async with self._free:
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
