"""Reads what is to be verified: customers in pieces, each with the position at which it stood."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from models.timeline.partitioning import partition_of
from streams.operations.verify.replayed import Cut
from streams.shard.meta import ShardBody, unpack_body
from streams.store.port import Meta

IN_ONE_PIECE = 500
"""Customers read in one atomic call: a millisecond of Redis's time."""
RECORD = b"c:"


class Snapshots(Protocol):
    """What a verification needs of the store.

    Implemented by RedisStore.
    """

    async def read_meta(self, namespace: str) -> Meta | None: ...
    async def outbox(self, namespace: str) -> list[bytes]: ...
    async def load_at(self, namespace: str, names: Sequence[bytes]) -> tuple[Meta | None, list[bytes | None]]: ...
    def all_names(self, beginning: bytes) -> AsyncIterator[tuple[str, bytes]]: ...


class Piece(NamedTuple):
    """Some customers of a shard as stored at a position. census: nobody else may have a record there."""

    cut: Cut
    values: dict[bytes, bytes | None]
    census: bool = False


class Chosen(NamedTuple):
    """Which customers are verified, by shard.

    since: of everybody: the positions of the shards before the customers were listed. Who has a record there and is
    not in the list is missing.
    """

    customers: dict[int, list[bytes]]
    since: dict[int, Cut] | None = None


def named(customers: Sequence[str], partitions: int) -> Chosen:
    """Those who are named."""
    found: dict[int, list[bytes]] = {}
    for customer in customers:
        found.setdefault(partition_of(customer, partitions), []).append(customer.encode())
    return Chosen(found)


async def sampled(store: Snapshots, most: int) -> Chosen:
    """Some at random, each customer of the store as likely as any other."""
    kept: list[tuple[int, bytes]] = []
    seen = 0
    async for customer in _customers(store):
        seen += 1
        if len(kept) < most:
            kept.append(customer)
        elif (place := random.randrange(seen)) < most:
            kept[place] = customer
    found: dict[int, list[bytes]] = {}
    for shard, name in sorted(set(kept)):
        found.setdefault(shard, []).append(name)
    return Chosen(found)


async def everybody(store: Snapshots, partitions: int) -> Chosen:
    """All that the store holds."""
    since: dict[int, Cut] = {}
    for number in range(partitions):
        meta = await store.read_meta(str(number))
        if meta is not None:
            since[number] = Cut.of(unpack_body(str(number), meta.body).state)
    found: dict[int, set[bytes]] = {n: set() for n in range(partitions)}
    async for shard, name in _customers(store):
        found.setdefault(shard, set()).add(name)
    return Chosen({shard: sorted(names) for shard, names in found.items()}, since)


async def _customers(store: Snapshots) -> AsyncIterator[tuple[int, bytes]]:
    async for namespace, name in store.all_names(RECORD):
        if namespace.isdigit():
            yield int(namespace), name.removeprefix(RECORD)


async def pieces(store: Snapshots, shard: int, customers: Sequence[bytes]) -> tuple[ShardBody | None, list[Piece]]:
    """What is stored of them, and the shard's body as of the last look; None where there is none."""
    namespace, found = str(shard), list[Piece]()
    body: ShardBody | None = None
    for first in range(0, max(len(customers), 1), IN_ONE_PIECE):
        some = customers[first : first + IN_ONE_PIECE]
        meta, values = await store.load_at(namespace, [RECORD + name for name in some])
        if meta is None:
            return None, []
        body = unpack_body(namespace, meta.body)
        found.append(Piece(Cut.of(body.state), dict(zip(some, values, strict=True))))
    return body, sorted(found, key=lambda piece: piece.cut)
