"""External merge sort: sorted runs on disk, merged."""

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
    """The items sorted by key, those of one key in their own order.

    Args:
        items: read once.
        kind: their class; msgspec must be able to write and read it.
        key: to sort by.
        directory: takes the sorted runs, as files.
        in_memory: most items held at a time, beside one for each run.

    Raises:
        DiskFull: a run could not be written; while the result is iterated.
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
        for item in items:  # what reading them raises is not ours to name
            packed = encode(item)
            try:
                file.write(len(packed).to_bytes(_LENGTH, "little") + packed)
            except OSError as error:
                raise DiskFull(f"{path}: {error.strerror}") from error
    except BaseException:
        with contextlib.suppress(OSError):  # closing tries to write the rest, and would hide what came first
            file.close()
        raise
    try:
        file.close()  # what is buffered is written only here
    except OSError as error:
        raise DiskFull(f"{path}: {error.strerror}") from error


def read_items(path: Path, kind: type[T]) -> Iterator[T]:
    """What `write_items` wrote, item by item."""
    decode = msgspec.msgpack.Decoder(kind).decode
    with path.open("rb") as file:
        while length := file.read(_LENGTH):
            yield decode(file.read(int.from_bytes(length, "little")))
