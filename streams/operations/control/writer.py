"""Writes the members of the control group from the decisions topic: a reader and a producer, at least once.

A compacted topic cannot be a counted output of the shards, so it has a writer of its own. Its rows say, in a header,
how far in the decisions they go: there it begins when it is started again. What it then writes twice is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from models.outputs import Decision
from streams.kafka.admin import TopicAdmin
from streams.kafka.errors import kafka_named
from streams.kafka.producer import close_producer, open_producer
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import Read, TopicReader
from streams.kafka.topics import control_spec
from streams.operations.control.members import Change, Members

AT: Final = "decisions"
"""Header of a row: the offset of its decision."""
DELIVERY_S: Final = 30.0
LOOK_S: Final = 1.0
_decision = msgspec.json.Decoder(Decision).decode


class ControlWriter:
    """From the decisions topic to that of members; a context manager. Creates the latter where it is missing.

    Args:
        connection: brokers and security.
        decisions, control: names of the topics.
        replication: of a topic that is created.

    Raises BrokerUnreachable, BrokerRefused, TopicMissing, TopicDiffers.
    """

    def __init__(self, connection: KafkaConnection, decisions: str, control: str, replication: int) -> None:
        self._connection, self._topic = connection, control
        self._decisions = TopicReader(connection, decisions)
        self.written = self.removed = 0
        try:
            with TopicAdmin(connection) as admin:
                admin.create([control_spec(control, self._decisions.partitions, replication)])
            self._members, self._next = self._begin()
            self._producer, _ = open_producer(connection, None, DELIVERY_S, {})
        except BaseException:
            self._decisions.__exit__()
            raise

    def __enter__(self) -> ControlWriter:
        return self

    def __exit__(self, *_: object) -> None:
        close_producer(self._producer)
        self._decisions.__exit__()

    @property
    def members(self) -> int:
        return sum(map(len, self._members.values()))

    def catch_up(self) -> int:
        """Read what has been decided so far, and write what it changes; how many rows that were."""
        starts, ends = self._decisions.bounds()
        before = self.written + self.removed
        for partition, end in ends.items():
            begins = max(self._next[partition], starts[partition])
            sent = []
            for read in self._decisions.up_to(partition, begins, end):
                change = self._heard(read)
                if change is not None:
                    sent.append(self._send(change, read))
            with kafka_named(self._connection, f"writing {self._topic}"):
                for one in sent:
                    one.get(DELIVERY_S)
            self._next[partition] = end
        return self.written + self.removed - before

    def follow(self, on_change: Callable[[int], None]) -> None:
        """Go on for ever. on_change: is told how many rows were written."""
        while True:
            if rows := self.catch_up():
                on_change(rows)
            time.sleep(LOOK_S)

    def _begin(self) -> tuple[dict[int, Members], dict[int, int]]:
        """What the rows say, and how far they go, by partition."""
        known: dict[int, dict[str, bool]] = {n: {} for n in range(self._decisions.partitions)}
        reached = dict.fromkeys(known, 0)
        with TopicReader(self._connection, self._topic) as rows:
            starts, ends = rows.bounds()
            for partition, end in ends.items():
                for read in rows.up_to(partition, starts[partition], end):
                    if read.key is not None:
                        known[partition][read.key.decode()] = bool(read.value)
                    reached[partition] = max(reached[partition], int(read.headers.get(AT, b"-1")) + 1)
        members = {n: Members(name for name, stands in rows.items() if stands) for n, rows in known.items()}
        return members, reached

    def _heard(self, read: Read) -> Change | None:
        try:
            decision = _decision(read.value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None  # no decision: nothing that the engine writes
        return self._members[read.partition].hears(decision)

    def _send(self, change: Change, read: Read) -> Any:
        if change.member is None:
            self.removed += 1
        else:
            self.written += 1
        with kafka_named(self._connection, f"writing {self._topic}"):
            return self._producer.send(
                self._topic,
                None if change.member is None else msgspec.json.encode(change.member),
                key=change.customer.encode(),
                partition=read.partition,
                headers=[(AT, str(read.offset).encode())],
            )
