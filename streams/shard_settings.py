"""What a shard is told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from models.line import ShardState
from models.settings import EngineSettings


@dataclass(frozen=True, slots=True)
class ShardSettings:
    """What a shard needs to be told. topic: the input topic's name. outbox_limit: entries, see `Outgoing.room`.
    cache_records: most customers whose records are kept in memory. backfill_until: the cut of the backfill that works
    here in place of a worker, 0: none."""

    engine: EngineSettings
    mode: str
    topic: str
    outbox_limit: int
    clock_ahead_limit_s: float
    cache_records: int = 20_000
    backfill_until: int = 0

    @property
    def lockstep(self) -> bool:
        """Whether a shard waits at each boundary for the version that the rule names."""
        return self.mode == "replay" or self.backfill_until > 0


class Watcher(Protocol):
    """What the shard tells those who watch it: once per commit, never per event.

    Implemented by Watching and Backfill.
    """

    def taken_over(self, shard: int, state: ShardState) -> None: ...
    def committed(
        self, shard: int, before: ShardState, after: ShardState, records: int, seconds: float, store_seconds: float
    ) -> None: ...
    def working(self, shard: int, records: int, up_to: int) -> None: ...
    def waiting(self, shard: int, reason: str, detail: str) -> None: ...
    def outbox(self, shard: int, entries: int) -> None: ...
    def idle(self, shard: int) -> None: ...
