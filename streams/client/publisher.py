"""`TouchpointPublisher`: publishes touchpoints, for upstream services."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import msgspec
from kafka.errors import KafkaError, KafkaTimeoutError

from models.touchpoints import InvalidTouchpoint, event
from streams.client.codecs import refuse_codec
from streams.client.delivery import Callbacks, NotAllDelivered, Outcome, Report, ReportFull, Sent, Undelivered, Waiting
from streams.client.topic_check import connection_of, find_topic, refuse_own
from streams.client.validation import Refusal, checked, refusal
from streams.kafka.errors import kafka_named
from streams.kafka.producer import OWN, close_producer, is_unusable, open_producer
from streams.kafka.security import KafkaConnection

logger = logging.getLogger(__name__)

MOST_WAITING = 20_000
MOST_WAITING_BYTES = 32 << 20
"""Of accepted events not yet confirmed; kafka-python itself bounds neither."""
MOST_KEPT = 10_000
"""Refusals and undelivered events that are kept for the report before they must be taken."""
DELIVERY_TIMEOUT_S = 60.0
OVERDUE_S = 20.0
"""Beyond the delivery timeout, in case a producer settles nothing for a reason that we don't know of."""
LOOK_S = 1.0
"""How often a wait looks whether the producer can still send."""
FLUSH_S = 5.0
"""For closing when an exception is on its way."""


class TouchpointPublisher:
    """Sends touchpoints: validated first, keyed by customer, batched, each delivery confirmed.

        with TouchpointPublisher("broker:9092") as publisher:
            publisher.publish_event("purchase", id="o-1", source="shop", subject="anna", time_ms=..., data={...})

    Nothing is dropped silently: every event given is sent, refused (`Refusal`) or not delivered (`Undelivered`), and
    told either to `on_outcome` or by the report; a `with` block that ends with events refused or not delivered, and
    nobody told, raises NotAllDelivered. Sent means: on every replica in sync, once, unless `idempotent` is False.
    An event that was not delivered may have been written all the same: publish it again with the same id.

    Args:
        bootstrap_servers: host:port,host:port; or a `KafkaConnection`, as `connection_from_environment()` gives one.
        topic: the engine's input.
        on_outcome: told of each `Sent`, `Refusal` and `Undelivered`, in this thread, from within our methods; it may
            publish in turn. Without it refusals and undelivered events are kept for the report, up to `most_kept`.
        idempotent: True raises IdempotenceRefused where the broker has no idempotent producers, False does without,
            None takes what there is and logs a warning; `idempotent` then tells.
        keep_time: each record's timestamp is its event's time; only for topics of a replay. None asks the topic.
        delivery_timeout_s: an event not confirmed for so long counts as not delivered.
        most_waiting, most_waiting_bytes: of events not yet confirmed; `publish` waits when there are more.
        most_kept: refusals and undelivered events kept for the report, without `on_outcome`.
        settings: of the connection, named as the engine's (kafka_security_protocol, kafka_user, ...); of kafka-python's
            producer: compression_type (gzip, snappy, lz4, zstd), linger_ms, batch_size.

    Raises BrokerUnreachable, BrokerRefused, TopicMissing, IdempotenceRefused, SettingRefused. Not thread-safe: one
    publisher per thread.
    """

    def __init__(
        self,
        bootstrap_servers: str | KafkaConnection,
        topic: str = "retention.touchpoints",
        *,
        on_outcome: Callable[[Outcome], None] | None = None,
        idempotent: bool | None = None,
        keep_time: bool | None = None,
        delivery_timeout_s: float = DELIVERY_TIMEOUT_S,
        most_waiting: int = MOST_WAITING,
        most_waiting_bytes: int = MOST_WAITING_BYTES,
        most_kept: int = MOST_KEPT,
        **settings: Any,
    ) -> None:
        refuse_own(settings, OWN)
        refuse_codec(settings)
        self._connection, self._settings = connection_of(bootstrap_servers, settings), settings
        self._insisted, self._delivery_timeout_s = idempotent, delivery_timeout_s
        self._most_waiting, self._most_bytes, self._most_kept = most_waiting, most_waiting_bytes, most_kept
        self._callbacks = None if on_outcome is None else Callbacks(on_outcome)
        found = find_topic(self._connection, topic, settings, ask_time=keep_time is None)
        self.topic = found.name
        self._keep_time = bool(found.keeps_time if keep_time is None else keep_time)
        self._waiting: deque[Waiting] = deque()
        self._bytes = self._sent = self._refused = self._not_delivered = 0
        self._partitions: Counter[int] = Counter()
        self._kept: list[Refusal | Undelivered] = []
        self._began = self._ended = 0.0
        self._closed = False
        self.idempotent = False  # whether the broker drops what a retry of the client would write twice
        self._producer: Any = None
        self._open()

    def publish(self, value: bytes, *, line: int = 0) -> Refusal | None:
        """Check and queue an event: CloudEvents 1.0 in structured JSON. A refusal is returned, too.

        Waits while as many events are on their way as may be. line: a number of the caller's own for the report.
        Raises ReportFull, and BrokerUnreachable when the connection had to be made anew and could not: this event was
        then not taken.
        """
        touch = checked(value, time.time_ns() // 1_000_000, line)
        if isinstance(touch, Refusal):
            return self._refuse(touch)
        self._make_room(len(value))
        now = time.monotonic()
        self._began = self._began or now
        timestamp = touch.time if self._keep_time else None
        try:
            answer = self._producer.send(self.topic, key=touch.customer.encode(), value=value, timestamp_ms=timestamp)
        except KafkaError as error:
            self._report(Waiting(line, touch.id, touch.customer, value, now, None).undelivered(error))
            self._look()
            return None
        self._waiting.append(Waiting(line, touch.id, touch.customer, value, now, answer))
        self._bytes += len(value)
        return None

    def refuse(self, refusal: Refusal) -> None:
        """Count an event that the caller could not even make, as one that was refused."""
        self._refuse(refusal)

    def publish_event(
        self,
        type: str,
        *,
        id: str,
        source: str,
        subject: str,
        time_ms: int,
        data: Mapping[str, Any] | msgspec.Struct,
        line: int = 0,
    ) -> Refusal | None:
        """As `publish`, from the parts of the event; `models.touchpoints` has the types and their data.

        Args:
            type: of the touchpoint, such as "purchase".
            id: of the fact, the same at every attempt.
            source: URI of the service that tells it.
            subject: the customer's id; becomes the record's key.
            time_ms: when it happened, ms since the epoch.
            data: what the type asks for.
            line: a number of the caller's own for the report.

        Returns:
            The refusal of an event that the engine would not take, else None.
        """
        try:
            value = event(type, id=id, source=source, subject=subject, time_ms=time_ms, data=data)
        except InvalidTouchpoint as error:
            return self._refuse(refusal(error.rejected, line))
        return self.publish(value, line=line)

    @property
    def keeps_time(self) -> bool:
        """Each record has its event's time: the topic is that of a replay."""
        return self._keep_time

    @property
    def report(self) -> Report:
        """What became of the events so far."""
        self._look()
        return Report(
            topic=self.topic,
            idempotent=self.idempotent,
            sent=self._sent,
            refused=self._refused,
            not_delivered=self._not_delivered,
            waiting=len(self._waiting),
            partitions=dict(self._partitions),
            seconds=max(0.0, self._ended - self._began),
            refusals=tuple(one for one in self._kept if isinstance(one, Refusal)),
            undelivered=tuple(one for one in self._kept if isinstance(one, Undelivered)),
        )

    def take_report(self) -> Report:
        """The report; its refusals and undelivered events are the caller's now, and no longer kept."""
        report = self.report
        self._kept = []
        return report

    def flush(self, timeout_s: float | None = None) -> Report:
        """Wait until every event is settled, or for `timeout_s`; the report tells how many still wait."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while self._waiting and self._settle_first(deadline):
            self._look()
        return self.report

    def close(self, timeout_s: float | None = None) -> Report:
        """Flush, then give up what is not confirmed: it is in the report as not delivered. Call it as often as you
        like; afterwards, and when `on_outcome` is told of what was given up, `publish` raises ValueError."""
        if not self._closed:
            try:
                self.flush(timeout_s)
            finally:
                self._closed = True
                self._give_up()
        return self.report

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        closed_before = self._closed
        report = self.close(None if kind is None else FLUSH_S)
        if closed_before or not self._kept:
            return
        if kind is None:
            raise NotAllDelivered(report)
        logger.warning("%s", NotAllDelivered(report))

    def _open(self) -> None:
        if self._closed:
            raise ValueError(f"the publisher to {self.topic} is closed; make a new one")
        self._producer, self.idempotent = open_producer(
            self._connection, self._insisted, self._delivery_timeout_s, self._settings
        )
        try:
            with kafka_named(self._connection, f"asking for the partitions of {self.topic}"):
                # Now rather than at the first event, which would wait for it.
                self._producer.partitions_for(self.topic)
        except BaseException:  # its thread would run on, and nobody could end it
            self._end_producer()
            raise

    def _make_room(self, size: int) -> None:
        """Settle what is done; wait while too much is on its way."""
        self._look()  # first, so that what the callback raises leaves the event at hand with the caller
        while self._waiting and (
            len(self._waiting) >= self._most_waiting or self._bytes + size > self._most_bytes
        ):  # one event alone may be larger than all that may wait
            self._settle_first(None)
        if len(self._kept) >= self._most_kept:
            raise ReportFull(f"{len(self._kept)} events were refused or not delivered, and the report was not taken")
        if self._producer is not None and is_unusable(self._producer):
            self._renew()
        if self._producer is None:
            self._open()

    def _look(self) -> None:
        """Settle what is done, and tell the callback."""
        self._settle()
        if self._callbacks is not None:
            self._callbacks.deliver()

    def _settle(self) -> None:
        """Take what is done, from the front: an event waits for those before it, also in other partitions."""
        while self._waiting and self._waiting[0].answer.is_done:
            self._settled(self._waiting.popleft())

    def _settle_first(self, deadline: float | None) -> bool:
        """Wait for the first event that waits. False when the deadline came first."""
        first = self._waiting[0]
        overdue = first.since + self._delivery_timeout_s + OVERDUE_S
        while not first.answer.is_done:
            now = time.monotonic()
            if now >= overdue or is_unusable(self._producer):
                self._renew()
                return True
            if deadline is not None and now >= deadline:
                return False
            with suppress(KafkaError):  # told when it is settled
                first.answer.get(min(now + LOOK_S, overdue, deadline or overdue) - now)
        self._settled(self._waiting.popleft())
        return True

    def _settled(self, waiting: Waiting) -> None:
        self._bytes -= len(waiting.value)
        answer = waiting.answer
        if answer.failed():
            self._report(waiting.undelivered(answer.exception))
        else:
            where = answer.value
            self._report(Sent(waiting.line, waiting.event_id, waiting.customer, where.partition, where.offset))

    def _renew(self) -> None:
        """This producer sends nothing any more; the next event gets a new one."""
        logger.warning("%s: the producer's session is over, what waited is not delivered; a new one begins", self.topic)
        self._give_up()

    def _give_up(self) -> None:
        """End the producer; what was not confirmed is not delivered."""
        self._end_producer()
        given_up, self._waiting = self._waiting, deque()
        for waiting in given_up:
            if waiting.answer.is_done:
                self._settled(waiting)
            else:  # the producer's thread did not end in time, so it settles nothing any more
                self._bytes -= len(waiting.value)
                self._report(waiting.undelivered(KafkaTimeoutError("the producer was closed before an answer came")))

    def _end_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            close_producer(producer)

    def _refuse(self, text: Refusal) -> Refusal:
        self._make_room(0)
        self._report(text)
        self._look()
        return text

    def _report(self, outcome: Outcome) -> None:
        self._ended = time.monotonic()
        self._began = self._began or self._ended
        if isinstance(outcome, Sent):
            self._sent += 1
            self._partitions[outcome.partition] += 1
        elif isinstance(outcome, Refusal):
            self._refused += 1
        else:
            self._not_delivered += 1
        if self._callbacks is not None:
            self._callbacks.add(outcome)
        elif not isinstance(outcome, Sent):
            self._kept.append(outcome)
