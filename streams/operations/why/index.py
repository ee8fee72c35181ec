"""Where in a topic a customer's records stand, so that an export reads these and not a year of everybody's.

A topic never changes behind its end: of each 65,536 offsets that are complete, a file holds a 32-bit hash of every
record's key and its place, 6 bytes a record. What a file does not cover yet is read once, by whoever asks first, and
written down; from then on a question costs the records behind the last file, fewer than 65,536, and the customer's own.
The engine does nothing for it. Where hashes collide a record too many is read, and its key tells; none is missed.

Without topic ids (brokers before Kafka 2.8) a topic that was created anew can't be told from the former: then nothing
is written, and all is read each time. Files whose part of the topic is gone are deleted.
"""

from __future__ import annotations

import logging
import tempfile
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


class TopicIndex:
    """The index of one topic. folder: of all indices; None: none is kept. topic_id: as the broker has it."""

    def __init__(self, topic: TopicReader, folder: Path | None, topic_id: str) -> None:
        self.topic = topic
        self.read = 0
        """Records that were read so far, for whoever wants to know what it cost."""
        kept = folder is not None and topic_id not in NO_TOPIC_ID
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
            if entries is None:
                found = self._all(partition, segment, low, high, key)
            else:
                found = self._pointed(partition, segment, low, entries, key)
            yield from (read for read in found if read.offset >= first)

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
