"""Packs long runs of command arguments for Redis at once.

A command of a thousand records is half a million bytes; packed one by one they cost several times the copy they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


class Run:
    """Arguments that follow one another in a command, each with `prefix` before it."""

    __slots__ = ("items", "prefix")

    def __init__(self, items: Sequence[bytes], prefix: bytes = b"") -> None:
        self.items = items
        self.prefix = prefix

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[bytes]:
        return (self.prefix + item for item in self.items)

    def packed(self) -> bytes:
        """As RESP bulk strings.

        >>> Run([b"anna", b"bert"], b"c:").packed()
        b'$6\\r\\nc:anna\\r\\n$6\\r\\nc:bert\\r\\n'
        """
        items, prefix = self.items, self.prefix
        if not items:
            return b""
        # What stands before an item of each length. Records and most ids of a batch are equally long: one join.
        heads = {n: b"\r\n$%d\r\n%b" % (n + len(prefix), prefix) for n in set(map(len, items))}
        if len(heads) == 1:
            (head,) = heads.values()
            return b"%b%b\r\n" % (head[2:], head.join(items))
        parts = [part for item in items for part in (heads[len(item)], item)]
        parts[0] = parts[0][2:]
        parts.append(b"\r\n")
        return b"".join(parts)


def pack(command: Sequence[Any]) -> list[bytes]:
    """`command` with runs in it (everything else bytes, or its ASCII name) as buffers to be sent one after another.

    No buffer is empty: asyncio of Python 3.12 and newer never gets rid of an empty one at the end, writes for ever, and
    does not close the connection.
    """
    runs = [arg if isinstance(arg, Run) else Run([arg.encode() if isinstance(arg, str) else arg]) for arg in command]
    return [b"*%d\r\n" % sum(map(len, runs)), *(run.packed() for run in runs if len(run))]


def flat(command: Sequence[Any]) -> list[Any]:
    """`command` with its runs laid out, for a client that packs by itself.

    >>> flat(["MGET", Run([b"anna", b"bert"], b"c:")])
    ['MGET', b'c:anna', b'c:bert']
    """
    return [part for arg in command for part in (arg if isinstance(arg, Run) else (arg,))]
