"""Recomputes model versions that were deleted, from the examples topic.

A version leaves the store once every shard's watermark has passed it. A shard whose own keys went back (a restored
backup, a failover that lost writes) stands before it again and decides with the same version or not at all. The
examples are kept for as long as decisions must be repeatable, and the same examples give the same versions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from models.churn import Version
from models.learning.learner import Learning
from streams.kafka.access import BrokerRefused
from streams.kafka.errors import KafkaUnavailable
from streams.learner.example_reader import ExamplesReader, LearnerSettings, NewConsumer, kafka_consumer
from streams.learner.off_loop import off_loop
from streams.retry import Backoff

logger = logging.getLogger(__name__)

MOST_KEPT = 1_000
"""Versions of one relearning, about two kilobytes each; a shard that is further behind relearns again."""


class Relearning:
    """`version(boundary)` for boundaries that the learner has published. One relearning serves every shard of the
    worker."""

    def __init__(self, settings: LearnerSettings, new_consumer: NewConsumer = kafka_consumer) -> None:
        self._settings, self._new_consumer = settings, new_consumer
        self._versions: dict[int, Version] = {}
        self._lock = asyncio.Lock()

    async def version(self, boundary: int, last_published: int, on_outage: Callable[[str], None]) -> Version:
        """The version of a boundary, from the earliest example on. last_published: the last boundary
        that the learner has published.
        on_outage: is told while Kafka is away.

        Raises LogTruncated when the examples no longer reach back to the first or miss one, StateUnreadable when one
        is not ours.
        """
        async with self._lock:
            if boundary not in self._versions:
                logger.warning("model version %d is no longer kept: learning it again from the examples", boundary)
                self._versions = await self._until_learned(boundary, last_published, on_outage)
            return self._versions[boundary]

    async def _until_learned(self, first: int, last: int, on_outage: Callable[[str], None]) -> dict[int, Version]:
        backoff = Backoff()
        while True:
            learning = Learning(self._settings.engine, self._settings.partitions)
            reader = ExamplesReader(self._settings, learning, self._new_consumer)
            try:
                await reader.open()
                return await self._relearn(learning, reader, first, last)
            except (KafkaUnavailable, BrokerRefused) as error:
                logger.warning("reading examples: %s; again in %.2f s", error, backoff.pause_s)
                on_outage(f"reading examples: {error}")
            finally:
                await reader.close()
            await backoff.pause()

    async def _relearn(self, learning: Learning, reader: ExamplesReader, first: int, last: int) -> dict[int, Version]:
        found = dict[int, Version]()
        while True:
            await reader.read()
            while (version := await off_loop(learning.next_version)) is not None:
                if version.boundary >= first:
                    found[version.boundary] = version
                if found and (version.boundary >= last or len(found) >= MOST_KEPT):
                    return found
