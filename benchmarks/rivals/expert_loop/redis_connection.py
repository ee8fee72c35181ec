"""One connection to Redis, packed and parsed by hiredis: commands go out without waiting for the replies before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import hiredis

Command = tuple[Any, ...]
BUFFER = 1 << 22
CHUNK = 1 << 20


class RedisConnection:
    """Replies come in the order of the commands, whoever asks for them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._parser = hiredis.Reader()

    @classmethod
    async def opened(cls, host: str, port: int, database: int) -> RedisConnection:
        connection = cls(*await asyncio.open_connection(host, port, limit=BUFFER))
        await connection.call(("SELECT", str(database)))
        return connection

    def send(self, commands: Sequence[Command]) -> None:
        self._writer.write(b"".join(map(hiredis.pack_command, commands)))

    async def replies(self, count: int) -> list[Any]:
        """The next replies. Raises ConnectionError at the end of the stream, hiredis.ReplyError for an error."""
        found: list[Any] = []
        while len(found) < count:
            reply = self._parser.gets()
            if reply is False:  # not whole yet
                data = await self._reader.read(CHUNK)
                if not data:
                    raise ConnectionError("Redis has closed the connection")
                self._parser.feed(data)
                continue
            if isinstance(reply, hiredis.ReplyError):
                raise reply
            found.append(reply)
        return found

    async def call(self, command: Command) -> Any:
        self.send([command])
        (reply,) = await self.replies(1)
        return reply
