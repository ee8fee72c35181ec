"""A backfill and live together equal one replay in which nobody is triggered before the cut, whatever kills it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.learning.learner import Learning
from models.settings import DAY, HOUR, EngineSettings
from models.timeline.shard_state import NO_TIME
from streams.errors import Fenced
from streams.learner.in_process import HistoryVersions
from streams.learner.model_registry import lasting
from streams.learner.versions import unheard
from streams.shard.backfill_plan import NAMESPACE, AlreadyAtWork, BackfillUnfinished, unpack
from streams.store import Store
from streams.store.fake import FakeStore
from tests.support.backfills import Backfiller, Past, arrived, written
from tests.support.logs import START, tape
from tests.support.workers import SETTINGS, Site, Worker, play, records_in, until

PARTITIONS, DAYS = 2, 60
CUT = START + 30 * DAY + 7 * HOUR
AT_A_TICK = START + 28 * DAY
POINTS = (
    "backfill.1.claimed",
    "commit.a.computed",
    "commit.b.written",
    "publish.1.begun",
    "publish.4.committed",
    "takeover.7.published",
    "backfill.5.published",
    "backfill.6.learned",
)


def world(
    folder: Path,
    seed: int = 3,
    cut: int = CUT,
    engine: EngineSettings = SETTINGS,
    next_offsets: tuple[int, ...] = (0, 17),
    mode: str = "replay",
) -> tuple[Site, Past]:
    """A site whose log is a history and what arrived after it."""
    entries = tape(seed, PARTITIONS, 10, DAYS)
    past = Past(written(entries, folder / "log.jsonl"), cut, engine, next_offsets, folder / "scratch", mode)
    logs = [a + b for a, b in zip(past.logs, arrived(entries, next_offsets, cut), strict=True)]
    store = FakeStore()
    return Site(store, store.snapshot, logs, engine, mode=mode, quiet_until=cut), past


@pytest.mark.parametrize("cut", [CUT, AT_A_TICK], ids=["between ticks", "at a tick"])
@pytest.mark.parametrize("boundary", [7 * DAY, DAY], ids=["a version a tick", "a version a day"])
@pytest.mark.parametrize("delay", [0, DAY], ids=["used at once", "used a day later"])
def test_backfill_and_live_equal_one_replay_that_triggers_nobody_before_the_cut(
    tmp_path: Path, cut: int, boundary: int, delay: int
) -> None:
    async def scenario() -> None:
        site, past = world(tmp_path, cut=cut, engine=replace(SETTINGS, boundary=boundary, version_delay=delay))
        done = await Backfiller(site, past).backfill()
        assert done is not None
        assert [state.next_offset for state in done.states] == past.next_offsets
        assert [state.time for state in done.states] == [cut - 1] * PARTITIONS
        assert all(site.said("triggers", n) == [] for n in range(PARTITIONS))
        await site.live()
        triggers = [out for shard in site.expected.shards for out in shard.outputs if out.role == "triggers"]
        assert triggers
        assert min(out.time for out in triggers) >= cut

    play(scenario)


@pytest.mark.slow
def test_live_goes_on_with_versions_that_come_when_they_come(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = replace(SETTINGS, boundary=HOUR, version_delay=HOUR, phase="spread")
        site, past = world(tmp_path, engine=engine, mode="live")
        assert await Backfiller(site, past).backfill() is not None
        await site.live(check=False)
        site.obey()
        for n, wanted in enumerate(site.expected.shards):
            assert records_in(site.dump(str(n))) == wanted.records
            assert [(e.sequence, e.id, e.value) for e in site.said("decisions", n)] == [
                (o.sequence, o.id, o.value) for o in wanted.outputs if o.role == "decisions"
            ]

    play(scenario)


crash = st.tuples(st.sampled_from(POINTS), st.integers(1, 40)).map(lambda drawn: f"{drawn[0]}:{drawn[1]}")


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@example(seed=2, crashes=["commit.b.written:34"], batch=3)
@given(seed=st.integers(0, 2), crashes=st.lists(crash, max_size=4), batch=st.sampled_from([3, 50, 5_000]))
def test_no_sequence_of_crashes_changes_anything_and_no_worker_starts_before_the_end(
    tmp_path: Path, seed: int, crashes: list[str], batch: int
) -> None:
    async def scenario() -> None:
        site, past = world(tmp_path, seed)
        for point in crashes:
            runs = Backfiller(site, past, point, batch_records=batch)
            if await runs.backfill() is not None:
                break
            meta = await site.store.read_meta(NAMESPACE)
            if meta is not None and unpack(meta.body).stage == "done":  # it died behind its very last write
                break
            worker = Worker(site)
            await worker.run()
            assert isinstance(worker.error, BackfillUnfinished)
        else:
            assert await Backfiller(site, past, batch_records=batch).backfill() is not None
        await site.live()

    play(scenario)


def test_a_second_run_takes_the_place_of_the_first_which_then_writes_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        site, past = world(tmp_path)
        first, second = Backfiller(site, past), Backfiller(site, past)
        fenced = False

        async def runs() -> None:
            nonlocal fenced
            try:
                await first.backfill()
            except Fenced:
                fenced = True

        going = asyncio.create_task(runs())
        await first.until(lambda: first.passings["commit.b.written"] > 5)
        assert await second.backfill() is not None
        await going
        assert fenced
        await site.live()

    play(scenario)


@pytest.mark.parametrize("mode", ["replay", "live"])
@pytest.mark.parametrize("places", [("0",), ("0", "1", NAMESPACE)], ids=["one shard", "everything"])
def test_a_store_that_went_back_by_many_versions_is_worked_up_to_what_is_public_again(
    tmp_path: Path, places: tuple[str, ...], mode: str
) -> None:
    async def scenario() -> None:
        engine = replace(SETTINGS, boundary=DAY, version_delay=HOUR)
        site, past = world(tmp_path, engine=engine, mode=mode)
        store = site.store
        assert isinstance(store, FakeStore)
        assert await Backfiller(site, past, "commit.b.written:20").backfill() is None
        copies = {place: store.snapshot(place) for place in places}
        before = boundary_of(site, 0)
        assert await Backfiller(site, past, "backfill.5.published").backfill() is None
        assert boundary_of(site, 0) - before > 10 * DAY
        for place, copy in copies.items():
            store.restore(place, copy)
        assert await Backfiller(site, past).backfill() is not None
        # No more than the learner would have left.
        assert len(site.versions()) == lasting(engine) // engine.boundary
        await site.live(check=mode == "replay")

    play(scenario)


def boundary_of(site: Site, shard: int) -> int:
    body = site.body(shard)
    assert body is not None
    return body.state.boundary


def test_a_shard_that_waits_long_for_a_version_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streams.learner.in_process.ALARM_EVERY_S", 0.01)

    async def scenario() -> None:
        versions = HistoryVersions(SETTINGS, Learning(SETTINGS, PARTITIONS), lambda: NO_TIME)
        waiting = asyncio.create_task(versions.at(START, unheard))
        await until(lambda: len(caplog.records) > 1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    play(scenario)
    assert f"model version {START} is not there after" in caplog.text


@pytest.mark.parametrize("taken", [0, None], ids=["nothing arrived meanwhile", "something arrived meanwhile"])
def test_one_that_finds_shards_of_a_worker_under_its_plan_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int | None
) -> None:
    """The worker had looked for a plan before there was one; the backfill died before it looked for workers again."""

    async def nothing_seen(store: Store) -> None:
        return

    async def scenario() -> None:
        site, past = world(tmp_path)
        assert await Backfiller(site, past, "backfill.1.claimed").backfill() is None
        later = [
            [record for record in log if record.offset >= next_offset][:taken]
            for log, next_offset in zip(site.logs, past.next_offsets, strict=True)
        ]
        worker = Worker(replace(site, logs=later))
        with monkeypatch.context() as patched:
            patched.setattr("streams.shard.owner.refuse_unfinished", nothing_seen)
            await worker.run()
        assert worker.error is None
        with pytest.raises(AlreadyAtWork, match="shard 0 was made by a worker"):
            await Backfiller(site, past).backfill()

    play(scenario)
