"""The outbox entry and the publisher port: how a shard's outputs reach Kafka exactly once.

Outputs are appended to the shard's outbox in the same commit as the state they follow from, and published from there.
Each entry carries its shard's *count per destination partition* (1, 2, 3, ...; no gaps within a destination's own
entries) and a deterministic id. Both travel as Kafka record headers ``count`` (decimal) and ``id``, so the tail of a
destination tells how far the shard is public.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

import msgspec

if TYPE_CHECKING:  # the compiled engine, which those who only publish do not need
    from models.changes import Counted

TRANSACTION_S = 10.0
"""A transaction that is open for longer is aborted by Kafka; until then it holds up every reader of its partitions."""


class Destination(NamedTuple):
    """An output partition. `topic` is the role ("triggers", "decisions", "examples", "deadletters", "touchpoints")."""

    topic: str
    partition: int


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One output. `expires_at`: log time (ms) after which a trigger is not worth sending (0: never)."""

    topic: str
    partition: int
    count: int
    id: str
    key: bytes
    value: bytes
    time: int
    expires_at: int = 0

    @classmethod
    def of(cls, output: Counted, shard: int) -> Self:
        """An output as the engine counts it, on its way to the shard's own partition of its role."""
        return cls(
            topic=output.role,
            partition=shard,
            count=output.count,
            id=output.id,
            key=output.key,
            value=output.value,
            time=output.time,
            expires_at=output.expires_at,
        )

    @property
    def destination(self) -> Destination:
        return Destination(self.topic, self.partition)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


def pack(entry: Entry) -> bytes:
    """The entry as stored in the outbox."""
    return _encode(entry)


def unpack(value: bytes) -> Entry:
    """Inverse of `pack`; raises msgspec.DecodeError on foreign bytes."""
    return _decode(value)


class Publisher(Protocol):
    """Publishes one shard's outbox, in order. One instance per ownership of a shard.

    `start` ends any open transaction of the shard and fences the previous owner's publisher. `public` reads, for each
    destination, the entries of the shard that are public already with count >= `since` (from the tail backwards).
    `send` publishes entries in one transaction (embedded broker: one idempotent batch), without waiting for further
    ones. After `KafkaUnavailable` the outcome is unknown: `start` again and compare with `public`.
    Every method may also raise BrokerRefused, where credentials or a right is lacking, and `send` ProducerFenced.

    throttled_s: for how long Kafka has asked us to wait since the last `send` began.
    """

    transactional: bool
    throttled_s: float

    async def start(self) -> None: ...

    async def public(self, since: Mapping[Destination, int]) -> dict[Destination, list[tuple[int, str]]]:
        """(count, id) of the public entries of each destination with count >= since[destination], and always at least
        the last one when there is any; ordered by count."""

    async def values(self, destination: Destination, since: int) -> list[bytes]:
        """The values of the public entries of a destination with count >= since; ordered by count."""

    async def send(self, entries: Sequence[Entry]) -> None: ...

    async def stop(self) -> None:
        """Close; leaves an open transaction to the next `start` of the shard, wherever it is."""
