"""Reads a topic that is keyed otherwise, and writes its touchpoints keyed by customer: exactly once.

What is written and how far the topic was read go into one transaction of Kafka (consume, transform, produce). Whatever
ends in between is begun anew from what was committed: nothing is lost, and readers at read_committed see nothing twice.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

import msgspec
from kafka.errors import KafkaError
from kafka.errors import ProducerFencedError as Fenced
from kafka.structs import OffsetAndMetadata

from models.outputs import DeadLetter
from models.outputs.deadletters import as_text
from models.timeline.partitioning import partition_of
from streams.client import Refusal
from streams.errors import EngineError
from streams.kafka import clients
from streams.kafka.access import access_fault, access_refused
from streams.kafka.security import KafkaConnection
from streams.operations.mapping import Mapped

POLL_MS: Final = 500
MOST: Final = 500
"""Records of a transaction."""
TRANSACTION_MS: Final = 15_000
"""What is left open by who was killed holds readers up for so long, or until the same instance is back."""
PAUSE_S: Final = 1.0
LONGEST_KEY, LONGEST_VALUE = 512, 64 << 10

logger = logging.getLogger(__name__)


class _Keyed(msgspec.Struct, frozen=True):
    subject: str


_keyed = msgspec.json.Decoder(_Keyed).decode


class InstanceTwice(EngineError):
    """Another process has begun with the same instance's name."""

    remedy = "give each process a name of its own with --instance; the later one goes on"


class Route(NamedTuple):
    """source: the topic that is read. touchpoints, dead_letters: those that are written. partitions: of touchpoints.
    group: of consumers. instance: names this process among those of the group, now and after its next start."""

    source: str
    touchpoints: str
    dead_letters: str
    partitions: int
    group: str
    instance: str


class Membership(NamedTuple):
    """As a worker's. session_timeout_s: what a process had that died stands still for so long. heartbeat_s: between two
    signs of life."""

    session_timeout_s: float
    heartbeat_s: float


@dataclass(slots=True)
class Counts:
    """Of records that were read, by what became of them; `touchpoints` were made of them. Counted when committed."""

    records: int = 0
    touchpoints: int = 0
    dead: int = 0
    passed_over: int = 0
    transactions: int = 0

    def add(self, other: Counts) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def data(self) -> dict[str, int]:
        return asdict(self)


class Rekeying:
    """Goes on until `stop` is set, or nothing came for `idle_s` (0: for ever). membership: in the group. counts: what
    was done by now. lag: records of this process's partitions that are not read yet, as of the last look."""

    def __init__(
        self,
        connection: KafkaConnection,
        route: Route,
        mapped: Mapped,
        membership: Membership,
        idle_s: float = 0.0,
    ) -> None:
        self._connection, self._route, self._mapped, self._idle_s = connection, route, mapped, idle_s
        self._membership = membership
        self.counts, self.stop = Counts(), threading.Event()
        self.lag = 0

    def run(self) -> None:
        """Kafka that is away is waited for. Raises InstanceTwice, BrokerRefused."""
        while not self.stop.is_set():
            try:
                self._session()
                return
            except Fenced as error:
                named = f"instance {self._route.instance!r} of group {self._route.group}"
                raise InstanceTwice(f"{named}: {error}") from error
            except (KafkaError, OSError) as error:
                refused = access_refused(error, self._connection, "rekeying") if isinstance(error, KafkaError) else None
                if refused := refused or access_fault(self._connection):
                    raise refused from error
                logger.warning("begins anew from what was committed, in %g s: %s", PAUSE_S, error)
                self.stop.wait(PAUSE_S)

    def _session(self) -> None:
        producer = clients.producer(
            self._connection,
            transactional_id=f"{self._route.group}-{self._route.instance}",
            transaction_timeout_ms=TRANSACTION_MS,
            allow_auto_create_topics=False,
            acks="all",
        )
        try:
            producer.init_transactions()  # ends what this instance has left open
            consumer = clients.member(
                self._connection,
                self._route.group,
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                session_timeout_ms=round(1000 * self._membership.session_timeout_s),
                heartbeat_interval_ms=round(1000 * self._membership.heartbeat_s),
                max_poll_records=MOST,
                allow_auto_create_topics=False,
            )
            try:
                consumer.subscribe([self._route.source])
                self._go_on(consumer, producer)
            finally:
                with suppress(KafkaError, OSError):
                    consumer.close()
        finally:
            with suppress(KafkaError, OSError):
                producer.close(timeout=5)

    def _go_on(self, consumer: Any, producer: Any) -> None:
        last = time.monotonic()
        while not self.stop.is_set():
            found = consumer.poll(timeout_ms=POLL_MS)
            self.lag = _lag(consumer)
            if found:
                self._transaction(consumer, producer, found)
                last = time.monotonic()
            elif self._idle_s and consumer.assignment() and time.monotonic() - last > self._idle_s:
                return

    def _transaction(self, consumer: Any, producer: Any, found: dict[Any, list[Any]]) -> None:
        done, now = Counts(transactions=1), round(1000 * time.time())
        producer.begin_transaction()
        try:
            rows = [record for records in found.values() for record in records]
            for future in [one for row in rows for one in self._made(producer, row, now, done)]:
                future.get(timeout=TRANSACTION_MS / 1000)
            offsets = {tp: OffsetAndMetadata(records[-1].offset + 1, "", -1) for tp, records in found.items()}
            # With the group's generation: of two who believe to have a partition the broker takes the newer's.
            producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
            producer.commit_transaction()
        except Fenced:
            raise
        except (KafkaError, OSError):
            with suppress(KafkaError, OSError):
                producer.abort_transaction()
            raise
        self.counts.add(done)

    def _made(self, producer: Any, record: Any, now: int, done: Counts) -> list[Any]:
        """Sends what a record comes to."""
        done.records += 1
        if record.value is None:  # the end of a row in a compacted topic
            done.passed_over += 1
            return []
        route, unfit, sent = self._route, self._mapped.unfit, []
        for one in self._mapped(record.offset, record.value, now):
            if isinstance(one, Refusal):
                done.dead += 1
                letter = msgspec.json.encode(_dead(record, one))
                sent.append(producer.send(route.dead_letters, letter, (record.key or b"")[:LONGEST_KEY] or None))
            else:
                done.touchpoints += 1
                key = _keyed(one).subject.encode()
                partition = partition_of(key, route.partitions)
                sent.append(producer.send(route.touchpoints, one, key, partition=partition))
        done.passed_over += self._mapped.unfit - unfit
        return sent


def _lag(consumer: Any) -> int:
    ends = {one: consumer.highwater(one) for one in consumer.assignment()}  # None: nothing was fetched yet
    return sum(max(0, end - consumer.position(one)) for one, end in ends.items() if end is not None)


def _dead(record: Any, why: Refusal) -> DeadLetter:
    return DeadLetter(
        code=str(why.code),
        reason=why.reason,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        size=len(record.value),
        value=as_text(record.value, LONGEST_VALUE),
        key=as_text(record.key, LONGEST_KEY),
    )
