"""Protocols between ownership, its partition owners (`PartitionOwner`) and the consumer (`ConsumerGroup`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from faust.types import TP

from streams.errors import EngineError
from streams.kafka.partition_facts import LogFacts


class PartitionOwner(Protocol):
    """A shard, or the learner, as owner of one partition.

    Implemented by Shard and LearnerOwner.
    """

    @property
    def tp(self) -> TP:
        """The partition whose assignment brings this ownership."""

    @property
    def generation(self) -> int:
        """The rebalance count at takeover: guards against late calls of an ended ownership."""

    @property
    def next_offset(self) -> int:
        """Next offset to read; Kafka's committed offset is made to follow it. The learner: 0."""

    @property
    def reads(self) -> bool:
        """True: records of `tp` are fetched for it. False: the partition only carries the ownership (learner)."""

    @property
    def busy(self) -> bool:
        """True from `hand_over` until its call of `Ownership.release`, waits and outages included."""

    async def peek(self) -> bool:
        """Step 1: read the meta and set the next offset; False when there is none yet."""

    async def mint(self) -> None:
        """Step 3."""

    async def check(self, facts: LogFacts) -> None:
        """Step 4; raises the named errors. Without a meta it also decides whether one may be created."""

    async def recover(self) -> None:
        """Steps 5 to 8."""

    def has_read(self, offset: int) -> None:
        """While no batch is out: whatever stands before this offset was handed over, or is no record (a marker of a
        transaction). Called in the consumer's thread."""

    def hand_over(self, records: list[Any]) -> None:
        """Take a batch: records (offset, timestamp, key, value) in offset order. At most one is out at a time."""

    async def run(self) -> None:
        """The main loop, from a complete takeover until it is cancelled."""

    async def ended(self) -> None:
        """After the main loop, or after a takeover that failed halfway: stop the publisher, within seconds."""


class ConsumerGroup(Protocol):
    """The consumer, as seen from here.

    Implemented by BatchConsumer.
    """

    @property
    def generation(self) -> int: ...
    def assigned(self) -> set[TP]:
        """What is to be owned now: nothing while the group is being joined anew, or while the worker stops."""

    async def confirm(self, next_offsets: Mapping[TP, int]) -> bool:
        """Commit to Kafka; False when the coordinator says that generation or member is no longer ours."""

    async def log_facts(self, tps: Iterable[TP]) -> dict[TP, LogFacts]: ...
    async def begin(self, owner: PartitionOwner, generation: int) -> bool:
        """Seek to the next offset and free, in one step; False (and nothing done) when a rebalance has begun."""

    def free(self, owner: PartitionOwner) -> None: ...
    def is_free(self, owner: PartitionOwner) -> bool: ...
    @property
    def polls(self) -> int:
        """Counts up with every poll for records."""

    def end_process(self, error: EngineError) -> None: ...
