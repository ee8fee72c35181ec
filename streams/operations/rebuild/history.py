"""The history of a backfill before an application's log: what a replay reads first, where the state began with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from models.timeline.batch import LogRecord
from streams.operations.rebuild.log_rounds import LogRounds, Rounds


@dataclass(frozen=True, slots=True)
class PastLog:
    """A backfill's history as records of the input partitions.

    Attributes:
        until: the cut-over, ms.
        starts: by partition, the offset of its first record, below 0.
        next_offsets: by partition, the first offset of Kafka's log behind it.
        rounds: makes all its records, in rounds of log time: by partition, in offset order.
    """

    until: int
    starts: Sequence[int]
    next_offsets: Sequence[int]
    rounds: Callable[[], Iterator[Sequence[Sequence[LogRecord]]]]

    def before(self, starts: Mapping[int, int], log: Callable[[Mapping[int, int]], LogRounds]) -> Rounds:
        """What stands from these offsets on, by partition. log: makes the reader of Kafka's log."""
        behind = log({n: max(start, self.next_offsets[n]) for n, start in starts.items()})
        if all(start >= self.next_offsets[n] for n, start in starts.items()):
            return behind
        return _HistoryFirst(self.rounds(), starts, behind)


class _HistoryFirst:
    def __init__(
        self, rounds: Iterator[Sequence[Sequence[LogRecord]]], starts: Mapping[int, int], log: LogRounds
    ) -> None:
        self._rounds, self._starts, self._log = rounds, dict(starts), log

    async def open(self) -> None:
        await self._log.open()

    async def close(self) -> None:
        await self._log.close()

    def leave(self, partition: int) -> None:
        self._starts.pop(partition, None)
        self._log.leave(partition)

    async def next(self) -> dict[int, list[LogRecord]]:
        for records in self._rounds:
            ahead = {n: [one for one in records[n] if one.offset >= start] for n, start in self._starts.items()}
            if taken := {n: some for n, some in ahead.items() if some}:
                return taken
        return await self._log.next()
