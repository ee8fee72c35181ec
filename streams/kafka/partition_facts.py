"""Facts of a partition at takeover: log start, log end, committed offset, topic id."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from kafka.errors import UnknownTopicOrPartitionError, for_code

from streams.kafka.clients import admin
from streams.kafka.security import KafkaConnection

NO_TOPIC_ID = ("", "00000000-0000-0000-0000-000000000000")
"""What brokers say that have none."""


class LogFacts(NamedTuple):
    """start, end: first offset and high watermark of the log; committed: the group's offset, None if never."""

    start: int
    end: int
    topic_id: str
    partitions: int
    committed: int | None


class TopicIdentity(NamedTuple):
    topic_id: str
    partitions: int


class TopicDirectory:
    """Topic ids and partition counts. By kafka-python, since aiokafka 0.14 does not read topic ids."""

    def __init__(self, connection: KafkaConnection, client_id: str, timeout_s: float) -> None:
        self._connection = connection
        self._client_id = client_id
        self._timeout_ms = int(1000 * timeout_s)
        self._admin: Any = None
        self._lock = asyncio.Lock()  # the client is used by one thread at a time

    async def describe(self, topics: Iterable[str]) -> dict[str, TopicIdentity]:
        """Identity of each topic; one that does not exist has 0 partitions.

        Raises kafka.errors.KafkaError, also where the broker answers for a topic with an error of its own.
        """
        wanted = sorted(set(topics))
        if not wanted:
            return {}
        async with self._lock:
            return await asyncio.to_thread(self._describe, wanted)

    def _describe(self, wanted: list[str]) -> dict[str, TopicIdentity]:
        if self._admin is None:
            self._admin = admin(self._connection, f"{self._client_id}-directory", request_timeout_ms=self._timeout_ms)
        try:
            found = self._admin.describe_topics(wanted)
        except Exception:
            self._close()  # a connection in doubt is not used again
            raise
        for topic in found:
            # Such an answer has neither partitions nor an id, which is no topic made anew.
            if topic["error_code"] not in (0, UnknownTopicOrPartitionError.errno):
                raise for_code(topic["error_code"])(topic["name"])
        return {t["name"]: TopicIdentity(str(t.get("topic_id") or ""), len(t["partitions"])) for t in found}

    def _close(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()

    async def close(self) -> None:
        async with self._lock:
            await asyncio.to_thread(self._close)
