"""The plan of a backfill: what may begin, what may be gone on with, and what is refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest

from models.settings import DAY, EngineSettings
from streams.errors import Fenced, SettingsChanged, StateUnreadable, TopicChanged
from streams.history.backfill.claim import OtherBackfill, WorkersRunning, claim
from streams.kafka.partition_facts import LogFacts
from streams.shard.backfill_plan import (
    NAMESPACE,
    SCHEMA,
    AlreadyAtWork,
    BackfillUnfinished,
    Plan,
    pack,
    refuse_unfinished,
    unpack,
)
from streams.shard.meta import creation_of
from streams.store.checkpoint import Checkpoint
from streams.store.fake import FakeStore
from tests.support.logs import START
from tests.support.workers import SETTINGS

CUT = START + 30 * DAY
BIRTH = creation_of(LogFacts(0, 0, "topic-id", 2, None), "live", SETTINGS, CUT)
WANTED = Plan(SCHEMA, CUT, [3, 4], "digest", BIRTH)


class Claims:
    """Claims of one store. members: of the group, at each look."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.members: list[int] = []

    async def __call__(self, wanted: Plan = WANTED, settings: EngineSettings = SETTINGS) -> tuple[Checkpoint, Plan]:
        async def next_offsets() -> list[int]:
            return [5, 6]

        async def nobody_works() -> None:
            if self.members and self.members.pop(0):
                raise WorkersRunning("the consumer group has 1 member")

        checkpoint = Checkpoint(self.store, NAMESPACE)
        return checkpoint, await claim(checkpoint, self.store, wanted, settings, next_offsets, nobody_works)


def test_a_plan_is_begun_with_the_fences_found_then_and_gone_on_with_as_it_stands() -> None:
    async def scenario() -> None:
        claims = Claims()
        first, plan = await claims()
        assert plan == msgspec.structs.replace(WANTED, next_offsets=[5, 6])
        with pytest.raises(BackfillUnfinished, match=r"7 events until 2000-02-02 is not done"):
            await refuse_unfinished(claims.store)
        second, again = await claims()
        assert again == plan
        with pytest.raises(Fenced):
            await first.write(pack(plan))
        await second.write(pack(msgspec.structs.replace(plan, stage="done")))
        await refuse_unfinished(claims.store)
        with pytest.raises(AlreadyAtWork, match="history until 2000-02-02 was backfilled here before"):
            await claims()

    asyncio.run(scenario())


def test_workers_may_start_where_no_backfill_was_ever_begun() -> None:
    asyncio.run(refuse_unfinished(FakeStore()))


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (
            msgspec.structs.replace(WANTED, until=CUT + DAY),
            r"--until is 2000-02-03, at its beginning it was 2000",
        ),
        (msgspec.structs.replace(WANTED, digest="another"), r"holds 7 events before the cut-over \(digest another\)"),
        (msgspec.structs.replace(WANTED, events=[3, 5]), r"holds 8 events before the cut-over .* it held 7"),
    ],
    ids=["another cut", "other events", "more events"],
)
def test_one_that_was_begun_is_not_gone_on_with_something_else(wanted: Plan, told: str) -> None:
    async def scenario() -> None:
        claims = Claims()
        await claims()
        with pytest.raises(OtherBackfill, match=told):
            await claims(wanted)

    asyncio.run(scenario())


def test_nor_on_another_topic_or_with_other_settings() -> None:
    async def scenario() -> None:
        claims = Claims()
        await claims()
        other = msgspec.structs.replace(BIRTH, topic_id="another")
        with pytest.raises(TopicChanged, match="topic id is another"):
            await claims(msgspec.structs.replace(WANTED, creation=other))
        grown = msgspec.structs.replace(BIRTH, partitions=3)
        with pytest.raises(TopicChanged, match="has 3 partitions, at creation 2"):
            await claims(msgspec.structs.replace(WANTED, creation=grown))
        with pytest.raises(SettingsChanged, match=r"enter is 0\.9, at creation 0\.5"):
            await claims(WANTED, replace(SETTINGS, enter=0.9))

    asyncio.run(scenario())


@pytest.mark.parametrize(("place", "told"), [("1", "state of shard 1 already"), ("learner", "state of the learner")])
def test_history_comes_before_everything_else(place: str, told: str) -> None:
    async def scenario() -> None:
        claims = Claims()
        await claims.store.create(place, b"body")
        with pytest.raises(AlreadyAtWork, match=told):
            await claims()
        assert await claims.store.read_meta(NAMESPACE) is None

    asyncio.run(scenario())


def test_a_worker_that_is_there_is_refused_before_anything_is_written() -> None:
    async def scenario() -> None:
        claims = Claims()
        claims.members = [1]
        with pytest.raises(WorkersRunning):
            await claims()
        assert await claims.store.read_meta(NAMESPACE) is None

    asyncio.run(scenario())


def test_a_worker_that_joins_while_the_plan_is_written_has_it_withdrawn() -> None:
    async def scenario() -> None:
        claims = Claims()
        claims.members = [0, 1]
        with pytest.raises(WorkersRunning):
            await claims()
        await refuse_unfinished(claims.store)
        _, plan = await claims(msgspec.structs.replace(WANTED, digest="another"))
        assert (plan.digest, plan.stage) == ("another", "begun")
        with pytest.raises(BackfillUnfinished):
            await refuse_unfinished(claims.store)

    asyncio.run(scenario())


@pytest.mark.parametrize("body", [b"no json", b"{}", pack(msgspec.structs.replace(WANTED, schema=2))])
def test_a_plan_of_another_release_is_refused(body: bytes) -> None:
    with pytest.raises(StateUnreadable, match="the plan of the backfill"):
        unpack(body)
