"""Where in a topic a customer's records stand, so that an export reads these and not a year of everybody's.

A topic never changes behind its end: of each 65,536 offsets that are complete, a file holds a 32-bit hash of every
record's key and its place, 6 bytes a record. What a file does not cover yet is read once, by whoever asks first, and
written down; from then on a question costs the records behind the last file, fewer than 65,536, and the customer's own.
Whoever keeps the index open reads those once as well.
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
from typing import Any, Final

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

logger = logging.getLogger(__name__)


class Tail:
    """A segment that is not complete. read_to: the offset behind what is known of it."""

    def __init__(self, segment: int, low: int) -> None:
        self.segment, self.read_to = segment, low
        self._customers, self._at = array("I"), array("H")

    def add(self, read: Read) -> None:
        if read.key is not None:
            self._customers.append(_hash(read.key))
            self._at.append(read.offset - self.segment * SEGMENT)
        self.read_to = read.offset + 1

    def entries(self) -> NDArray[Any]:
        """As of a file."""
        found = np.zeros(len(self._at), dtype=ENTRY)
        found["customer"], found["at"] = self._customers, self._at
        return found[np.argsort(found["customer"], kind="stable")]


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
            entries = self._stored(partition, segment)
            if high < (segment + 1) * SEGMENT:
                found = self._growing(partition, segment, low, high, key)
            elif entries is None:
                found = self._all(partition, segment, low, high, key)
            else:
                found = self._pointed(partition, segment, low, entries, key)
            yield from (read for read in found if read.offset >= first)

    def catch_up(self, partition: int) -> None:
        """Write the files that are missing, so that the first question about a customer finds them. Raises as
        `of_customer`."""
        starts, ends = self.topic.bounds()
        self._forget(partition, starts[partition])
        for segment in range(starts[partition] // SEGMENT, ends[partition] // SEGMENT):
            if self._folder is not None and self._stored(partition, segment) is None:
                low = max(segment * SEGMENT, starts[partition])
                for _ in self._all(partition, segment, low, (segment + 1) * SEGMENT, b""):
                    pass

    def _all(self, partition: int, segment: int, low: int, high: int, key: bytes) -> Iterator[Read]:
        """A segment of which there is no file: read whole, and written down where it is complete."""
        hashes, places = [], []
        for read in self.topic.up_to(partition, low, high):
            self.read += 1
            if read.key is not None:
                hashes.append(_hash(read.key))
                places.append(read.offset - segment * SEGMENT)
            if read.key == key:
                yield read
        if high == (segment + 1) * SEGMENT:
            entries = np.zeros(len(hashes), dtype=ENTRY)
            entries["customer"], entries["at"] = hashes, places
            self._store(partition, segment, entries[np.argsort(entries["customer"], kind="stable")])

    def _growing(self, partition: int, segment: int, low: int, high: int, key: bytes) -> Iterator[Read]:
        """The last segment, of which only what is new is read whole."""
        tail = self._tails.get(partition)
        if tail is None or tail.segment != segment or tail.read_to > high:
            tail = self._tails[partition] = Tail(segment, low)
        yield from self._pointed(partition, segment, low, tail.entries(), key)
        for read in self.topic.up_to(partition, tail.read_to, high):
            self.read += 1
            tail.add(read)
            if read.key == key:
                yield read
        tail.read_to = high

    def go_on_from(self, former: TopicIndex) -> None:
        """What another index knows of the same topic, which is not used any more."""
        if self._folder is not None and self._folder == former._folder:
            self._tails = former._tails

    def _pointed(self, partition: int, segment: int, low: int, entries: NDArray[Any], key: bytes) -> Iterator[Read]:
        """The customer's records of a segment, by its file."""
        wanted = np.uint32(_hash(key))
        first, last = np.searchsorted(entries["customer"], [wanted, wanted + np.uint64(1)])
        offsets = np.sort(entries["at"][first:last]).astype(np.int64) + segment * SEGMENT
        for run in _runs([offset for offset in offsets.tolist() if offset >= low]):
            for read in self.topic.up_to(partition, run[0], run[-1] + 1):
                self.read += 1
                if read.key == key:
                    yield read

    def _path(self, partition: int, segment: int) -> Path | None:
        return None if self._folder is None else self._folder / str(partition) / f"{segment:08d}"

    def _stored(self, partition: int, segment: int) -> NDArray[Any] | None:
        path = self._path(partition, segment)
        try:
            return None if path is None else np.frombuffer(path.read_bytes(), dtype=ENTRY)
        except (OSError, ValueError):  # none yet, or cut short: it is made anew
            return None

    def _store(self, partition: int, segment: int, entries: NDArray[Any]) -> None:
        path = self._path(partition, segment)
        if path is None:
            return
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(entries.tobytes())
            Path(file.name).replace(path)
        except OSError as error:
            logger.warning("no index is kept, and all is read again next time: %s", error)
            self._folder = None

    def _forget(self, partition: int, start: int) -> None:
        """Delete the files whose part of the topic is gone."""
        if self._folder is not None and (self._folder / str(partition)).is_dir():
            for path in (self._folder / str(partition)).iterdir():
                if path.name.isdigit() and (int(path.name) + 1) * SEGMENT <= start:
                    path.unlink(missing_ok=True)


def _hash(key: bytes) -> int:
    return hash_of(key) & 0xFFFFFFFF


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
