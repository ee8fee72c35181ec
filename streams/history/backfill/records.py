"""Turns a log's events before the cut-over into records of the input partitions.

Nothing of it goes to the topic. Each partition's history is a log of its own, whose last record, a clock record a
millisecond before the cut-over, has the offset before the first one that live will read: the commit that ends a shard's
history is the one that sets its time and its next offset. All that stands before has negative offsets, so that no
offset of history can be taken for one of the topic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import xxhash

from models.settings import EngineSettings
from models.timeline.batch import LogRecord
from models.timeline.partitioning import partition_of
from streams.errors import EngineError
from streams.history.events import TimedEvent, events_in_order
from streams.history.external_sort import read_items, sorted_on_disk, write_items
from streams.history.log_times import LONGEST_GAP_DAYS
from streams.history.replay import clock_value
from streams.text import moment

ROUND = 5_000
"""Records after which a round ends, at the next clock record."""


class NothingBefore(EngineError):
    """A log without an event before the cut-over."""

    remedy = "name a log that reaches back beyond --until, or a later --until; the times of events count, in UTC"


class History(NamedTuple):
    """What stands before the cut-over, in order of time, on disk.

    Attributes:
        path: the file with its events.
        until: the cut-over, ms since the epoch.
        events: how many, by partition.
        later: how many events of the log are at or after the cut-over.
        first, last: times (ms) of the earliest and the latest event before it.
        digest: of all events before it.
    """

    path: Path
    until: int
    events: list[int]
    later: int
    first: int
    last: int
    digest: str


def gather(
    log: str,
    until: int,
    partitions: int,
    scratch: Path,
    watch: Callable[[int], None] = lambda events: None,
    longest_gap_days: float = LONGEST_GAP_DAYS,
) -> History:
    """Sort and check a log, and keep its events before the cut-over on disk.

    Nothing is begun with a log that can't be read to its end.

    Args:
        log: a file, or `CDNOW`.
        until: the cut-over, ms since the epoch.
        partitions: of the input topic.
        scratch: a folder that takes the sorted events.
        watch: told how many events were taken.
        longest_gap_days: the longest time without an event that the log may have.

    Raises:
        NothingBefore: no event is before the cut-over.
        DiskFull: `scratch` has no room.
        EngineError: what `events_in_order` raises.
    """
    counts = [0] * partitions
    first = last = later = 0
    digest = xxhash.xxh3_128()

    def before() -> Iterator[TimedEvent]:
        nonlocal first, last, later
        ordered = events_in_order(
            log,
            lambda items, kind, key: sorted_on_disk(items, kind, key, scratch),
            longest_gap_days=longest_gap_days,
        )
        for number, touch in enumerate(ordered, start=1):
            if touch.time < until:
                first, last = first or touch.time, touch.time
                counts[partition_of(touch.key, partitions)] += 1
                digest.update(b"%d %d %d " % (touch.time, len(touch.key), len(touch.value)))
                digest.update(touch.key + touch.value)
                yield touch
            else:
                later += 1
            watch(number)

    path = scratch / "history"
    write_items(path, before())
    if not last:
        raise NothingBefore(f"{log} holds no event before {moment(until)}" + (f", {later:,} after it" if later else ""))
    return History(path, until, counts, later, first, last, digest.hexdigest())


class Course:
    """The records of a history, and where they stand.

    next_offsets: by partition, the first offset that live will read. Clock records go to every partition at each
    version boundary, or at each tick where ticks are closer: so no shard is without news of the time for longer than
    that, and what a round holds is bounded.
    """

    def __init__(self, history: History, settings: EngineSettings, next_offsets: Sequence[int]) -> None:
        self._history, self._next_offsets = history, next_offsets
        self._step = min(settings.boundary, settings.tick)
        self.begin = history.first - (history.first - settings.anchor) % self._step
        clocks = -(-(history.until - self.begin) // self._step)
        self.starts = [-(events + clocks + 1) for events in history.events]
        """The offset of each partition's first record."""

    def rounds(self) -> Iterator[list[list[LogRecord]]]:
        """All records, in rounds: by partition, each up to the same clock record, about `ROUND` of them in all."""
        partitions = len(self._next_offsets)
        nexts = list(self.starts)
        taken: list[list[LogRecord]] = [[] for _ in range(partitions)]

        def add(partition: int, time: int, key: bytes | None, value: bytes) -> None:
            taken[partition].append(LogRecord(nexts[partition], time, key, value))
            nexts[partition] += 1

        def add_clock_records(time: int) -> None:
            value = clock_value(time)
            for partition in range(partitions):
                add(partition, time, None, value)

        for time, touch in self._moments():
            if touch is not None:
                add(partition_of(touch.key, partitions), time, touch.key, touch.value)
                continue
            add_clock_records(time)
            if sum(map(len, taken)) >= ROUND:
                yield taken
                taken = [[] for _ in range(partitions)]
        nexts = [next_offset - 1 for next_offset in self._next_offsets]
        add_clock_records(self._history.until - 1)
        yield taken

    def _moments(self) -> Iterator[tuple[int, TimedEvent | None]]:
        """The events with their times, and the times alone of the clock records that stand before them."""
        now = self.begin
        yield now, None
        for touch in read_items(self._history.path, TimedEvent):
            while touch.time >= now + self._step:
                now += self._step
                yield now, None
            yield touch.time, touch
        while now + self._step < self._history.until:
            now += self._step
            yield now, None
