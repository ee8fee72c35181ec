"""A consumer group member with manual commits, which re-reads what the former owner handled."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from kafka import OffsetAndMetadata, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from streams.kafka.clients import member
from streams.kafka.errors import CONNECT_TIMEOUT_MS, kafka_named
from streams.kafka.security import KafkaConnection

logger = logging.getLogger(__name__)

MOST_POLLED = 50
"""Records at a time: a handler has max_poll_interval_ms (five minutes) for all of them, so six seconds for each."""
POLL_MS = 500
COMMIT_TIMEOUT_MS, CLOSE_TIMEOUT_MS = 10_000, 5_000
PAUSE_S = 0.5
RECONNECT_MOST_MS = 1_000

# Eager assignment only: with it every rebalance begins again at what is committed.
OWN: Final = (
    *("bootstrap_servers", "group_id", "enable_auto_commit", "isolation_level", "allow_auto_create_topics"),
    *("key_deserializer", "value_deserializer", "consumer_timeout_ms", "partition_assignment_strategy"),
)

MOVED = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)
"""The partitions are on their way to other consumers, which begin at what was committed before."""


class _Rebalances:
    """Notes what kafka-python's own thread tells while `poll` runs."""

    def __init__(self) -> None:
        self.joined = False
        self.assigned: set[TopicPartition] = set()
        self.moved: set[TopicPartition] = set()
        """Not ours any more, or ours anew."""

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.joined = True
        self.assigned = self.assigned | assigned
        self.moved = self.moved | assigned

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.joined = False
        self.assigned = self.assigned - revoked
        self.moved = self.moved | revoked

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self.on_partitions_revoked(lost)


ConsumerRebalanceListener.register(_Rebalances)  # kafka-python looks for an instance of it


class GroupMember:
    """Reads one topic at read_committed as a member of a consumer group. Not thread-safe.

    A broker that goes away later is waited for.

    Args:
        connection: brokers and security.
        topic: to read.
        group: to be a member of.
        look_back: with every partition it gets it begins so many offsets before the committed one; `is_history` tells
            those records from new ones.
        stopping: asked during a wait for the broker; true ends it.
        settings: of kafka-python's consumer; those that the guarantees rest on win.

    Raises:
        BrokerUnreachable: no broker answers at the start.
        BrokerRefused: the broker refuses something that does not pass by itself.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        group: str,
        look_back: int,
        stopping: Callable[[], bool],
        settings: Mapping[str, Any],
    ) -> None:
        self._connection, self._topic, self._group = connection, topic, group
        self._look_back, self._stopping = look_back, stopping
        self._history: dict[TopicPartition, int] = {}
        self._to_commit: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._rebalances = _Rebalances()
        with kafka_named(connection, "connecting"):
            self._consumer = member(
                connection,
                group,
                **{
                    "client_id": "retention-triggers",
                    "auto_offset_reset": "earliest",
                    "max_poll_records": MOST_POLLED,
                    "session_timeout_ms": 10_000,
                    "reconnect_backoff_max_ms": RECONNECT_MOST_MS,
                    "bootstrap_timeout_ms": CONNECT_TIMEOUT_MS,
                    **settings,
                    "enable_auto_commit": False,
                    "isolation_level": "read_committed",
                    "allow_auto_create_topics": False,
                },
            )
        self._consumer.subscribe([topic], listener=self._rebalances)

    @property
    def joined(self) -> bool:
        """Whether the group has given us our share, which may be empty, and is not sharing out anew."""
        return self._rebalances.joined

    def partitions(self) -> list[int]:
        """Those we have now."""
        return sorted(tp.partition for tp in self._consumer.assignment())

    def is_history(self, record: Any) -> bool:
        """Whether the record was handled before we got its partition."""
        return bool(record.offset < self._history.get(TopicPartition(record.topic, record.partition), 0))

    def poll(self) -> list[Any]:
        """The next records, after at most half a second. Must be called again within max_poll_interval_ms."""
        try:
            batches = self._consumer.poll(timeout_ms=POLL_MS)
        except KafkaError as error:
            self._drop_moved()
            self._wait_or_raise(error, "reading")
            return []
        self._drop_moved()
        assigned, self._rebalances.assigned = self._rebalances.assigned, set()
        for tp in sorted(assigned):
            if self._rewound(tp):
                batches.pop(tp, None)
        return [record for records in batches.values() for record in records]

    def settled(self, record: Any) -> None:
        """The record was dealt with; its offset goes with the next commit."""
        self._to_commit[TopicPartition(record.topic, record.partition)] = record.offset + 1

    def commit(self, in_hand: Iterable[Any]) -> bool:
        """Commit what is settled. in_hand: records polled and not settled.

        False when the partitions are moving to other consumers: what is in hand must be dropped, they get it, or we
        again. What can't be committed for another passing reason is tried again with the next commit.
        """
        if not self._to_commit:
            return True
        offsets = {tp: OffsetAndMetadata(offset, "", -1) for tp, offset in self._to_commit.items()}
        try:
            self._consumer.commit(offsets, timeout_ms=COMMIT_TIMEOUT_MS)
        except MOVED as error:
            logger.warning("%s: %s is being shared out anew; not committed: %s", self._topic, self._group, error)
            self._to_commit = {}
            self._read_again(in_hand)
            return False
        except KafkaError as error:
            self._wait_or_raise(error, "committing")
            return True
        self._committed |= self._to_commit
        self._to_commit = {}
        return True

    def close(self) -> None:
        """Leave the group at once, without a commit."""
        self._to_commit = {}
        self._consumer.close(autocommit=False, timeout_ms=CLOSE_TIMEOUT_MS)

    def _drop_moved(self) -> None:
        """What we have settled of a partition and not yet committed is not ours to commit once it has moved: its new
        owner may have committed more, and Kafka takes an older offset as well, also from a member without the
        partition. `_committed` stays: it is only compared with what Kafka says."""
        moved, self._rebalances.moved = self._rebalances.moved, set()
        for tp in moved & self._to_commit.keys():
            logger.info("%s[%d]: moved before offset %d was committed", *tp, self._to_commit.pop(tp))

    def _rewound(self, tp: TopicPartition) -> bool:
        """Whether the partition is now read from where its history begins."""
        self._history.pop(tp, None)
        while not self._stopping():
            try:
                committed = self._consumer.committed(tp, timeout_ms=COMMIT_TIMEOUT_MS)
                # As we left it: nobody handled anything in between.
                if committed is None or committed == self._committed.get(tp):
                    return False
                first = self._consumer.beginning_offsets([tp])[tp]
            except KafkaError as error:
                self._wait_or_raise(error, "asking what is committed")
                continue
            start = max(first, committed - self._look_back)
            if start >= committed or tp not in self._consumer.assignment():
                return False
            self._history[tp] = committed
            self._consumer.seek(tp, start)
            return True
        return True

    def _read_again(self, in_hand: Iterable[Any]) -> None:
        """A partition that stays ours after all goes on at the first record in hand."""
        first: dict[TopicPartition, int] = {}
        for record in in_hand:
            first.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        for tp in first.keys() & self._consumer.assignment():
            self._consumer.seek(tp, first[tp])

    def _wait_or_raise(self, error: KafkaError, doing: str) -> None:
        if not error.retriable:
            with kafka_named(self._connection, f"{doing}, topic {self._topic}, group {self._group}"):
                raise error
        logger.warning("%s, group %s, %s: %s; trying on", self._topic, self._group, doing, error)
        time.sleep(PAUSE_S)
