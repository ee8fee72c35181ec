"""What the shard notices: a store that went back, an owner that came after it, outputs that are not those it made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from faust.types import TP

from models.settings import DAY
from streams.consumer.ownership import Ownership
from streams.errors import DifferentOutput, EngineError, Fenced, LogTruncated, MetaMissing, StoreWentBack, TopicChanged
from streams.outbox.entry import Destination, pack, unpack
from streams.store.port import LEARNER
from tests.integration.shard.conftest import Ground, Opened
from tests.support.logs import START
from tests.support.workers import PATIENCE_S, TOPIC, Site, Worker, play

PLACES = ("0", "1", LEARNER)
WEEK = 7 * DAY


async def ended_with(worker: Worker, error: type[EngineError]) -> None:
    await asyncio.wait_for(worker.over.wait(), PATIENCE_S)
    assert type(worker.error) is error, worker.error


@pytest.mark.parametrize(
    ("then", "later"),
    [(WEEK // 2, 3 * WEEK), (2 * WEEK + DAY, 6 * WEEK)],
    ids=["before the first outputs", "by some weeks"],
)
def test_a_live_worker_notices_at_its_next_write_that_the_store_went_back(
    opened: Opened, then: int, later: int
) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            site = ground.site
            worker = Worker(site)
            life = worker.start()
            await worker.work_up_to(START + then)
            old = {place: site.dump(place) for place in PLACES}
            await worker.work_up_to(START + later)
            public = [e for place in site.public.records for e in site.public.entries(place)]
            for place in PLACES:
                ground.restore(place, old[place])
            await worker.work_up_to(None)
            await ended_with(worker, StoreWentBack)
            await worker.stop(life)
            assert [e for place in site.public.records for e in site.public.entries(place)] == public
            await site.live()

    play(scenario)


@pytest.mark.parametrize("weeks", [1, 5], ids=["a little", "beyond what the learner keeps"])
def test_one_shard_that_went_back_alone_replays_alone_under_the_versions_of_then(opened: Opened, weeks: int) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            site = ground.site
            worker = Worker(site)
            life = worker.start()
            await worker.work_up_to(START + 3 * WEEK + DAY)
            old = site.dump("0")
            await worker.work_up_to(START + (3 + weeks) * WEEK + DAY)
            await worker.stop(life)
            ground.restore("0", old)
            await site.live()

    play(scenario)


def test_a_replay_that_says_something_else_than_what_is_public_ends_with_its_name(opened: Opened) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            site = ground.site
            await went_back(ground)
            records = site.public.records[Destination("decisions", 0)]
            sender, entry = records[-1]
            records[-1] = sender, msgspec.structs.replace(entry, id="another")
            worker = Worker(site)
            await worker.run()
            await ended_with(worker, DifferentOutput)
            assert "another in public" in str(worker.error)

    play(scenario)


def test_an_entry_that_is_missing_in_public_ends_the_replay_with_its_name(opened: Opened) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            site = ground.site
            await went_back(ground)
            del site.public.records[Destination("decisions", 0)][-2]
            worker = Worker(site)
            await worker.run()
            await ended_with(worker, DifferentOutput)
            assert "is missing in public" in str(worker.error)

    play(scenario)


async def went_back(ground: Ground) -> None:
    """Everything has worked to the end; then the store is set back to the middle."""
    site = ground.site
    worker = Worker(site)
    life = worker.start()
    await worker.work_up_to(START + 3 * WEEK)
    old = {place: site.dump(place) for place in PLACES}
    await worker.work_up_to(None)
    await worker.stop(life)
    for place in PLACES:
        ground.restore(place, old[place])


@pytest.mark.parametrize("damage", ["a gap", "a missing end", "an entry too many"])
def test_an_outbox_that_does_not_fit_the_state_is_not_published(opened: Opened, damage: str) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            site = ground.site
            await Worker(site, "publish.1.begun:4").run()
            place = max(("0", "1"), key=lambda n: len(site.dump(n).outbox))
            snapshot = site.dump(place)
            outbox = list(snapshot.outbox)
            roles = [unpack(value).topic for value in outbox]
            examples = [i for i, role in enumerate(roles) if role == max(set(roles), key=roles.count)]
            assert len(examples) > 2
            if damage == "a gap":
                del outbox[examples[1]]
            elif damage == "a missing end":
                del outbox[examples[-1]]
            else:
                last = unpack(outbox[examples[-1]])
                outbox.append(pack(msgspec.structs.replace(last, sequence=last.sequence + 1)))
            ground.restore(place, replace(snapshot, outbox=tuple(outbox)))
            public = {where: len(records) for where, records in site.public.records.items() if where[1] == int(place)}
            worker = Worker(site)
            await worker.run()
            await ended_with(worker, DifferentOutput)
            assert public == {w: len(r) for w, r in site.public.records.items() if w[1] == int(place)}

    play(scenario)


def test_a_zombie_writes_nothing_after_another_has_minted(opened: Opened) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            site = ground.site
            zombie = Worker(site)
            asleep = zombie.start()
            await zombie.work_up_to(START + 2 * WEEK)
            owner = Worker(site)
            life = owner.start()
            await owner.work_up_to(START + 2 * WEEK)  # took over; there is nothing new to do
            before = {place: site.dump(place) for place in PLACES}
            public = {where: list(records) for where, records in site.public.records.items()}
            site.reach = START + 3 * WEEK
            zombie.wake()
            await ended_with(zombie, Fenced)
            assert {place: site.dump(place) for place in PLACES} == before
            assert site.public.records == public
            await zombie.stop(asleep)
            await owner.work_up_to(None)
            assert owner.error is None
            await owner.stop(life)
            await site.live()

    play(scenario)


def test_a_zombie_in_the_middle_of_publishing_publishes_nothing_after_another_has_started(opened: Opened) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            site = ground.site
            site.gate = asyncio.Event()
            zombie = Worker(site)
            asleep = zombie.start()
            site.reach = START + 2 * WEEK
            await zombie.until(lambda: zombie.passings["publish.1.begun"])
            held, site.gate = site.gate, None
            owner = Worker(site)
            life = owner.start()
            await owner.until(lambda: owner.passings["takeover.10.after_seek"])
            held.set()
            await ended_with(zombie, Fenced)
            await zombie.stop(asleep)
            await owner.stop(life)
            site.reach = None
            await site.live()

    play(scenario)


def test_an_idle_shard_trims_its_outbox_and_its_next_batch_is_a_write_of_its_own(opened: Opened) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            site = ground.site
            worker = Worker(site)
            life = worker.start()
            for reach in range(START, START + 4 * WEEK, DAY):
                site.faults[site.calls] = False  # the reply of some write is lost, now a batch's, now a trim's
                await worker.work_up_to(reach)
                assert all(site.dump(str(n)).outbox == () for n in range(2))
            assert worker.error is None
            await worker.stop(life)
            await site.live()

    play(scenario)


def test_a_shard_holds_its_batch_while_the_outbox_is_full(opened: Opened) -> None:
    async def scenario() -> None:
        async with opened(outbox_limit=1, batch=lambda offset: 5) as ground:
            site = ground.site
            site.gate = asyncio.Event()
            worker = Worker(site)
            life = worker.start()
            full = {(0, "outbox"), (1, "outbox")}
            await worker.until(lambda: full <= set(worker.watcher.waits))
            commits = worker.watcher.commits
            await asyncio.sleep(0.1)
            assert worker.watcher.commits == commits
            assert site.public.records == {}
            assert all(owned.busy for owned in worker.ownership.current.values() if owned.reads)
            site.gate.set()
            await worker.work_up_to(None)
            await worker.stop(life)
            await site.live()

    play(scenario)


@pytest.mark.parametrize("waits", range(14))
def test_a_revocation_that_comes_with_a_batch_ends_the_shard_and_leaves_the_fence_that_stands(
    opened: Opened, waits: int
) -> None:
    async def scenario() -> None:
        async with opened(batch=lambda offset: 500) as ground:
            site = ground.site
            site.reach = START
            worker = Worker(site)
            life = worker.start()
            await worker.work_up_to(START)
            await asyncio.sleep(0.005)
            site.reach = None
            ownership: Ownership = worker.ownership
            worker.wake()
            for _ in range(waits):
                await asyncio.sleep(0)
            await asyncio.wait_for(ownership.ended(), PATIENCE_S)
            for tp, next_offset in ownership.left.items():
                body = site.body(tp.partition)
                assert body is not None
                assert next_offset == body.state.next_offset
            await worker.stop(life)
            await site.live()

    play(scenario)


def _without_meta(ground: Ground) -> None:
    _without_meta_or_offsets(ground)
    ground.site.committed[TP(TOPIC, 1)] = 5


def _without_meta_or_offsets(ground: Ground) -> None:
    ground.restore("1", replace(ground.site.dump("1"), meta=None, values={}, dues={}, outbox=()))
    ground.site.committed.clear()


def _start_passed_the_fence(ground: Ground) -> None:
    ground.site.logs = [log[-1:] for log in ground.site.logs]


def _log_shorter(ground: Ground) -> None:
    ground.site.logs = [log[:2] for log in ground.site.logs]


def _grown(ground: Ground) -> None:
    ground.site.logs = [*ground.site.logs, []]


@pytest.mark.parametrize(
    ("happens", "error", "said"),
    [
        (_without_meta, MetaMissing, "committed for the group, the store has no meta"),
        (_without_meta_or_offsets, MetaMissing, "hold its outputs, the store has no meta"),
        (_start_passed_the_fence, LogTruncated, "are gone"),
        (_log_shorter, LogTruncated, "not the same log"),
        (_grown, TopicChanged, "has 3 partitions, at creation 2"),
    ],
)
def test_what_does_not_fit_at_takeover_is_named_and_nothing_is_written(
    opened: Opened,
    happens: Callable[[Ground], Any],
    error: type[EngineError],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.consumer.takeover.END_PAUSE_S", 0.001)

    async def scenario() -> None:
        async with opened() as ground:
            site: Site = ground.site
            worker = Worker(site)
            life = worker.start()
            await worker.work_up_to(START + 3 * WEEK)
            await worker.stop(life)
            happens(ground)
            before = {place: replace(site.dump(place), meta=None) for place in PLACES}
            late = Worker(site, partitions=range(2), learns=False)
            ending = late.start()
            await ended_with(late, error)
            await late.stop(ending)
            assert said in str(late.error)
            assert "remedy: " in str(late.error)
            assert {place: replace(site.dump(place), meta=None) for place in PLACES} == before

    play(scenario)


def test_a_worker_shows_kafka_the_fences_that_stand(opened: Opened) -> None:
    async def scenario() -> None:
        async with opened() as ground:
            site = ground.site
            await site.live("commit.b.written:12")
            worker = Worker(site)
            life = worker.start()
            await worker.work_up_to(None)
            await worker.stop(life)
            next_offsets = {
                tp.partition: next_offset for tp, next_offset in site.committed.items() if tp.topic == TOPIC
            }
            assert next_offsets == {n: log[-1].offset + 1 for n, log in enumerate(site.logs)}

    play(scenario)
