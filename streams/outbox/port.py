"""The publisher port: publishes a shard's outbox exactly once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the compiled engine, which those who only publish do not need
    pass
from streams.outbox.entry import Destination, Entry


class Publisher(Protocol):
    """Publishes one shard's outbox, in order. One instance per ownership of a shard.

    `start` ends any open transaction of the shard and fences the previous owner's publisher. `public` reads, for each
    destination, the entries of the shard that are published already, from sequence number `since` on.
    `send` publishes entries in one transaction (embedded broker: one idempotent batch), without waiting for further
    ones. After `KafkaUnavailable` the outcome is unknown: `start` again and compare with `public`.
    Every method may also raise BrokerRefused, where credentials or a right is lacking, and `send` ProducerFenced.

    throttled_s: for how long Kafka has asked us to wait since the last `send` began.

    Implemented by KafkaPublisher, PlainPublisher and FakePublisher.
    """

    transactional: bool
    throttled_s: float

    async def start(self) -> None: ...

    async def public(self, since: Mapping[Destination, int]) -> dict[Destination, list[tuple[int, str]]]:
        """(sequence number, id) of the published entries of each destination from since[destination] on, and always at
        least the last one when there is any; ordered by sequence number."""

    async def values(self, destination: Destination, since: int) -> list[bytes]:
        """The values of the published entries of a destination from sequence number `since` on, in order."""

    async def send(self, entries: Sequence[Entry]) -> None: ...

    async def stop(self) -> None:
        """Close; leaves an open transaction to the next `start` of the shard, wherever it is."""
