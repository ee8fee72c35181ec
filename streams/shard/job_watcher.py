"""What a job that works through a log in place of workers hears of its shards: their commits, and outages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from models.timeline.shard_state import ShardState


class JobWatcher:
    """A `Watcher`.

    on_outage: told while the store is away. on_committed: told the shard and the state of each commit.
    """

    def __init__(
        self,
        on_outage: Callable[[str], None],
        on_committed: Callable[[int, ShardState], None] = lambda shard, state: None,
    ) -> None:
        self._on_outage, self._on_committed = on_outage, on_committed

    def committed(
        self, shard: int, before: ShardState, after: ShardState, records: int, seconds: float, store_seconds: float
    ) -> None:
        self._on_committed(shard, after)

    def waiting(self, shard: int, reason: str, detail: str) -> None:
        """A shard that waits for a version, or for room in its outbox, waits for the others, which is the course."""
        if reason == "store":
            self._on_outage(detail)

    def taken_over(self, shard: int, state: ShardState) -> None: ...
    def doubted(self, shard: int, unsure: int, beyond: int) -> None: ...
    def left(self, shard: int, customers: int) -> None: ...
    def decided(self, decided: Mapping[tuple[str, str], int]) -> None: ...
    def working(self, shard: int, records: int, up_to: int) -> None: ...
    def outbox(self, shard: int, entries: int) -> None: ...
    def idle(self, shard: int) -> None: ...
