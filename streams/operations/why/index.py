"""Where in a topic a customer's records stand, so that an export reads these and not a year of everybody's.

A topic never changes behind its end: of each 65,536 offsets that are complete, a file holds a 32-bit hash of every
record's key and its place, 6 bytes a record. What a file does not cover yet is read once, by whoever asks first, and
written down, also what is known of offsets that are not complete: the tail. From then on a question costs what has come
since, and the customer's own.
The engine does nothing for it. Where hashes collide a record too many is read, and its key tells; none is missed.

Without topic ids (brokers before Kafka 2.8) a topic that was created anew can't be told from the former: then nothing
is written, and all is read each time. Files whose part of the topic is gone are deleted.
"""

from __future__ import annotations

import logging
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.customer.record import hash_of
from streams.kafka.partition_facts import NO_TOPIC_ID
from streams.kafka.topic_reader import Read, TopicReader

SEGMENT: Final = 65_536
"""Offsets of a file."""
NEAR: Final = 256
"""Records so near to one another are read in one go."""
ENTRY: Final = np.dtype([("customer", "<u4"), ("at", "<u2")])
READ_TO: Final = 8
"""Bytes at the beginning of what is stored of a tail."""
TAIL: Final = ".tail"
WORTH: Final = 1_024
"""Records that were read, before a tail is stored anew."""

logger = logging.getLogger(__name__)


class Extent(NamedTuple):
    """How many offsets the index knows, and how many there are, those at which transactions ended among them."""

    known: int
    all: int

    @property
    def lacks(self) -> int:
        return self.all - self.known


class Tail:
    """What is known of a segment that is not complete. read_to: the offset behind that. new: records that no file
    has."""

    def __init__(self, segment: int, low: int) -> None:
        self.segment, self.read_to, self.new = segment, low, 0
        self._customers, self._at = array("I"), array("H")

    @classmethod
    def of(cls, segment: int, stored: bytes) -> Tail | None:
        """As it was stored; None: it can't be read."""
        tail, entries = cls(segment, int.from_bytes(stored[:READ_TO], "big")), stored[READ_TO:]
        known = 0 <= tail.read_to - segment * SEGMENT < SEGMENT
        if len(stored) < READ_TO or len(entries) % ENTRY.itemsize or not known:
            return None
        found = np.frombuffer(entries, dtype=ENTRY)
        tail._customers.frombytes(found["customer"].tobytes())
        tail._at.frombytes(found["at"].tobytes())
        return tail

    def stored(self) -> bytes:
        return self.read_to.to_bytes(READ_TO, "big") + self._entries().tobytes()

    def add(self, read: Read) -> None:
        if read.key is not None:
            self._customers.append(_hash(read.key))
            self._at.append(read.offset - self.segment * SEGMENT)
        self.read_to = read.offset + 1
        self.new += 1

    def places(self, key: bytes) -> NDArray[Any]:
        """Where in the segment the customer's records may stand."""
        # As a copy: an array that is looked into can't grow.
        customers, at = np.array(self._customers, dtype="<u4"), np.array(self._at, dtype="<u2")
        found: NDArray[Any] = at[customers == np.uint32(_hash(key))]
        return found

    def complete(self) -> NDArray[Any]:
        """As of a file: in the order of customers."""
        found = self._entries()
        return found[np.argsort(found["customer"], kind="stable")]

    def _entries(self) -> NDArray[Any]:
        found = np.zeros(len(self._at), dtype=ENTRY)
        found["customer"], found["at"] = self._customers, self._at
        return found


class TopicIndex:
    """The index of one topic. folder: of all indices; None: none is kept. topic_id: as the broker has it."""

    def __init__(self, topic: TopicReader, folder: Path | None, topic_id: str) -> None:
        self.topic = topic
        self.read = 0
        """Records that were read so far, for whoever wants to know what it cost."""
        kept = folder is not None and topic_id not in NO_TOPIC_ID
        self._tails: dict[int, Tail] = {}
        self._folder = folder / f"{topic.topic}-{topic_id}" if folder is not None and kept else None

    def of_customer(self, partition: int, customer: str, since: int = 0) -> Iterator[Read]:
        """The records of a customer in a partition, in order, from the first with this timestamp (ms) or later on.

        Raises BrokerUnreachable, BrokerRefused.
        """
        starts, ends = self.topic.bounds()
        if partition not in ends:
            return
        start, end, key = starts[partition], ends[partition], customer.encode()
        first = max(start, self.topic.first_since(partition, since)) if since > 0 else start
        self._forget(partition, start)
        for segment in range(first // SEGMENT, -(-end // SEGMENT)):
            low, high = max(segment * SEGMENT, start), min((segment + 1) * SEGMENT, end)
            entries = self._stored(partition, segment) if high == (segment + 1) * SEGMENT else None
            found = (
                self._growing(partition, segment, low, high, key)
                if entries is None
                else self._pointed(partition, segment, low, _of(entries, key), key)
            )
            yield from (read for read in found if read.offset >= first)

    @property
    def kept(self) -> bool:
        """Whether what was read is written down."""
        return self._folder is not None

    def extents(self) -> dict[int, Extent]:
        """Of each partition. Raises as `of_customer`."""
        starts, ends = self.topic.bounds()
        return {
            partition: Extent(self._known(partition, starts[partition], end), end - starts[partition])
            for partition, end in ends.items()
        }

    def _known(self, partition: int, start: int, end: int) -> int:
        """Offsets between two that are in a file or a tail."""
        folder = None if self._folder is None else self._folder / str(partition)
        there = {one.name for one in folder.iterdir()} if folder is not None and folder.is_dir() else set[str]()
        known = 0
        for segment in range(start // SEGMENT, -(-end // SEGMENT)):
            low, high = max(segment * SEGMENT, start), min((segment + 1) * SEGMENT, end)
            whole = f"{segment:08d}" in there and high == (segment + 1) * SEGMENT
            known += max(0, (high if whole else self._read_to(partition, segment, low, high)) - low)
        return known

    def _read_to(self, partition: int, segment: int, low: int, high: int) -> int:
        tail = self._stored_tail(partition, segment)
        here = self._tails.get(partition)
        ends = [one.read_to for one in (tail, here) if one is not None and one.segment == segment]
        return min(max(ends, default=low), high)

    def catch_up(self, partition: int) -> None:
        """Write the files that are missing, and what is known of the segment that is not complete, so that the first
        question about a customer finds them. Raises as `of_customer`."""
        starts, ends = self.topic.bounds()
        start, end = starts[partition], ends[partition]
        self._forget(partition, start)
        for segment in range(start // SEGMENT, -(-end // SEGMENT) if self._folder is not None else 0):
            low, high = max(segment * SEGMENT, start), min((segment + 1) * SEGMENT, end)
            if high < (segment + 1) * SEGMENT or self._stored(partition, segment) is None:
                for _ in self._growing(partition, segment, low, high, None):
                    pass

    def _growing(self, partition: int, segment: int, low: int, high: int, key: bytes | None) -> Iterator[Read]:
        """A segment of which there is no file: only what no tail has is read whole. It is written down, for good once
        it is complete. key: of the customer whose records are wanted; None: nobody's."""
        tail = self._tail(partition, segment, low, high)
        if key is not None:
            yield from self._pointed(partition, segment, low, tail.places(key), key)
        for read in self.topic.up_to(partition, max(tail.read_to, low), high):
            self.read += 1
            tail.add(read)
            if read.key == key and key is not None:
                yield read
        tail.read_to = high
        if high == (segment + 1) * SEGMENT:
            self._store(self._path(partition, segment), tail.complete().tobytes())
            self._tails.pop(partition, None)
        elif tail.new >= WORTH or (key is None and tail.new):
            self._store(self._path(partition, segment, TAIL), tail.stored())
            tail.new = 0

    def _tail(self, partition: int, segment: int, low: int, high: int) -> Tail:
        """Of a segment, up to `high` at most: as it is known here, as another has stored it, or of nothing."""
        known = self._tails.get(partition)
        if known is not None and known.segment != segment:
            known = None
        if known is None or known.read_to < high:
            stored = self._stored_tail(partition, segment)
            if stored is not None and (known is None or stored.read_to > known.read_to):
                known = stored
        if known is None or known.read_to > high:
            known = Tail(segment, low)
        self._tails[partition] = known
        return known

    def _stored_tail(self, partition: int, segment: int) -> Tail | None:
        path = self._path(partition, segment, TAIL)
        try:
            return None if path is None else Tail.of(segment, path.read_bytes())
        except OSError:
            return None

    def go_on_from(self, former: TopicIndex) -> None:
        """What another index knows of the same topic, which is not used any more."""
        if self._folder is not None and self._folder == former._folder:
            self._tails = former._tails

    def _pointed(self, partition: int, segment: int, low: int, places: NDArray[Any], key: bytes) -> Iterator[Read]:
        """The customer's records of a segment, by where they stand in it."""
        offsets = np.sort(places).astype(np.int64) + segment * SEGMENT
        for run in _runs([offset for offset in offsets.tolist() if offset >= low]):
            for read in self.topic.up_to(partition, run[0], run[-1] + 1):
                self.read += 1
                if read.key == key:
                    yield read

    def _path(self, partition: int, segment: int, suffix: str = "") -> Path | None:
        return None if self._folder is None else self._folder / str(partition) / f"{segment:08d}{suffix}"

    def _stored(self, partition: int, segment: int) -> NDArray[Any] | None:
        path = self._path(partition, segment)
        try:
            return None if path is None else np.frombuffer(path.read_bytes(), dtype=ENTRY)
        except (OSError, ValueError):  # none yet, or cut short: it is made anew
            return None

    def _store(self, path: Path | None, stored: bytes) -> None:
        if path is None:
            return
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(stored)
            Path(file.name).replace(path)
            if path.suffix != TAIL:
                path.with_suffix(TAIL).unlink(missing_ok=True)
        except OSError as error:
            logger.warning("no index is kept, and all is read again next time: %s", error)
            self._folder = None

    def _forget(self, partition: int, start: int) -> None:
        """Delete the files whose part of the topic is gone."""
        if self._folder is not None and (self._folder / str(partition)).is_dir():
            for path in (self._folder / str(partition)).iterdir():
                if path.stem.isdigit() and (int(path.stem) + 1) * SEGMENT <= start:
                    path.unlink(missing_ok=True)


def _hash(key: bytes) -> int:
    return hash_of(key) & 0xFFFFFFFF


def _of(entries: NDArray[Any], key: bytes) -> NDArray[Any]:
    """Where in a segment the customer's records may stand, by its file."""
    wanted = np.uint32(_hash(key))
    first, last = np.searchsorted(entries["customer"], [wanted, wanted + np.uint64(1)])
    return entries["at"][first:last]


def _runs(offsets: list[int]) -> Iterator[list[int]]:
    """Offsets in runs of which each is near the one before it."""
    run: list[int] = []
    for offset in offsets:
        if run and offset - run[-1] > NEAR:
            yield run
            run = []
        run.append(offset)
    if run:
        yield run
