"""Some of the stored customers: all of few, of many a share that is drawn by hash, so that a look costs the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from math import sqrt
from typing import Final, NamedTuple, Protocol

from xxhash import xxh3_64_intdigest

from streams.shard.meta import ShardBody

MOST: Final = 20_000
"""Customers that are looked at; of more a share."""
PAGE: Final = 500
_WHOLE: Final = 1 << 64


class Records(Protocol):
    """What a look needs of the store.

    Implemented by RedisStore.
    """

    async def load(self, namespace: str, names: Sequence[bytes]) -> list[bytes | None]: ...
    def all_names(self, beginning: bytes) -> AsyncIterator[tuple[str, bytes]]: ...


class Stored(NamedTuple):
    """A customer, and their record's bytes."""

    shard: int
    customer: bytes
    record: bytes


def share_of(bodies: Mapping[int, ShardBody], most: int) -> float:
    """The share of all customers that at most so many are."""
    total = sum(sum(body.state.bands) for body in bodies.values())
    return min(1.0, most / total) if total else 1.0


def error_of(count: float, share: float) -> float:
    """Standard error of a count that was made of a share and scaled up."""
    return sqrt(count * (1.0 - share)) / share


async def some_of(store: Records, share: float, seed: int) -> AsyncIterator[Stored]:
    """The customers of a share, each once. seed: of the hash that draws it. Raises what the store raises."""
    async for shard, names in _pages(store, share, seed):
        for name, record in zip(names, await store.load(str(shard), names), strict=True):
            if record is not None:
                yield Stored(shard, name[2:], record)


async def _pages(store: Records, share: float, seed: int) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Their names by shard, some at a time."""
    seen: set[bytes] = set()
    pages: dict[int, list[bytes]] = {}
    async for namespace, name in store.all_names(b"c:"):
        if name in seen or xxh3_64_intdigest(name[2:], seed) >= share * _WHOLE or not namespace.isdecimal():
            continue
        seen.add(name)
        page = pages.setdefault(int(namespace), [])
        page.append(name)
        if len(page) == PAGE:
            yield int(namespace), pages.pop(int(namespace))
    for shard, page in pages.items():
        yield shard, page
