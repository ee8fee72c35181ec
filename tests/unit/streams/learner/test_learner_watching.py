"""What the learner tells those who watch it."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import TopicPartition

from models.churn import Version
from models.learning.learner import Learning
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.learner.example_reader import ExamplesReader, LearnerSettings
from streams.learner.owner import LearnerOwner
from streams.store.checkpoint import Checkpoint
from streams.store.fake import FakeStore
from streams.store.port import LEARNER
from tests.support.logs import START, synthetic
from tests.support.workers import LEARNER_TP, PATIENCE_S, SETTINGS, MemoryConsumer, Site, Worker, play, until

PARTITIONS = 2


def settings_of(site: Site) -> LearnerSettings:
    return LearnerSettings(site.settings, KafkaConnection(""), "examples", PARTITIONS, site.schema, "read_committed")


async def worked() -> Site:
    """A place where a few versions have been cut."""
    store = FakeStore()
    site = Site(store, store.snapshot, synthetic(3, partitions=PARTITIONS, customers=10, days=60))
    worker = Worker(site)
    life = worker.start()
    await worker.work_up_to(START + 5 * SETTINGS.boundary // 2)
    await worker.until(lambda: len(site.versions()) > 1)
    await worker.stop(life)
    return site


def test_a_learner_that_is_taken_over_tells_its_newest_version_and_not_only_the_next_one() -> None:
    async def scenario() -> None:
        site = await worked()
        newest = max(site.versions().items())[1]
        told: list[Version] = []
        learner = LearnerOwner(
            LEARNER_TP,
            1,
            settings_of(site),
            Checkpoint(site.store, LEARNER),
            told.append,
            lambda settings: MemoryConsumer(site.public),
        )
        assert await learner.peek()
        await learner.mint()
        await learner.check(LogFacts(0, 0, "topic-id", PARTITIONS, None))
        await learner.recover()
        running = asyncio.create_task(learner.run())
        await asyncio.wait_for(until(lambda: told), PATIENCE_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await learner.ended()
        assert told[0] == newest

    play(scenario)


class Twice(MemoryConsumer):
    """A broker without transactions, after a batch whose acknowledgement was lost."""

    async def getmany(self, timeout_ms: int, max_records: int | None = None) -> dict[TopicPartition, list[Any]]:
        found = await super().getmany(timeout_ms, max_records)
        return {tp: messages + messages[-3:] for tp, messages in found.items()}


def test_examples_that_come_twice_are_counted_once_a_fetch() -> None:
    async def scenario() -> None:
        site = await worked()
        told: list[int] = []
        learning = Learning(site.settings, PARTITIONS)
        reader = ExamplesReader(settings_of(site), learning, lambda settings: Twice(site.public), told.append)
        await reader.open()
        await reader.read()
        await reader.close()
        assert told == [3] * PARTITIONS

    play(scenario)
