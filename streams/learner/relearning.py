"""Recomputes model versions that were deleted, from the examples topic.

A version leaves the store once every shard's watermark has passed it. A shard whose own keys went back (a restored
backup, a failover that lost writes) stands before it again and decides with the same version or not at all. The
examples are kept for as long as decisions must be repeatable, and the same examples give the same versions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from models.churn import Version, schema_in, unseal
from models.learning.learner import Learning, LearningState
from streams.errors import VersionUnreadable
from streams.kafka.access import BrokerRefused
from streams.kafka.errors import KafkaUnavailable
from streams.learner.example_reader import ExamplesReader, LearnerSettings, NewConsumer, kafka_consumer
from streams.learner.lineage import FIRST, lineage_to_read
from streams.learner.model_registry import BEGUN, sealed_by
from streams.learner.off_loop import off_loop
from streams.learner.starts import start_before
from streams.retry import Backoff, retry_while_unavailable
from streams.store import Store
from streams.store.port import LEARNER

logger = logging.getLogger(__name__)

MOST_KEPT, MOST_BYTES = 1_000, 32 << 20
"""Of one relearning: a version takes about two kilobytes, one of `forest` more than a megabyte. A shard that is further
behind relearns again."""


class Relearning:
    """`version(boundary)` for boundaries that the learner has published. One relearning serves every shard of the
    worker."""

    def __init__(
        self, settings: LearnerSettings, new_consumer: NewConsumer = kafka_consumer, store: Store | None = None
    ) -> None:
        """store: has the learner's starts (streams/learner/starts.py); None: from the first example on."""
        self._settings, self._new_consumer, self._store = settings, new_consumer, store
        self._versions: dict[int, bytes] = {}
        self._lock = asyncio.Lock()

    async def version(self, boundary: int, last_published: int, on_outage: Callable[[str], None]) -> Version:
        """The version of a boundary, learned from the newest start before it on, else from the earliest example.

        last_published: the last boundary that the learner has published. on_outage: is told while Kafka is away.

        Raises LogTruncated when the examples no longer reach back to there or miss one, StateUnreadable when one is not
        ours, VersionUnreadable for one that is older than the switch by which this application began.
        """
        async with self._lock:
            if boundary not in self._versions:
                logger.warning("model version %d is no longer kept: learning it again from the examples", boundary)
                self._versions = await self._until_learned(boundary, last_published, on_outage)
            return unseal(self._versions[boundary], self._settings.schema, Version)

    async def _until_learned(self, first: int, last: int, on_outage: Callable[[str], None]) -> dict[int, bytes]:
        backoff = Backoff()
        while True:
            learning = await self._begun(first, on_outage)
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

    async def _begun(self, first: int, on_outage: Callable[[str], None]) -> Learning:
        """As near before a boundary as there is a start."""
        settings, state, lineage = self._settings, None, FIRST
        if self._store is not None:
            store = self._store
            state = await retry_while_unavailable(
                "looking for a start", lambda: start_before(store, settings.schema, first), on_outage
            )
            if state is None:
                state = await retry_while_unavailable(
                    "looking for the switch", lambda: self._switched(store), on_outage
                )
            if state is not None and state.boundary is not None and state.boundary >= first:
                raise VersionUnreadable(f"model version {first}: it is older than the switch of applications")
            own, _ = await retry_while_unavailable(
                "looking for the learner", lambda: lineage_to_read(store, settings.schema), on_outage
            )
            lineage = own or FIRST
        return Learning(settings.engine, settings.partitions, state, lineage)

    async def _switched(self, store: Store) -> LearningState | None:
        """Where an application that took over from another one has learned on: what is before is the other one's."""
        [sealed] = await store.load(LEARNER, [BEGUN])
        if sealed is None or schema_in(sealed) != self._settings.schema:
            return None
        return unseal(sealed, self._settings.schema, LearningState)

    async def _relearn(self, learning: Learning, reader: ExamplesReader, first: int, last: int) -> dict[int, bytes]:
        found, size = dict[int, bytes](), 0
        while True:
            await reader.read()
            while (version := await off_loop(learning.next_version)) is not None:
                if version.boundary >= first:
                    found[version.boundary] = sealed_by(version, self._settings.schema)
                    size += len(found[version.boundary])
                if found and (version.boundary >= last or len(found) >= MOST_KEPT or size >= MOST_BYTES):
                    return found
