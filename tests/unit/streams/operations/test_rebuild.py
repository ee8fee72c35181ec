"""A rebuild makes lost state anew from the log: to the same bytes, and nothing is said twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from models.settings import DAY
from streams.errors import DifferentOutput
from streams.operations.rebuild.claim import NoSuchShard, NothingLost
from streams.operations.rebuild.comparing import MadeByBackfill
from streams.operations.rebuild.run import LogTooShort
from streams.outbox.entry import Destination
from streams.shard.rebuild_plan import NAMESPACE, RebuildUnfinished, unpack_plan
from streams.shard.stored_policy import POLICY, WAITING_POLICY
from streams.store.fake import FakeStore, Snapshot
from streams.store.port import LEARNER
from tests.support.backfills import Backfiller
from tests.support.families import slow_but
from tests.support.logs import START, synthetic
from tests.support.rebuilds import Rebuilder, lose
from tests.support.workers import Site, Worker, decision_of, play
from tests.unit.streams.history.test_backfill import world as backfilled_world
from tests.unit.streams.shard.test_shard_policy import site as with_policies
from tests.unit.streams.shard.test_shard_policy import site_that_waits as that_waits

SHARDS = ("0", "1")
EVERYTHING = (*SHARDS, LEARNER)


def _site(mode: str = "replay", days: int = 60) -> tuple[Site, FakeStore]:
    store = FakeStore()
    return Site(store, store.snapshot, synthetic(3, partitions=2, customers=10, days=days), mode=mode), store


async def _worked(site: Site, days: int) -> None:
    worker = Worker(site)
    life = worker.start()
    await worker.work_up_to(START + days * DAY)
    assert worker.error is None, worker.error
    await worker.stop(life)


def _said(site: Site) -> dict[tuple[str, int], list[str]]:
    return {
        (destination.topic, destination.partition): [entry.id for entry in site.public.entries(destination)]
        for destination in site.public.records
    }


def _states(store: FakeStore, places: tuple[str, ...] = SHARDS) -> dict[str, Snapshot]:
    return {place: store.snapshot(place) for place in places}


@pytest.mark.parametrize("mode", slow_but(("replay", "live"), ("live",)))
@pytest.mark.parametrize("places", [EVERYTHING, ("1",), SHARDS], ids=["everything", "one shard", "the shards"])
def test_what_redis_has_lost_is_made_anew_to_the_same_bytes_and_nothing_is_sent(
    mode: str, places: tuple[str, ...]
) -> None:
    async def scenario() -> None:
        site, store = _site(mode)
        await site.live(check=mode == "replay")
        stood, said = _states(store), _said(site)
        lose(store, places)
        done = await Rebuilder(site, store).rebuild()
        assert done is not None
        assert done.compared > 0
        assert done.worded_differently == done.gone == 0
        assert _said(site) == said
        await site.live(check=False)
        for place, before in stood.items():
            now = store.snapshot(place)
            assert now.values == before.values, f"records of shard {place}"
            assert set(now.dues) == set(before.dues)
        if mode == "replay":
            site.check()
        else:
            assert {where: ids for where, ids in _said(site).items() if where[0] != "touchpoints"} == {
                where: ids for where, ids in said.items() if where[0] != "touchpoints"
            }

    play(scenario)


def test_a_policy_is_made_anew_with_the_shard() -> None:
    async def scenario() -> None:
        site, store = with_policies()
        await site.live()
        stood = _states(store)
        lose(store, EVERYTHING)
        assert await Rebuilder(site, store).rebuild() is not None
        await site.live()
        for place, before in stood.items():
            assert store.snapshot(place).values == before.values
            assert POLICY in before.values

    play(scenario)


def test_a_policy_that_waits_is_made_anew_with_the_shard() -> None:
    async def scenario() -> None:
        site, store = that_waits(at=START + 900 * DAY)
        await site.live()
        stood = _states(store)
        lose(store, EVERYTHING)
        assert await Rebuilder(site, store).rebuild() is not None
        for place, before in stood.items():
            assert store.snapshot(place).values == before.values
            assert WAITING_POLICY in before.values

    play(scenario)


def test_it_goes_on_where_the_workers_had_not_come_to_the_log_s_end() -> None:
    async def scenario() -> None:
        site, store = _site()
        await _worked(site, 30)
        lose(store, EVERYTHING)
        done = await Rebuilder(site, store).rebuild()
        assert done is not None
        await site.live()

    play(scenario)


@pytest.mark.parametrize(
    "crash",
    [
        "rebuild.1.claimed",
        "rebuild.2.cleared",
        "commit.b.written:2",
        "commit.b.written:9",
        "commit.a.computed:20",
        "takeover.7.published:2",
        "rebuild.5.learned",
    ],
)
@pytest.mark.parametrize("mode", slow_but(("replay", "live"), ("replay",)))
def test_killed_anywhere_it_is_gone_on_with_and_no_worker_takes_its_shards_before(crash: str, mode: str) -> None:
    async def scenario() -> None:
        site, store = _site(mode)
        await site.live(check=mode == "replay")
        stood, said = _states(store), _said(site)
        lose(store, EVERYTHING)
        first = Rebuilder(site, store, crash)
        assert await first.rebuild() is None
        assert first.crashed
        worker = Worker(site)
        life = worker.start()
        await worker.until(worker.over.is_set)
        assert isinstance(worker.error, RebuildUnfinished), worker.error
        await worker.stop(life)
        assert await Rebuilder(site, store).rebuild() is not None
        await site.live(check=False)
        for place, before in stood.items():
            assert store.snapshot(place).values == before.values, f"records of shard {place}"
        outputs = {where: ids for where, ids in _said(site).items() if where[0] != "touchpoints"}
        assert outputs == {where: ids for where, ids in said.items() if where[0] != "touchpoints"}

    play(scenario)


def test_a_named_shard_is_made_anew_although_it_is_there_and_the_other_goes_on_meanwhile() -> None:
    async def scenario() -> None:
        site, store = _site()
        await _worked(site, 40)
        damaged = store.snapshot("1")
        name = next(name for name in damaged.values if name.startswith(b"c:"))
        values = {**damaged.values, name: damaged.values[name][:-3]}
        store.restore("1", Snapshot(damaged.meta, values, damaged.dues, damaged.outbox))
        assert await Rebuilder(site, store, "rebuild.2.cleared").rebuild(named=[1]) is None
        other = Worker(site, partitions=[0])
        life = other.start()
        await asyncio.sleep(0.05)
        assert other.error is None, other.error
        await other.stop(life)
        assert await Rebuilder(site, store).rebuild() is not None
        await site.live()

    play(scenario)


def test_a_worker_that_still_lives_can_neither_write_nor_publish_once_its_shard_is_made_anew() -> None:
    async def scenario() -> None:
        site, store = _site()
        old = Worker(site)
        life = old.start()
        await old.work_up_to(START + 30 * DAY)
        assert await Rebuilder(site, store).rebuild(named=[0, 1]) is not None
        said = _said(site)
        site.reach = None
        old.wake()
        await old.until(old.over.is_set)
        assert old.error is not None
        assert _said(site) == said
        await old.stop(life)
        await site.live()

    play(scenario)


def test_where_nothing_is_lost_nothing_is_done() -> None:
    async def scenario() -> None:
        site, store = _site()
        await site.live()
        stood = _states(store, EVERYTHING)
        with pytest.raises(NothingLost, match="all 2 shards"):
            await Rebuilder(site, store).rebuild()
        with pytest.raises(NoSuchShard, match="--shard 2"):
            await Rebuilder(site, store).rebuild(named=[2])
        assert _states(store, EVERYTHING) == stood
        assert store.snapshot(NAMESPACE).meta is None

    play(scenario)


def test_a_first_difference_from_what_is_public_ends_it_by_name() -> None:
    async def scenario() -> None:
        site, store = _site()
        await site.live()
        lose(store, EVERYTHING)
        records = site.public.records[Destination("decisions", 1)]
        sender, entry = records[4]
        records[4] = (sender, msgspec.structs.replace(entry, id="other"))
        with pytest.raises(DifferentOutput, match=r"decisions of shard 1: sequence number 5 is \w+ here and other"):
            await Rebuilder(site, store).rebuild()
        meta = store.snapshot(NAMESPACE).meta
        assert meta is not None
        assert unpack_plan(meta.body).stage == "begun"

    play(scenario)


@pytest.mark.parametrize(("deleted", "gone"), [({"deadletters": 2}, True), ({}, False)])
def test_outputs_that_kafka_has_deleted_are_passed_over_and_told(deleted: Mapping[str, int], gone: bool) -> None:
    async def scenario() -> None:
        site, store = _site()
        await site.live()
        lose(store, EVERYTHING)
        done = await Rebuilder(site, store, deleted=deleted).rebuild()
        assert done is not None
        assert (done.gone > 0) is gone
        await site.live()

    play(scenario)


def test_a_log_that_ends_before_what_is_public_is_told() -> None:
    async def scenario() -> None:
        site, store = _site()
        await site.live()
        lose(store, EVERYTHING)
        site.logs = [log[: len(log) // 2] for log in site.logs]
        with pytest.raises(LogTooShort, match=r"shard \d: at offset \d+, the log's end, it has made \d+ \w+ of the"):
            await Rebuilder(site, store).rebuild()

    play(scenario)


@pytest.mark.parametrize("batch", [20, 3])
def test_versions_that_were_late_come_into_force_where_they_did(batch: int) -> None:
    async def scenario() -> None:
        store = FakeStore()
        logs = synthetic(3, partitions=2, customers=20, days=90)
        site = Site(store, store.snapshot, logs, mode="live", batch=lambda offset: batch)
        for days, learns in ((45, False), (60, True), (75, False), (91, True)):
            worker = Worker(site, learns=learns)
            life = worker.start()
            await worker.work_up_to(START + days * DAY)
            if learns:
                await worker.until(site.versions)
            await worker.stop(life)
        said = _said(site)
        changes = [decision_of(entry.value) for n in range(2) for entry in site.said("decisions", n)]
        assert any(d.late is not None for d in changes if d.what == "version_in_force"), "no version was late"
        lose(store, EVERYTHING)
        assert await Rebuilder(site, store).rebuild() is not None
        await site.live(check=False)
        site.obey()
        for n, wanted in enumerate(site.expected.shards):
            values = store.snapshot(str(n)).values
            assert {name[2:]: value for name, value in values.items() if name.startswith(b"c:")} == wanted.records
            assert _said(site)["decisions", n][: len(said["decisions", n])] == said["decisions", n]

    play(scenario)


@pytest.mark.parametrize("mode", ["replay", "live"])
def test_what_a_backfill_began_is_made_anew_from_its_log_and_kafka_s(mode: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        site, past = backfilled_world(tmp_path, mode=mode)
        store = site.store
        assert isinstance(store, FakeStore)
        assert await Backfiller(site, past).backfill() is not None
        await site.live(check=False)
        stood, said = _states(store), _said(site)
        lose(store, (*EVERYTHING, "backfill"))
        with pytest.raises(MadeByBackfill, match=r"--history LOG"):
            await Rebuilder(site, store).rebuild()
        assert await Rebuilder(site, store, "commit.b.written:20", past=past.again).rebuild() is None
        done = await Rebuilder(site, store, past=past.again).rebuild()
        assert done is not None
        assert done.compared > 0
        assert done.worded_differently == 0
        await site.live(check=mode == "replay")
        if mode == "replay":
            assert _said(site) == said
        for place, before in stood.items():
            assert store.snapshot(place).values == before.values, f"records of shard {place}"

    play(scenario)
