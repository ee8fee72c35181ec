"""Sorting more than memory holds: sorted runs on disk, merged."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from streams.errors import EngineError

IN_MEMORY = 250_000
"""Items of one run; of events about 130 MB."""
_LENGTH = 4

T = TypeVar("T")


class DiskFull(EngineError):
    """What is sorted can't be kept on disk."""

    remedy = "make room there, or name another folder in TMPDIR; about the size of the unpacked log, twice, is needed"


def sorted_on_disk(
    items: Iterable[T], kind: type[T], key: Callable[[T], int], directory: Path, in_memory: int = IN_MEMORY
) -> Iterator[T]:
    """The items by key, those of one key in their own order.

    At most `in_memory` of them are held, and one for each run; the runs lie in `directory`. kind: a class that msgspec
    can write and read.
    """
    source, runs = iter(items), list[Path]()
    while len(held := sorted(islice(source, in_memory), key=key)) == in_memory:
        runs.append(directory / f"run-{len(runs)}")
        write_items(runs[-1], held)
    return heapq.merge(*(read_items(run, kind) for run in runs), held, key=key)


def write_items(path: Path, items: Iterable[Any]) -> None:
    """Items as MessagePack, each behind its length. Raises DiskFull."""
    encode = msgspec.msgpack.Encoder().encode
    file = path.open("wb")
    try:
        for item in items:
            packed = encode(item)
            try:
                file.write(len(packed).to_bytes(_LENGTH, "little") + packed)
            except OSError as error:
                raise _disk_full(path, error) from error
    except BaseException:
        with contextlib.suppress(OSError):  # what is left in the buffer finds no room either
            file.close()
        raise
    # The part that finds no room may be the buffer's last one, written by closing.
    try:
        file.close()
    except OSError as error:
        raise _disk_full(path, error) from error


def _disk_full(path: Path, error: OSError) -> DiskFull:
    return DiskFull(f"{path}: {error.strerror}")


def read_items(path: Path, kind: type[T]) -> Iterator[T]:
    """What `write_items` wrote, item by item."""
    decode = msgspec.msgpack.Decoder(kind).decode
    with path.open("rb") as file:
        while length := file.read(_LENGTH):
            yield decode(file.read(int.from_bytes(length, "little")))
