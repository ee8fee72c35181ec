"""The learner's owner on real partitions: the model is a function of the log, whatever happens on the way."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any

import pytest
from faust.types import TP

from models.churn import seal
from models.learning.contest import Contest
from models.learning.learner import Learning
from models.learning.schema import schema_of
from models.outputs import Example, encode
from models.settings import DAY, EngineSettings
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.boundaries import version_for
from streams.errors import (
    EngineError,
    Fenced,
    LearnerStateRefused,
    LogTruncated,
    MetaMissing,
    StateUnreadable,
    StoreWentBack,
)
from streams.kafka.partition_facts import LogFacts
from streams.learner.example_reader import LearnerSettings
from streams.learner.lineage import namespace_of
from streams.learner.model_registry import ORIGIN, name_of
from streams.learner.owner import LearnerOwner
from streams.store.checkpoint import Checkpoint
from streams.store.fake import FakeStore, Snapshot
from streams.store.port import LEARNER, Meta, Outcome, Write
from tests.integration.learner.conftest import Emitted, Examples, MemoryExamples, Opened, SmallFetches, in_memory
from tests.support.logs import synthetic
from tests.support.workers import PATIENCE_S, SETTINGS

SHARDS = 2
MARK = re.compile(rb'"type":"watermark","shard":\d+,"time":(\d+)')
FACTS = LogFacts(0, 0, "", 1, None)


@lru_cache
def rehearsed(settings: EngineSettings = SETTINGS) -> Rehearsal:
    return rehearse(synthetic(5, partitions=SHARDS, customers=20, days=100), settings)


def said(settings: EngineSettings = SETTINGS) -> list[list[Emitted]]:
    """What the shards say to the learner."""
    return [[(o.sequence, o.value) for o in s.outputs if o.role == "examples"] for s in rehearsed(settings).shards]


def versions_in(store: FakeStore) -> dict[int, bytes]:
    return {int(n[2:]): v for n, v in store.snapshot(LEARNER).values.items() if n.startswith(b"v:")}


def sealed(settings: EngineSettings, boundary: int) -> bytes:
    return seal(rehearsed(settings).versions[boundary], schema_of(settings))


class NotingStore(FakeStore):
    """Notes every version that was ever written."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: dict[int, bytes] = {}

    async def commit(self, place: str, write: Write) -> Outcome:
        for name, value in write.values:
            if name.startswith(b"v:"):
                boundary = int(name[2:])
                assert self.versions.setdefault(boundary, value) == value, (
                    f"version {boundary} was published twice, differently"
                )
        return await super().commit(place, write)


class Bench:
    """One learner after the other over one topic and one store."""

    def __init__(self, examples: Examples, settings: EngineSettings = SETTINGS) -> None:
        self.examples, self.settings = examples, settings
        self.store = NotingStore()
        self.told: list[str | None] = []
        self.new_consumer: Callable[[LearnerSettings], Any] = examples.consumer

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[asyncio.Task[None]]:
        """A learner at work, ended with the block; its task."""
        told = self.examples.settings(self.settings, schema_of(self.settings))
        checkpoint = Checkpoint(self.store, LEARNER)
        owner = LearnerOwner(
            TP("learner", 0), 1, told, checkpoint, new_consumer=self.new_consumer, on_trouble=self.told.append
        )
        try:
            await owner.peek()
            await owner.mint()
            await owner.check(FACTS)
            await owner.recover()
            running = asyncio.create_task(owner.run())
            try:
                yield running
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
        finally:
            await owner.ended()

    async def cut(self, boundary: int, running: asyncio.Task[None]) -> None:
        """Wait until a version stands."""
        async with asyncio.timeout(PATIENCE_S):
            while boundary not in versions_in(self.store):
                if running.done():
                    running.result()
                await asyncio.sleep(0.002)

    async def stands_still(self, error: type[EngineError], match: str) -> None:
        """The takeover goes well, and the owner says what is wrong until it is ended; the process lives."""
        async with self.owner() as running:
            async with asyncio.timeout(PATIENCE_S):
                while not self.told:
                    if running.done():
                        running.result()
                    await asyncio.sleep(0.002)
            assert not running.done()
            assert len(self.told) == 1
            assert re.search(f"{error.__name__}: .*{match}", self.told[0] or "")
        assert self.told.pop() is None
        self.told.clear()


def scenario(opened: Opened, test: Callable[[Examples], Awaitable[None]], shards: int = SHARDS) -> None:
    async def whole() -> None:
        async with opened(shards) as examples:
            await test(examples)

    asyncio.run(whole())


def portions(messages: Sequence[Sequence[Emitted]], seed: int, most: int) -> list[tuple[int, list[Emitted]]]:
    """All messages in portions, each shard's in order, the shards in any."""
    random = Random(seed)
    left = [list(own) for own in messages]
    told = []
    while any(left):
        shard = random.choice([n for n, own in enumerate(left) if own])
        size = random.randint(1, most)
        told.append((shard, left[shard][:size]))
        left[shard] = left[shard][size:]
    return told


@pytest.mark.parametrize("delay", [0, 10 * DAY])
def test_whatever_the_interleaving_and_the_restarts_the_versions_are_those_of_the_engine_in_memory(
    opened: Opened, delay: int
) -> None:
    settings = replace(SETTINGS, version_delay=delay)

    async def test(examples: Examples) -> None:
        bench = Bench(examples, settings)
        told = portions(said(settings), seed=1, most=25)
        marks = [0] * SHARDS
        for first in range(0, len(told), 4):  # a new owner every few portions
            async with bench.owner() as running:
                for shard, messages in told[first : first + 4]:
                    await examples.append(shard, messages)
                    marks[shard] = max(
                        [marks[shard], *(int(time) for _, value in messages for time in MARK.findall(value))]
                    )
                    await asyncio.sleep(0.02)
                reached = [boundary for boundary in rehearsed(settings).versions if boundary <= min(marks)]
                if reached and first % 8 == 0:  # else it may be ended as it learns
                    async with asyncio.timeout(PATIENCE_S):
                        while max(reached) not in bench.store.versions:  # noqa: ASYNC110 - the store signals nothing
                            await asyncio.sleep(0.002)
                assert not running.done()
        last = max(rehearsed(settings).versions)
        async with bench.owner() as running:
            await bench.cut(last, running)
        seen = bench.store.versions
        assert len(seen) > 2
        assert seen == {boundary: sealed(settings, boundary) for boundary in seen}
        origin = int(bench.store.snapshot(LEARNER).values[ORIGIN])
        assert origin == min(rehearsed(settings).versions)
        # A shard may still ask for the version of the last boundary, and of the one before.
        needed = {version_for(settings, boundary) for boundary in (last, last - settings.boundary)}
        standing = set(versions_in(bench.store))
        assert needed <= standing
        assert len(standing) <= 2 + -(-delay // settings.boundary)

    scenario(opened, test)


def test_a_learner_that_catches_up_in_one_go_keeps_no_more_versions_than_one_that_was_always_there(
    opened: Opened,
) -> None:
    async def test(examples: Examples) -> None:
        bench = Bench(examples)
        for shard, messages in enumerate(said()):
            await examples.append(shard, messages)
        last = max(rehearsed().versions)
        async with bench.owner() as running:
            await bench.cut(last, running)
        assert versions_in(bench.store) == {b: sealed(SETTINGS, b) for b in (last, last - SETTINGS.boundary)}

    scenario(opened, test)


def test_an_example_that_is_missing_stops_the_learner(opened: Opened) -> None:
    async def test(examples: Examples) -> None:
        bench = Bench(examples)
        first, second = said()
        await examples.append(0, first)
        await examples.append(1, second[:4] + second[5:])
        await bench.stands_still(
            LogTruncated, r"examples of shard 1: sequence number 6 at offset \d+ follows 4.*remedy: "
        )
        assert max(versions_in(bench.store), default=0) < max(rehearsed().versions)

    scenario(opened, test)


def test_an_example_that_comes_twice_is_learned_once(opened: Opened) -> None:
    async def test(examples: Examples) -> None:
        bench = Bench(examples)
        first, second = said()
        await examples.append(0, first[:9])
        await examples.append(0, first[5:])
        async with bench.owner() as running:
            await examples.append(1, second[:6])
            await examples.append(1, second[:6])
            await asyncio.sleep(0.05)
            assert not running.done()
        await examples.append(1, second)
        last = max(rehearsed().versions)
        async with bench.owner() as running:
            await bench.cut(last, running)
        assert bench.store.versions[last] == sealed(SETTINGS, last)

    scenario(opened, test)


def test_a_shard_that_is_far_ahead_is_paused_and_goes_on_when_the_others_come(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.learner.example_reader.AHEAD", 5)

    async def test(examples: Examples) -> None:
        bench = Bench(examples)
        first, second = said()
        await examples.append(0, first[:20])
        async with bench.owner() as running:
            await asyncio.sleep(0.1)
            await examples.append(0, first[20:])
            await asyncio.sleep(0.1)
            await examples.append(1, second)
            last = max(rehearsed().versions)
            await bench.cut(last, running)
        assert bench.store.versions[last] == sealed(SETTINGS, last)

    scenario(opened, test)


def longest_way_to_a_watermark(messages: Sequence[Emitted]) -> int:
    """The most examples a shard says between two watermarks."""
    lengths = [0]
    for _, value in messages:
        lengths[-1] += 1
        if b'"watermark"' in value:
            lengths.append(0)
    return max(lengths[:-1])


def test_the_slowest_shard_is_read_on_to_its_next_watermark_however_many_examples_lie_before_it(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 2
    monkeypatch.setattr("streams.learner.example_reader.AHEAD", most)
    assert min(map(longest_way_to_a_watermark, said())) > most + 1

    async def test(examples: Examples) -> None:
        consumers: list[SmallFetches] = []

        def small(settings: LearnerSettings) -> SmallFetches:
            consumers.append(SmallFetches(examples.consumer(settings), 1))
            return consumers[-1]

        bench = Bench(examples)
        bench.new_consumer = small
        for shard, messages in enumerate(said()):
            await examples.append(shard, messages)
        last = max(rehearsed().versions)
        async with bench.owner() as running:
            await bench.cut(last, running)
        assert bench.store.versions[last] == sealed(SETTINGS, last)
        assert consumers[0].pauses, "nobody was ever far ahead: the test shows nothing"

    scenario(opened, test)


def test_the_loop_goes_on_while_a_boundary_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that takes half a second for some boundaries: a loop that learned itself would stand for as long."""
    slow_s, times, next_version = 0.5, 5, Learning.next_version
    learned = 0

    def slow(learning: Learning) -> Any:
        nonlocal learned
        until = time.monotonic() + (slow_s if learned < times else 0.0)
        learned += 1
        while time.monotonic() < until:  # holds the interpreter's lock as Python code does
            pass
        return next_version(learning)

    async def turning(longest: list[float]) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            longest.append(time.monotonic() - before)

    async def test(examples: Examples) -> None:
        bench = Bench(examples)
        for shard, messages in enumerate(said()):
            await examples.append(shard, messages)
        stalls: list[float] = []
        others = asyncio.create_task(turning(stalls))
        async with bench.owner() as running:
            await bench.cut(max(rehearsed().versions), running)
        others.cancel()
        assert learned > times
        # A busy machine may make it stand now and then, and not as often as that.
        longest = sorted(stalls)[-times:]
        assert longest[0] < 0.8 * slow_s, f"the loop stood for {longest} s"

    rehearsed()
    monkeypatch.setattr(Learning, "next_version", slow)
    scenario(in_memory, test)


def test_whatever_the_models_raise_the_learner_stands_still_says_so_and_goes_on_once_they_do_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streams.learner.owner.TROUBLE_EVERY_S", 0.01)
    learn, tries = Contest.learn, 0

    def failing(contest: Contest, *given: Any) -> None:
        nonlocal tries
        learn(contest, *given)  # half done: what is in memory is of no use any more
        if contest.promotions == 0 and given[0] > middle and tries < 4:
            tries += 1
            raise ZeroDivisionError("a defect")

    versions = sorted(rehearsed(SETTINGS).versions)  # as `said` asks for it: what is kept was learned undisturbed
    middle, last = versions[len(versions) // 2], versions[-1]
    monkeypatch.setattr(Contest, "learn", failing)

    async def test(examples: Examples) -> None:
        bench = Bench(examples)
        for shard, messages in enumerate(said()):
            await examples.append(shard, messages)
        async with bench.owner() as running:
            await bench.cut(last, running)
            assert tries == 4
            async with asyncio.timeout(PATIENCE_S):
                while len(bench.told) < 2:  # noqa: ASYNC110 - that the trouble is over is told behind the last commit
                    await asyncio.sleep(0.002)
            assert len(bench.told) == 2
            assert re.match(r"LearningFailed: learning up to \d+: ZeroDivisionError\('a defect'\)", bench.told[0] or "")
            assert bench.told[1] is None
        assert bench.store.versions[last] == sealed(SETTINGS, last)

    scenario(in_memory, test)
    assert "Traceback" in caplog.text


async def worked(examples: Examples) -> Bench:
    """A bench whose learner has come some way."""
    bench = Bench(examples)
    for shard, messages in enumerate(said()):
        await examples.append(shard, messages)
    async with bench.owner() as running:
        await bench.cut(max(rehearsed().versions), running)
    return bench


def test_examples_that_are_gone_before_they_were_read_stop_the_learner(
    opened: Opened, request: pytest.FixtureRequest
) -> None:
    if "tansu" in request.node.callspec.id:
        pytest.skip("not run: the embedded broker deletes no records")

    async def test(examples: Examples) -> None:
        bench = Bench(examples)
        await examples.append(1, said()[1])
        await examples.forget(1, 3)
        await bench.stands_still(LogTruncated, "examples of shard 1 start at 3, learning stands at 0.*remedy: ")

    scenario(opened, test)


def test_a_learner_that_stands_behind_the_end_of_its_topic_is_stopped(
    opened: Opened, request: pytest.FixtureRequest
) -> None:
    if "kafka" not in request.node.callspec.id:
        pytest.skip("not run: only Apache Kafka refuses to read beyond the end of a log")

    async def test(examples: Examples) -> None:
        bench = await worked(examples)
        async with opened(SHARDS) as recreated:
            await recreated.append(0, said()[0][:2])
            bench.examples = recreated
            await bench.stands_still(LogTruncated, "remedy: ")

    scenario(opened, test)


def _damaged(body: bytes) -> bytes:
    """Another number in the body, which is JSON all the same: the checksum alone can tell."""
    damaged = re.sub(rb'("learned":)(\d+)', rb"\g<1>1\2", body)
    assert damaged != body
    return damaged


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda body: b"garbage", "not a sealed LearningState"),
        (lambda body: body[:-20], "not a sealed LearningState"),
        (_damaged, "checksum"),
    ],
    ids=["garbage", "cut short", "damaged"],
)
def test_a_state_that_is_damaged_is_refused_and_its_versions_stay(change: Callable[[bytes], bytes], match: str) -> None:
    async def test(examples: Examples) -> None:
        bench = await worked(examples)
        there = bench.store.snapshot(LEARNER)
        assert there.meta is not None
        meta = Meta(there.meta.token, there.meta.number, there.meta.nonce, change(there.meta.body))
        bench.store.restore(LEARNER, Snapshot(meta, there.values, there.dues, there.outbox))
        await bench.stands_still(LearnerStateRefused, f"the learner's state: .*{match}.*remedy: ")
        assert bench.store.snapshot(LEARNER).values == there.values

    scenario(in_memory, test)


def test_beside_the_state_of_another_model_everything_is_learned_anew_and_that_one_stays() -> None:
    async def test(examples: Examples) -> None:
        bench = await worked(examples)
        there = bench.store.snapshot(LEARNER)
        assert there.meta is not None
        foreign = there.meta.body.replace(b'"schema":"', b'"schema":"x')
        values = {name: value.replace(b'"schema":"', b'"schema":"x') for name, value in there.values.items()}
        meta = Meta(there.meta.token, there.meta.number, there.meta.nonce, foreign)
        old = Snapshot(meta, values, there.dues, there.outbox)
        bench.store.restore(LEARNER, old)
        lineage, last = schema_of(SETTINGS), max(rehearsed().versions)
        async with bench.owner() as running:
            async with asyncio.timeout(PATIENCE_S):
                while name_of(last) not in bench.store.snapshot(namespace_of(lineage)).values:
                    assert not running.done()
                    await asyncio.sleep(0.002)
        assert bench.told == []
        assert bench.store.snapshot(LEARNER) == old
        found = bench.store.snapshot(namespace_of(lineage)).values
        assert found == there.values, "it learns the same as in the first one's place"

    scenario(in_memory, test)


def test_a_state_of_another_number_of_shards_is_refused() -> None:
    async def test(examples: Examples) -> None:
        bench = await worked(examples)
        bench.examples = MemoryExamples(SHARDS + 1)
        await bench.stands_still(LearnerStateRefused, "has 2 shards, the topic 3.*remedy: ")

    scenario(in_memory, test)


FOREIGN = [
    (b"garbage", "malformed"),
    (b"{}", "missing required field"),
    (b'{"type":"watermark","shard":0}', "missing required field `time`"),
    (b"\xff\xfe", ""),
    (
        encode(Example("c", "churn", 1, 0, b"12", truth=True, predicted=0.5)),
        "its basis has 2 bytes, this model reads",
    ),
]


@pytest.mark.parametrize(("value", "match"), FOREIGN, ids=["garbage", "empty", "cut short", "no text", "other model"])
def test_a_message_that_is_no_example_stops_the_learner(opened: Opened, value: bytes, match: str) -> None:
    async def test(examples: Examples) -> None:
        bench = Bench(examples)
        await examples.append(1, said()[1][:2])
        await examples.append(1, [(3, value)])
        await bench.stands_still(StateUnreadable, rf"xamples 1 at offset \d+ is not an example of ours: .*{match}")

    scenario(opened, test)


def test_a_learner_that_stands_still_says_so_again_and_again_and_goes_on_once_its_state_is_mended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streams.learner.owner.TROUBLE_EVERY_S", 0.01)

    async def test(examples: Examples) -> None:
        bench = Bench(examples)
        for shard, messages in enumerate(said()):
            await examples.append(shard, messages[:9])
        async with bench.owner():
            await asyncio.sleep(0.05)
        there = bench.store.snapshot(LEARNER)
        assert there.meta is not None
        meta = Meta(there.meta.token, there.meta.number, there.meta.nonce, b"garbage")
        bench.store.restore(LEARNER, Snapshot(meta, there.values, there.dues, there.outbox))

        def said_of_it() -> list[logging.LogRecord]:
            return [record for record in caplog.records if "the learner stands still" in record.message]

        async with bench.owner() as running:
            async with asyncio.timeout(PATIENCE_S):
                while len(said_of_it()) < 3:
                    assert not running.done()
                    await asyncio.sleep(0.002)
        told = said_of_it()
        assert {record.levelno for record in told} == {logging.ERROR}
        assert "remedy: " in told[0].message
        assert bench.told[1:] == [None]
        bench.store.restore(LEARNER, there)
        for shard, messages in enumerate(said()):
            await examples.append(shard, messages[9:])
        last = max(rehearsed().versions)
        async with bench.owner() as running:
            await bench.cut(last, running)
        assert bench.store.versions[last] == sealed(SETTINGS, last)
        assert bench.told[2:] == []

    scenario(in_memory, test)


async def _another_owner(store: FakeStore) -> None:
    await store.mint(LEARNER, b"another")


async def _went_back(store: FakeStore) -> None:
    there = store.snapshot(LEARNER)
    assert there.meta is not None
    meta = Meta(there.meta.token, there.meta.number - 1, b"earlier", there.meta.body)
    store.restore(LEARNER, Snapshot(meta, there.values, there.dues, there.outbox))


async def _lost(store: FakeStore) -> None:
    store.restore(LEARNER, Snapshot(None, {}, {}, ()))


@pytest.mark.parametrize("more", [True, False], ids=["at its next write", "in silence"])
@pytest.mark.parametrize(
    ("happens", "error"), [(_another_owner, Fenced), (_went_back, StoreWentBack), (_lost, MetaMissing)]
)
def test_a_store_that_is_not_as_the_learner_left_it_ends_the_process(
    happens: Callable[[FakeStore], Awaitable[None]], error: type[EngineError], more: bool
) -> None:
    async def test(examples: Examples) -> None:
        bench = Bench(examples)
        half = [messages[: len(messages) // 2] for messages in said()]
        for shard, messages in enumerate(half):
            await examples.append(shard, messages)
        async with bench.owner() as running:
            async with asyncio.timeout(PATIENCE_S):
                while not versions_in(bench.store):  # noqa: ASYNC110 - the store signals nothing
                    await asyncio.sleep(0.002)
            await happens(bench.store)
            for shard, messages in enumerate(said() if more else ()):
                await examples.append(shard, messages[len(half[shard]) :])
            with pytest.raises(error):
                await asyncio.wait_for(running, PATIENCE_S)
        assert bench.told == []

    scenario(in_memory, test)
