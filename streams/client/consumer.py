"""`TriggerConsumer`: consumes triggers, for downstream services."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

from models.outputs import StopOrder, Trigger, Unsent, Withdrawal
from models.timeline.stop_types import Stop, purpose_of
from streams.client.deduplication import Handled, Recognised, Seen
from streams.client.group_member import OWN, GroupMember
from streams.client.topic_check import connection_of, find_topic, refuse_own
from streams.client.trigger_decoding import Readable, Unreadable, UnreadableTrigger, stop_in, trigger_in
from streams.kafka.security import KafkaConnection

logger = logging.getLogger(__name__)

REMEMBER = 10_000
COMMIT_EVERY_S = 1.0
FORGET_EVERY_S = 600.0


@dataclass(slots=True)
class Counts:
    """Of triggers: handled by the caller; dropped as duplicates or expired; unreadable records that were skipped.
    withdrawals: told to the caller, or passed over where nobody asked for them. stopped: triggers that an order of an
    operator took away before they were handed out. orders: such orders."""

    handled: int = 0
    duplicates: int = 0
    expired: int = 0
    unreadable: int = 0
    withdrawals: int = 0
    stopped: int = 0
    orders: int = 0


class TriggerConsumer:
    """Hands out triggers, each once while it can be recognised, and commits what was handled.

        with TriggerConsumer("broker:9092", group="messaging") as consumer:
            consumer.run(send_message)                      # or: for trigger in consumer: ...

    At `read_committed`. A trigger is committed only after the handler returned (or the loop asked for the next one);
    an exception leaves it uncommitted: it comes again with the next loop, or to the group's next consumer. So it is at
    least once, and what was handled but not yet committed when a process dies comes again, unless `handled` knows it.

    Duplicates are recognised by trigger id among the last `remember` records of each partition, across restarts and
    rebalances: with every partition that it gets, a consumer first reads again that far back from the committed
    offset. `recognised` and the log tell how long that is. Expired triggers are not handed out.

    Args:
        bootstrap_servers: host:port,host:port; or a `KafkaConnection`, as `connection_from_environment()` gives one.
        topic: the engine's triggers.
        group: consumers of one group share the partitions; a new group begins with the oldest trigger.
        on_expired: gets each trigger that was past its expiry when its turn came.
        on_withdrawal: gets each withdrawal, after its trigger was handed out or dropped: whoever has not sent that yet
            drops it. Of a customer of several ids it may stand in another partition, and come first. Committed after it
            returned, so it may come again, as a trigger may. Without it they are passed over.
        on_order: gets each order of an operator to drop what fits it (`StopOrder`): whoever holds triggers back drops
            those, and says `offer_withdrawn` of each.
        on_stopped: gets each trigger that such an order took away before it was handed out, for the same word.
        on_unreadable: gets each record that is neither trigger nor withdrawal, which is then skipped; without it
            UnreadableTrigger is raised, at the same record again and again.
        handled: a durable memory of handled triggers, such as `HandledFile`.
        remember: records of each partition in which duplicates are recognised; about 200 bytes of memory each.
        idle_s: iteration ends when nothing came for so long; None: it goes on until `stop`.
        clock: ms; for what is expired. `lambda: 0` for the triggers of a replay, which lie in the past.
        settings: of the connection, named as the engine's (kafka_security_protocol, kafka_user, ...); of kafka-python's
            consumer: session_timeout_ms, max_poll_interval_ms, max_poll_records.

    Raises BrokerUnreachable, BrokerRefused, TopicMissing, SettingRefused; a broker that goes away later is waited for.
    Not thread-safe, except `stop`.
    """

    def __init__(
        self,
        bootstrap_servers: str | KafkaConnection,
        topic: str = "retention.triggers",
        *,
        group: str,
        on_expired: Callable[[Trigger], None] | None = None,
        on_withdrawal: Callable[[Withdrawal], None] | None = None,
        on_order: Callable[[StopOrder], None] | None = None,
        on_stopped: Callable[[Trigger], None] | None = None,
        on_unreadable: Callable[[Unreadable], None] | None = None,
        handled: Handled | None = None,
        remember: int = REMEMBER,
        idle_s: float | None = None,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        **settings: Any,
    ) -> None:
        refuse_own(settings, OWN)
        self._on_expired, self._on_withdrawal, self._on_unreadable = on_expired, on_withdrawal, on_unreadable
        self._on_order, self._on_stopped = on_order, on_stopped
        self._orders: list[tuple[int, int, Stop]] = []  # in the buffer: partition, offset
        self._durable, self._seen = handled, Seen(remember)
        self._idle_s, self._clock = idle_s, clock
        connection = connection_of(bootstrap_servers, settings)
        self.topic = find_topic(connection, topic, settings).name
        self._counts = Counts()
        self._buffer: deque[Any] = deque()
        self._handed_out: Trigger | None = None
        self._recalling: set[int] = set()
        self._stopping = False
        self._last_commit = self._last_forget = self._last_record = time.monotonic()
        self._member = GroupMember(connection, self.topic, group, remember, lambda: self._stopping, settings)

    def run(self, handler: Callable[[Trigger], None]) -> None:
        """Handle triggers until `stop` (or `idle_s`); what the handler raises ends it, that trigger uncommitted."""
        for trigger in self:
            handler(trigger)

    def __iter__(self) -> Iterator[Trigger]:
        """Triggers; asking for the next one says that the last one was handled, and so does `done`."""
        self._last_record = time.monotonic()
        while not self._is_over():
            while self._buffer and not self._stopping:
                trigger = self._next()
                if trigger is not None:
                    self._handed_out = trigger
                    yield trigger
                    self.done()
                    self._last_record = time.monotonic()
                if time.monotonic() - self._last_commit >= COMMIT_EVERY_S:
                    self._commit()
            self._commit()
            if not self._is_over():
                self._fill()

    def done(self) -> None:
        """The trigger handed out last was handled: for a loop that is left before it asks for the next one."""
        trigger, self._handed_out = self._handed_out, None
        if trigger is None:
            return
        if self._durable is not None:
            self._durable.add(trigger.id, trigger.expires_at)
        self._counts.handled += 1
        self._settle(trigger)

    def stop(self) -> None:
        """End the loop after the trigger that is being handled. From any thread, or a signal handler."""
        self._stopping = True

    @property
    def counts(self) -> Counts:
        """Since this consumer was made."""
        return replace(self._counts)

    def recognised(self) -> dict[int, Recognised]:
        """For each partition that this consumer has: a duplicate of a trigger published since then is recognised."""
        return {number: self._seen.reach(number) for number in self._member.partitions()}

    def close(self) -> None:
        """Commit what was handled, and leave the group at once; call it as often as you like."""
        self._stopping = True
        self._handed_out = None
        self._buffer.clear()
        try:
            self._commit()
        finally:
            self._member.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self) -> Trigger | None:
        """The trigger in the first record of the buffer, if it is to be handled; else the record is settled."""
        record = self._buffer[0]
        trigger = trigger_in(record)
        if self._member.is_history(record):
            self._recall(record, trigger)
            return None
        self._told_reach(record.partition)
        if isinstance(trigger, Unreadable):
            self._skip(trigger)
            return None
        if self._is_known(record.partition, trigger.id):
            self._counts.duplicates += 1
        elif isinstance(trigger, Withdrawal):
            if self._on_withdrawal is not None:
                self._on_withdrawal(trigger)
            self._counts.withdrawals += 1
        elif isinstance(trigger, StopOrder):
            if self._on_order is not None:
                self._on_order(trigger)
            self._counts.orders += 1
        elif isinstance(trigger, Unsent):
            pass  # a trigger that never was: its place in the publisher's count
        elif self._is_stopped(record, trigger):
            if self._on_stopped is not None:
                self._on_stopped(trigger)
            self._counts.stopped += 1
        elif trigger.expires_at <= self._clock():
            if self._on_expired is not None:
                self._on_expired(trigger)
            self._counts.expired += 1
        else:
            return trigger
        self._settle(trigger)
        return None

    def _is_known(self, partition: int, trigger_id: str) -> bool:
        if self._seen.has(partition, trigger_id):
            return True
        return self._durable is not None and self._durable.has(trigger_id)

    def _is_stopped(self, record: Any, trigger: Trigger) -> bool:
        """Whether an order behind the trigger, that has come already, says to drop it."""
        purpose = purpose_of(trigger.purpose, trigger.action)
        return any(
            partition == record.partition
            and offset > record.offset
            and stop.fits(purpose, trigger.action, trigger.country, trigger.kind)
            for partition, offset, stop in self._orders
        )

    def _settle(self, trigger: Readable | None) -> None:
        """The first record of the buffer was dealt with."""
        record = self._buffer.popleft()
        self._member.settled(record)
        if trigger is not None:
            self._seen.add(record.partition, trigger.id, record.timestamp)

    def _skip(self, unreadable: Unreadable) -> None:
        if self._on_unreadable is None:
            raise UnreadableTrigger(unreadable)
        self._on_unreadable(unreadable)
        self._counts.unreadable += 1
        self._settle(None)

    def _recall(self, record: Any, trigger: Readable | Unreadable) -> None:
        """A record that was handled before: only its id counts."""
        self._buffer.popleft()
        self._recalling.add(record.partition)
        if not isinstance(trigger, Unreadable):
            self._seen.add(record.partition, trigger.id, record.timestamp)

    def _told_reach(self, partition: int) -> None:
        """Say once how far the memory of a partition reaches, when its history has been read."""
        if partition not in self._recalling:
            return
        self._recalling.discard(partition)
        ids, since = self._seen.reach(partition)
        logger.info(
            "%s[%d]: duplicates of the last %d triggers, published since %s ms, are recognised",
            *(self.topic, partition, ids, since),
        )

    def _fill(self) -> None:
        joined = self._member.joined
        records = self._member.poll()
        self._buffer.extend(records)
        self._orders = [(one.partition, one.offset, order) for one in self._buffer if (order := stop_in(one))]
        # The time to join the group, half a session on the embedded broker, is no idleness.
        if records or not joined:
            self._last_record = time.monotonic()
        if self._durable is not None and time.monotonic() - self._last_forget >= FORGET_EVERY_S:
            self._last_forget = time.monotonic()
            self._durable.forget(self._clock())

    def _is_over(self) -> bool:
        idle = self._idle_s is not None and time.monotonic() - self._last_record >= self._idle_s
        return self._stopping or (idle and not self._buffer)

    def _commit(self) -> None:
        self._last_commit = time.monotonic()
        if not self._member.commit(self._buffer):
            self._buffer.clear()
