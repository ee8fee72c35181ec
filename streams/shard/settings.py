"""Settings of a shard, and the observer protocol it reports to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from models.customer.layout import VERSION
from models.engine.changes import Changes
from models.settings import EngineSettings
from models.timeline.shard_state import ShardState
from models.timeline.stop_types import Stops
from streams.learner.versions import VersionSource
from streams.outbox.contents import ReadOutbox
from streams.outbox.entry import Entry
from streams.store import Store
from streams.store.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class ShardSettings:
    """What a shard needs to be told.

    Attributes:
        engine: the pure engine's settings.
        mode: live or replay.
        topic: the input topic's name.
        outbox_limit: entries; no batch is begun while more are unpublished (`Outgoing.has_capacity`).
        clock_ahead_limit_s: a record further ahead of this machine's clock pauses the shard.
        cache_records: most customers whose records the worker keeps in memory, all its shards together.
        record_version: of the records that are written (`models.customer.versions`).
        backfill_until: the cut-over (ms) of the backfill that works here in place of a worker, 0: none.
    """

    engine: EngineSettings
    mode: str
    topic: str
    outbox_limit: int
    clock_ahead_limit_s: float
    cache_records: int = 160_000
    record_version: int = VERSION
    backfill_until: int = 0

    @property
    def lockstep(self) -> bool:
        """Whether a shard waits at each boundary for the version that the rule names."""
        return self.mode == "replay" or self.backfill_until > 0


class Watcher(Protocol):
    """What the shard tells those who watch it: once per commit, never per event.

    Implemented by Watching and JobWatcher.
    """

    def taken_over(self, shard: int, state: ShardState) -> None: ...
    def committed(
        self, shard: int, before: ShardState, after: ShardState, records: int, seconds: float, store_seconds: float
    ) -> None:
        """A commit is written.

        Args:
            shard: its number.
            before, after: its states.
            records: consumed by the commit.
            seconds: from load to written, without waiting for the learner.
            store_seconds: spent in Redis.
        """

    def doubted(self, shard: int, unsure: int, beyond: int) -> None: ...
    def left(self, shard: int, customers: int) -> None: ...
    def decided(self, decided: Mapping[tuple[str, str], int]) -> None: ...
    def working(self, shard: int, records: int, up_to: int) -> None: ...
    def waiting(self, shard: int, reason: str, detail: str) -> None: ...
    def outbox(self, shard: int, entries: int) -> None: ...
    def idle(self, shard: int) -> None: ...


def tell_changes(watcher: Watcher, shard: int, changes: Changes) -> None:
    """Tell of a commit what there is of it."""
    if changes.unsure or changes.beyond:
        watcher.doubted(shard, changes.unsure, changes.beyond)
    if changes.decided:
        watcher.decided(changes.decided)
    if changes.removed:
        watcher.left(shard, len(changes.removed))


class Outputs(Protocol):
    """Where a shard's outputs go behind its commits. The methods are told at `Outgoing`.

    Implemented by Outgoing, Comparing and Suppressed.
    """

    trimmable: int
    stops: Stops
    lag_s: float

    def __len__(self) -> int: ...
    async def start(self, read: ReadOutbox, sequences: Mapping[str, int]) -> None: ...
    def ahead(self, sequences: Mapping[str, int]) -> dict[str, int]: ...
    async def published_values(self, role: str, since: int) -> list[bytes]: ...
    async def published_roles(self) -> list[str]: ...
    def add(self, entries: Sequence[Entry]) -> None: ...
    def trimmed(self, entries: int) -> None: ...
    async def wait_for_capacity(self, limit: int) -> None: ...
    def has_capacity(self, limit: int) -> bool: ...
    def flush(self) -> None: ...
    async def run(self) -> None: ...
    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ShardPorts:
    """What a shard works with.

    Attributes:
        store: the state of all namespaces; read through it, written through the checkpoint alone.
        checkpoint: of the shard's namespace.
        versions: where model versions come from.
        outgoing: the shard's outbox on its way to Kafka.
        watcher: is told what the shard does.
        release: called with the shard when a batch that was handed over is committed.
        owners: how many shards share the worker's caches now.
    """

    store: Store
    checkpoint: Checkpoint
    versions: VersionSource
    outgoing: Outputs
    watcher: Watcher
    release: Callable[[Any], None]
    owners: Callable[[], int] = lambda: 1
