"""Sending touchpoints from a file of JSON lines: validated before they are sent, each delivery confirmed.

kafka-python's idempotent producer: its default partitioner (murmur2) puts a customer where the engine looks for them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from models.touchpoints import RESERVED, Kind, Rejected, read
from streams.topic_admin import CONNECT_TIMEOUT_MS, CREATE_TIME, TIMESTAMP_TYPE, TopicAdmin, kafka_named

IN_FLIGHT = 20_000
"""Deliveries not yet confirmed; bounds the memory of a long file."""
LINGER_MS, BATCH_BYTES = 20, 128 << 10
DELIVERY_TIMEOUT_MS = 60_000
REQUEST_TIMEOUT_MS = 15_000


class Line(NamedTuple):
    """A valid line. time: that of the event, ms."""

    number: int
    time: int
    key: bytes
    value: bytes


def lines_to_send(lines: Iterable[bytes]) -> Iterator[Line | str]:
    """Each line as it is to be sent, or why it is refused: line number, code, field, value and remedy."""
    for number, line in enumerate(lines, start=1):
        value = line.strip()
        if not value:
            continue
        touch = read(value, None, time.time_ns() // 1_000_000)
        if isinstance(touch, Rejected):
            yield f"line {number}: {touch.code}: {touch.reason}"
        elif touch.kind in RESERVED:
            yield f"line {number}: type is {Kind(touch.kind).type!r}, which only the engine writes; leave the line out"
        else:
            yield Line(number, touch.time, touch.customer.encode(), value)


class Sender:
    """Sends lines to one topic. Raises BrokerUnreachable, BrokerRefused and TopicMissing at the start; a line that
    can't be delivered later is told by `finish`."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        with TopicAdmin(bootstrap_servers) as admin:
            facts = admin.topic(topic)
        # A topic that keeps the producer's time holds history: the time in its log is that of the events.
        self._event_time = facts.settings.get(TIMESTAMP_TYPE) == CREATE_TIME
        self._topic = topic
        self._flying: list[tuple[Line, Any]] = []
        self._failed: list[str] = []
        with kafka_named(bootstrap_servers, "connecting"):
            self._producer: Any = KafkaProducer(
                bootstrap_servers=bootstrap_servers.split(","),
                client_id="retention-publish",
                enable_idempotence=True,
                acks="all",
                linger_ms=LINGER_MS,
                batch_size=BATCH_BYTES,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
                bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
                allow_auto_create_topics=False,
            )

    def send(self, line: Line) -> None:
        """Queue a line."""
        timestamp = line.time if self._event_time else None
        try:
            answer = self._producer.send(self._topic, key=line.key, value=line.value, timestamp_ms=timestamp)
        except KafkaError as error:
            self._failed.append(_told(line, error))
            return
        self._flying.append((line, answer))
        if len(self._flying) >= IN_FLIGHT:
            self._settle(self._flying[: IN_FLIGHT // 2])
            del self._flying[: IN_FLIGHT // 2]

    def finish(self) -> list[str]:
        """Wait for every delivery; the lines that were not delivered, with Kafka's reason."""
        self._settle(self._flying)
        self._flying = []
        return self._failed

    def _settle(self, flying: list[tuple[Line, Any]]) -> None:
        for line, answer in flying:
            try:
                answer.get(DELIVERY_TIMEOUT_MS / 1000)
            except KafkaError as error:
                self._failed.append(_told(line, error))

    def close(self) -> None:
        """Close without waiting for what was not delivered."""
        self._producer.close(timeout=1)


def _told(line: Line, error: KafkaError) -> str:
    return f"line {line.number}: not delivered: {error}; send the line again, its id makes that safe"
