"""Byte limits of producer batches by topic: a broker refuses a whole batch above the topic's `max.message.bytes`.

What a topic takes is known from its settings, where we may read them; whoever lowers it under a running worker is found
out by the broker's refusal, and batches shrink from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from streams.kafka.admin import TopicFacts
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.topics import MESSAGE_BYTES
from streams.outbox.entry import Entry

logger = logging.getLogger(__name__)

BATCH_BYTES: Final = 256 << 10
"""One batch is one produce request, so many entries in one save round trips; far below the broker's default, 1 MiB."""
RECORD_BYTES: Final = 160
"""What a record adds to its key and value: lengths, names and values of the headers, the batch's own head once."""
LARGEST_ENTRY: Final[Mapping[str, int]] = {
    "triggers": 16 << 10,
    "decisions": 16 << 10,
    "examples": 16 << 10,
    "deadletters": 96 << 10,
}
"""By role the bytes that one entry may take, alone in its batch. A dead letter has the whole of a touchpoint, 64 KiB at
most, in base64."""


class EntryTooLarge(KafkaUnavailable):
    """A topic does not take an entry even alone in its batch. It is tried again: the topic's limit may be raised."""


def limits_of(found: Mapping[str, TopicFacts]) -> dict[str, int]:
    """By topic the bytes of a batch that it takes, as far as the broker tells."""
    return {name: int(told) for name, facts in found.items() if (told := facts.settings.get(MESSAGE_BYTES))}


class BatchSizes:
    """By topic the most bytes of a batch. limits: what is known of the topics."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._most = {topic: min(limit, BATCH_BYTES) for topic, limit in limits.items()}

    def most(self, topic: str) -> int:
        """Bytes of a batch to this topic, its own head included."""
        return self._most.get(topic, BATCH_BYTES)

    def has_room(self, topic: str, batch: Any, entry: Entry) -> bool:
        """Whether the entry may join an aiokafka batch; the first one may, whatever its size."""
        if not batch.record_count():
            return True
        size: int = batch.size() + len(entry.key) + len(entry.value) + len(entry.id) + RECORD_BYTES
        return size <= self.most(topic)

    def refused(self, topic: str, batch: Any) -> KafkaUnavailable:
        """The broker called a batch too large: the next ones are half as large, if that can help."""
        size, records = batch.size(), batch.record_count()
        told = f"topic {topic} takes no batch of {size:,} bytes"
        if records > 1:
            self._most[topic] = max(1, min(size, self.most(topic)) // 2)
            return KafkaUnavailable(f"{told}; the next ones have {self._most[topic]:,} at most")
        return EntryTooLarge(
            f"{told}, which is one record: raise {MESSAGE_BYTES} of the topic to {_rounded(size):,} or more with "
            f"kafka-configs.sh --alter (or the broker's message.max.bytes); the shard publishes nothing until then"
        )


def _rounded(size: int) -> int:
    return -(-size // 1024) * 1024
