"""A publisher in memory, for tests: the contract of the Kafka ones, with failures on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from streams.kafka.errors import KafkaUnavailable, ProducerFenced
from streams.outbox.contents import ReadOutbox
from streams.outbox.entry import Destination, Entry


class Failure(Enum):
    """What the next `send` suffers."""

    BEFORE = "nothing becomes public"
    LOST_REPLY = "all becomes public, but the sender is not told"


@dataclass
class FakeLog:
    """The destinations: what readers see, in order. Shared by the publishers of all shards and owners."""

    records: dict[Destination, list[tuple[int, Entry]]] = field(default_factory=dict)
    """(sender, entry) pairs."""
    epochs: dict[int, int] = field(default_factory=dict)

    def entries(self, destination: Destination) -> list[Entry]:
        return [entry for _, entry in self.records.get(destination, [])]


def stored(outbox: Sequence[Entry], page: int = 1_000) -> ReadOutbox:
    """Reads these entries, as a shard reads its outbox."""

    async def read(first: int) -> Sequence[Entry]:
        return outbox[first : first + page]

    return read


class FakePublisher:
    """Publishes a shard's outbox to a `FakeLog`. Put failures into `failures`; each `send` consumes one."""

    transactional = True
    throttled_s = 0.0

    def __init__(self, log: FakeLog, shard: int) -> None:
        self._log = log
        self._shard = shard
        self._epoch: int | None = None
        self.failures: list[Failure] = []
        self.sends: list[int] = []
        """How many entries each successful `send` had."""

    async def start(self) -> None:
        self._epoch = self._log.epochs[self._shard] = self._log.epochs.get(self._shard, 0) + 1

    async def public(self, since: Mapping[Destination, int]) -> dict[Destination, list[tuple[int, str]]]:
        found: dict[Destination, list[tuple[int, str]]] = {}
        for destination, first in since.items():
            log = self._log.records.get(destination, [])
            own = sorted((entry.sequence, entry.id) for sender, entry in log if sender == self._shard)
            if own:
                found[destination] = [public for public in own if public[0] >= first] or own[-1:]
        return found

    async def values(self, destination: Destination, since: int) -> list[bytes]:
        own = {
            entry.sequence: entry.value
            for sender, entry in self._log.records.get(destination, [])
            if sender == self._shard
        }
        return [own[sequence] for sequence in sorted(own) if sequence >= since]

    async def send(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        if self._epoch is None:
            raise KafkaUnavailable(f"the publisher of shard {self._shard} is not started: call start first")
        if self._epoch != self._log.epochs[self._shard]:
            raise ProducerFenced(f"shard {self._shard}, send: a newer owner has started its publisher")
        failure = self.failures.pop(0) if self.failures else None
        if failure is not Failure.BEFORE:
            for entry in entries:
                self._log.records.setdefault(entry.destination, []).append((self._shard, entry))
        if failure is not None:
            self._epoch = None
            raise KafkaUnavailable(f"shard {self._shard}, send: {failure.value}")
        self.sends.append(len(entries))

    async def stop(self) -> None:
        self._epoch = None
