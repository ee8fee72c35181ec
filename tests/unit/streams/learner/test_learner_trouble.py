"""A learner that can't go on takes nobody with it, and a changed setting is named by the shards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.settings import HOUR, EngineSettings
from streams.errors import SettingsChanged
from streams.store.fake import FakeStore, Snapshot
from streams.store.port import LEARNER, Meta
from tests.support.logs import START, synthetic
from tests.support.workers import SETTINGS, Site, Worker, play

WEEK = SETTINGS.boundary


def halfway() -> tuple[FakeStore, Site]:
    store = FakeStore()
    return store, Site(store, store.snapshot, synthetic(3, partitions=2, customers=10, days=60))


def at_boundary(site: Site, shard: int) -> int:
    body = site.body(shard)
    assert body is not None
    return body.state.boundary


async def work(site: Site) -> None:
    worker = Worker(site)
    life = worker.start()
    await worker.work_up_to(START + 5 * WEEK // 2)
    await worker.stop(life)
    assert worker.troubles == []


def test_shards_go_on_beside_a_broken_learner_until_they_need_its_next_version() -> None:
    async def scenario() -> None:
        store, site = halfway()
        await work(site)
        there = store.snapshot(LEARNER)
        assert there.meta is not None
        meta = Meta(there.meta.token, there.meta.number, there.meta.nonce, b"garbage")
        store.restore(LEARNER, Snapshot(meta, there.values, there.dues, there.outbox))
        worker = Worker(site)
        site.reach = None
        life = worker.start()
        await worker.until(lambda: all(at_boundary(site, n) == START + 3 * WEEK for n in (0, 1)))
        await worker.until(lambda: {(0, "version"), (1, "version")} <= set(worker.watcher.waits))
        assert worker.error is None
        assert not worker.over.is_set()
        assert len(worker.troubles) == 1
        assert "LearnerStateRefused: the learner's state: not a sealed LearningState" in str(worker.troubles[0])
        await worker.stop(life)
        assert [at_boundary(site, n) for n in (0, 1)] == [START + 3 * WEEK] * 2
        assert worker.troubles[1:] == [None]
        store.restore(LEARNER, there)
        await site.live()

    play(scenario)


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ("lateness", replace(SETTINGS, lateness=2 * HOUR)),
        ("horizon", replace(SETTINGS, horizon=2 * WEEK + HOUR)),
    ],
)
def test_a_changed_setting_is_named_by_the_shards_and_the_learner_leaves_its_state_alone(
    setting: str, changed: EngineSettings
) -> None:
    async def scenario() -> None:
        store, site = halfway()
        await work(site)
        site.settings = changed
        whole = Worker(site)
        await whole.run()
        assert isinstance(whole.error, SettingsChanged)
        assert f"{setting} is" in str(whole.error)
        assert all(text is None or f"{setting} is" in text for text in whole.troubles)
        stood = store.snapshot(LEARNER)
        alone = Worker(site, partitions=[])
        life = alone.start()
        await alone.until(lambda: alone.troubles)
        assert f"the learner's state is of other settings: shard 0: {setting} is" in str(alone.troubles[0])
        assert alone.error is None
        await alone.stop(life)
        now = store.snapshot(LEARNER)
        assert (now.meta and now.meta.body, now.values) == (stood.meta and stood.meta.body, stood.values)
        site.settings = SETTINGS
        await site.live()

    play(scenario)
