"""Reads the last records of a topic and follows it, at read_committed, for commands that show records to people."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from kafka import TopicPartition

from models.touchpoints.binary_mode import structured
from streams.kafka.clients import reader
from streams.kafka.errors import CONNECT_TIMEOUT_MS, TopicMissing, kafka_named
from streams.kafka.security import KafkaConnection

FIRST_STEP, STEP_GROWTH = 64, 8
"""Transaction markers and aborted records occupy offsets, so the last N records lie an unknown way back."""

POLL_MS = 500
LOOK_S, STEP_MS = 0.2, 10
"""Longest look at the ends of all partitions, and between two looks at whether all were met."""
FETCH_WAIT_MS = 20
"""A question of another kind waits for the fetch before it on the same connection."""
MAX_POLL_RECORDS = 10_000
"""More than one batch holds, so that a look at the end sees the whole of it."""


class Read(NamedTuple):
    """A record. `timestamp` in ms; `headers` by name, the last of each. An event in binary mode is in structured mode
    here."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: dict[str, bytes]


class TopicReader:
    """Reads all partitions of a topic without a consumer group; a context manager. verified: compute checksums again,
    which the broker has looked at when it took the records: in Python it is most of what reading takes.

    Raises BrokerUnreachable, BrokerRefused, TopicMissing.
    """

    def __init__(self, connection: KafkaConnection, topic: str, *, verified: bool = True) -> None:
        self.connection, self.topic = connection, topic
        with kafka_named(connection, "connecting"):
            self._consumer = reader(
                connection,
                isolation_level="read_committed",
                max_poll_records=MAX_POLL_RECORDS,
                bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
                fetch_max_wait_ms=FETCH_WAIT_MS,
                enable_incremental_fetch_sessions=False,  # an answer that leaves out what is unchanged tells no end
                check_crcs=verified,
            )
            found = self._consumer.partitions_for_topic(topic)
        if not found:
            self._consumer.close()
            raise TopicMissing(f"topic {topic} does not exist on {connection.bootstrap_servers}")
        self._partitions = [TopicPartition(topic, number) for number in sorted(found)]
        self._next: dict[TopicPartition, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    @property
    def partitions(self) -> int:
        """How many there are."""
        return len(self._partitions)

    def bounds(self) -> tuple[dict[int, int], dict[int, int]]:
        """The first and the next offset of each partition, as far as it can be read."""
        with kafka_named(self.connection, f"asking for the bounds of {self.topic}"):
            start = self._consumer.beginning_offsets(self._partitions)
            end = self._consumer.end_offsets(self._partitions)
            end |= self._looked_at({tp: at for tp, at in end.items() if at > start[tp]})
        return {tp.partition: at for tp, at in start.items()}, {tp.partition: at for tp, at in end.items()}

    def _looked_at(self, ends: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Ends as a reader meets them: the embedded broker's answer is too low by the length of its last batch."""
        if not ends:
            return {}
        # Without what it knows of a former look. From the end on: nothing is read where the answer was right.
        self._consumer.assign([])
        self._consumer.assign(list(ends))
        for tp, end in ends.items():
            self._consumer.seek(tp, end)
        waiting, until = set(ends), time.monotonic() + LOOK_S
        while waiting and time.monotonic() < until:
            self._consumer.poll(timeout_ms=STEP_MS)
            met = {tp for tp in waiting if self._consumer.highwater(tp) is not None}
            if met:
                self._consumer.pause(*met)
                waiting -= met
        self._consumer.resume(*ends)
        return {tp: max(end, self._consumer.position(tp)) for tp, end in ends.items()}

    def last(self, most: int) -> list[Read]:
        """The last `most` records of the topic by timestamp, then partition and offset; all of them with 0.

        `new` goes on after them.
        """
        start, end = self.bounds()
        found: list[Read] = []
        for tp in self._partitions:
            found += self._last_of(tp, start[tp.partition], end[tp.partition], most)
            self._next[tp] = end[tp.partition]
        found.sort(key=lambda read: (read.timestamp, read.partition, read.offset))
        return found[-most:] if most else found

    def _last_of(self, tp: TopicPartition, start: int, end: int, most: int) -> list[Read]:
        step = max(FIRST_STEP, 2 * most) if most else end - start
        while True:
            low = max(start, end - step)
            found = list(self._range(tp, low, end))
            if low == start or len(found) >= most:
                return found[-most:] if most else found
            step *= STEP_GROWTH

    def _range(self, tp: TopicPartition, low: int, end: int) -> Iterator[Read]:
        if low >= end:
            return
        with kafka_named(self.connection, f"reading {self.topic}"):
            self._consumer.assign([tp])
            self._consumer.seek(tp, low)
            while (at := self._consumer.position(tp)) < end:
                # No more than is wanted: a fetch has thousands, and each that is taken out of it is decoded in Python.
                most = min(end - at, MAX_POLL_RECORDS)
                for records in self._consumer.poll(timeout_ms=POLL_MS, max_records=most).values():
                    yield from (_read(record) for record in records if record.offset < end)

    def up_to(self, partition: int, low: int, end: int) -> Iterator[Read]:
        """The records of a partition from offset `low` to before `end`, as of `bounds`, as they are read."""
        return self._range(TopicPartition(self.topic, partition), low, end)

    def first_since(self, partition: int, time: int) -> int:
        """The offset from which on a partition has records with timestamps of `time` (ms) or later; some before it may
        follow. At the partition's end where there are none."""
        tp = TopicPartition(self.topic, partition)
        with kafka_named(self.connection, f"looking for a time in {self.topic}"):
            found = self._consumer.offsets_for_times({tp: max(time, 0)})[tp]
            return int(found.offset if found is not None else self._consumer.end_offsets([tp])[tp])

    def new(self, timeout_s: float) -> list[Read]:
        """What has come since the last call (the first one: since `last`, else since the topic's beginning); waits up
        to `timeout_s` for the first record."""
        with kafka_named(self.connection, f"reading {self.topic}"):
            if self._consumer.assignment() != set(self._partitions):
                self._consumer.assign(self._partitions)
                for tp in self._partitions:
                    if tp in self._next:
                        self._consumer.seek(tp, self._next[tp])
                    else:
                        self._consumer.seek_to_beginning(tp)
            batches = self._consumer.poll(timeout_ms=int(1000 * timeout_s))
            for tp in batches:
                self._next[tp] = self._consumer.position(tp)
        found = [_read(record) for records in batches.values() for record in records]
        return sorted(found, key=lambda read: (read.timestamp, read.partition, read.offset))


def _read(record: Any) -> Read:
    headers: dict[str, bytes] = dict(record.headers)
    value = structured(record.value, record.headers) if headers else record.value
    return Read(record.partition, record.offset, record.timestamp, record.key, value or b"", headers)
