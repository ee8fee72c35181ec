"""Model versions learned again from the examples: equal, in bounded memory, with the named errors of the learner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, OffsetOutOfRangeError
from faust.types import TP

from models.learning.schema import schema_of
from streams.errors import EngineError, LogTruncated, StateUnreadable
from streams.kafka.partition_facts import LogFacts
from streams.learner.example_reader import LearnerSettings
from streams.learner.model_registry import name_of
from streams.learner.owner import LearnerOwner
from streams.learner.relearning import Relearning
from streams.learner.starts import KEPT, STARTS, Starts, start_before
from streams.retry import ignore
from streams.store.checkpoint import Checkpoint
from streams.store.fake import FakeStore
from streams.store.port import LEARNER
from tests.integration.learner.conftest import Emitted, Examples, MemoryExamples, Opened, SmallFetches
from tests.integration.learner.test_learner import FOREIGN, rehearsed, said, scenario
from tests.support.workers import PATIENCE_S, SETTINGS


async def told(examples: Examples, messages: Sequence[Sequence[Emitted]]) -> None:
    for shard, own in enumerate(messages):
        await examples.append(shard, own)


def relearning(examples: Examples, new_consumer: Callable[[LearnerSettings], Any] | None = None) -> Relearning:
    return Relearning(examples.settings(SETTINGS, schema_of(SETTINGS)), new_consumer or examples.consumer)


def test_every_version_that_was_cut_comes_back_equal_with_few_messages_in_memory(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.learner.example_reader.AHEAD", 2)

    async def test(examples: Examples) -> None:
        consumers: list[SmallFetches] = []

        def small(settings: LearnerSettings) -> SmallFetches:
            consumers.append(SmallFetches(examples.consumer(settings), 1))
            return consumers[-1]

        await told(examples, said())
        again, expected = relearning(examples, small), rehearsed().versions
        async with asyncio.timeout(PATIENCE_S):
            for boundary in expected:
                assert await again.version(boundary, max(expected), ignore) == expected[boundary]
        assert len(consumers) == 1, "one relearning serves all that follow"
        assert consumers[0].pauses, "a shard that is ahead was never paused"

    scenario(opened, test)


def test_what_is_kept_of_a_relearning_is_bounded_by_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.learner.relearning.MOST_BYTES", 5_000)

    async def test() -> None:
        examples = MemoryExamples(2)
        await told(examples, said())
        again, expected = relearning(examples), rehearsed().versions
        for boundary in expected:
            assert await again.version(boundary, max(expected), ignore) == expected[boundary]
            sizes = [len(value) for value in again._versions.values()]
            assert sum(sizes[:-1]) < 5_000
            assert sizes

    asyncio.run(test())


def test_a_version_is_learned_again_from_the_newest_start_before_it_though_older_examples_are_gone() -> None:
    async def test() -> None:
        examples, store = MemoryExamples(2), FakeStore()
        await told(examples, said())
        settings, expected = examples.settings(SETTINGS, schema_of(SETTINGS)), rehearsed().versions
        owner = LearnerOwner(TP("learner", 0), 1, settings, Checkpoint(store, LEARNER), new_consumer=examples.consumer)
        await owner.peek()
        await owner.mint()
        await owner.check(LogFacts(0, 0, "", 1, None))
        await owner.recover()
        running = asyncio.create_task(owner.run())
        async with asyncio.timeout(PATIENCE_S):
            while name_of(max(expected)) not in store.snapshot(LEARNER).values:  # noqa: ASYNC110 - nothing signals it
                await asyncio.sleep(0.002)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await owner.ended()
        starts = [boundary for boundary, _ in Starts.of(store.snapshot(LEARNER).values[STARTS]).sizes]
        assert len(starts) == KEPT
        later = [boundary for boundary in expected if boundary > starts[0]]
        state = await start_before(store, settings.schema, later[0])
        assert state is not None
        for shard, progress in enumerate(state.shards):
            await examples.forget(shard, progress.offset)
        again = Relearning(settings, examples.consumer, store)
        for boundary in later:
            assert await again.version(boundary, max(expected), ignore) == expected[boundary]
        with pytest.raises(LogTruncated, match=r"examples of shard 0 start at \d+, learning stands at 0"):
            await again.version(starts[0], max(expected), ignore)

    asyncio.run(test())


async def refuses(examples: Examples, error: type[EngineError], match: str) -> None:
    with pytest.raises(error, match=match):
        async with asyncio.timeout(PATIENCE_S):
            await relearning(examples).version(min(rehearsed().versions), max(rehearsed().versions), ignore)


@pytest.mark.parametrize(("value", "match"), FOREIGN, ids=["garbage", "empty", "cut short", "no text", "other model"])
def test_a_message_that_is_no_example_is_named(opened: Opened, value: bytes, match: str) -> None:
    async def test(examples: Examples) -> None:
        await told(examples, [[], [*said()[1][:2], (3, value)]])
        await refuses(examples, StateUnreadable, rf"xamples 1 at offset \d+ is not an example of ours: .*{match}")

    scenario(opened, test)


class Headless:
    """A consumer whose messages have no headers, or headers of other programs."""

    def __init__(self, consumer: Any, headers: Sequence[tuple[str, Any]]) -> None:
        self._consumer, self._headers = consumer, headers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    async def getmany(self, timeout_ms: int) -> Any:
        fetched = await self._consumer.getmany(timeout_ms=timeout_ms)
        for message in (message for messages in fetched.values() for message in messages):
            message.headers = self._headers
        return fetched


@pytest.mark.parametrize("headers", [[], [("count", b"many")], [("count", None)]], ids=["none", "no number", "null"])
def test_a_message_without_a_count_is_named(headers: Sequence[tuple[str, Any]]) -> None:
    async def test() -> None:
        examples = MemoryExamples(2)
        await told(examples, said())
        again = relearning(examples, lambda settings: Headless(examples.consumer(settings), headers))
        with pytest.raises(StateUnreadable, match="is not an example of ours"):
            await asyncio.wait_for(again.version(1, 2, ignore), PATIENCE_S)

    asyncio.run(test())


def test_examples_that_are_missing_or_gone_are_named() -> None:
    async def test() -> None:
        first, second = said()
        examples = MemoryExamples(2)
        await told(examples, [first, second[:4] + second[5:]])
        await refuses(examples, LogTruncated, r"examples of shard 1: sequence number 6 at offset 4 follows 4.*remedy: ")
        await examples.forget(1, 3)
        await refuses(examples, LogTruncated, "examples of shard 1 start at 3, learning stands at 0.*remedy: ")

    asyncio.run(test())


class Failing:
    """A consumer that fails at its first fetch."""

    def __init__(self, consumer: Any, error: Exception) -> None:
        self._consumer, self._error = consumer, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    async def getmany(self, timeout_ms: int) -> Any:
        raise self._error


def test_kafka_that_is_away_is_waited_for_and_an_offset_that_is_gone_is_not() -> None:
    async def test() -> None:
        examples, expected = MemoryExamples(2), rehearsed().versions
        await told(examples, said())
        consumers: list[Any] = []

        def first_fails(settings: LearnerSettings) -> Any:
            consumer = examples.consumer(settings)
            consumers.append(consumer if consumers else Failing(consumer, KafkaConnectionError("away")))
            return consumers[-1]

        last = max(expected)
        assert (
            await asyncio.wait_for(relearning(examples, first_fails).version(last, last, ignore), PATIENCE_S)
            == expected[last]
        )
        assert len(consumers) == 2
        gone = relearning(examples, lambda settings: Failing(examples.consumer(settings), OffsetOutOfRangeError({})))
        with pytest.raises(LogTruncated, match="examples that were not read are gone"):
            await asyncio.wait_for(gone.version(last, last, ignore), PATIENCE_S)

    asyncio.run(test())
