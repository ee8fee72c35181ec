"""Settings that an operator chose come into force in a shard where the log says, whatever is configured or crashes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import UNSET

from models.settings import DAY
from models.timeline.batch import LogRecord
from streams.store.fake import FakeStore
from tests.support.logs import START, chosen_settings, inserted, synthetic
from tests.support.workers import POINTS, SETTINGS, Site, Worker, play

LOWER: dict[str, Any] = {"enter": 0.3, "exit": 0.25, "trigger_life": DAY}


def logs() -> list[list[LogRecord]]:
    """The second choice waits for a boundary."""
    plain = synthetic(3, partitions=2, customers=12, days=60)
    days = ((20, 1, LOWER), (30, 2, {"at": START + 40 * DAY}))
    written = [(START + day * DAY, chosen_settings(START + day * DAY, n, **changes)) for day, n, changes in days]
    return [inserted(plain[0], written), inserted(plain[1], [*written[:1], *written])]


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_in_lockstep_store_and_topics_hold_what_the_engine_in_memory_makes_of_the_log(batch: int) -> None:
    async def scenario() -> None:
        store = FakeStore()
        site = Site(store, store.snapshot, logs(), batch=lambda offset: batch)
        await site.live()
        for shard in (0, 1):
            told = [entry.value for entry in site.said("decisions", shard) if b"settings_in_force" in entry.value]
            assert len(told) == 2
            body = site.body(shard)
            assert body is not None
            assert body.state.settings is not UNSET
            assert body.state.settings.number == 2

    play(scenario)


def test_a_crash_at_any_step_changes_nothing() -> None:
    async def scenario() -> None:
        store = FakeStore()
        site = Site(store, store.snapshot, logs(), batch=lambda offset: 3, settings=replace(SETTINGS, piece_items=2))
        await site.live(*(f"{point}:{n}" for point in POINTS if point.startswith("commit") for n in (2, 9, 20, 31, 43)))

    play(scenario)


def test_live_what_is_configured_later_decides_nothing() -> None:
    """The first worker is told other thresholds than the second: the shards keep those of their creation."""

    async def scenario() -> None:
        store = FakeStore()
        site = Site(store, store.snapshot, logs())
        worker = Worker(site)
        life = worker.start()
        await worker.work_up_to(START + 25 * DAY)
        await worker.stop(life)
        schema, site.settings = site.settings, replace(site.settings, enter=0.9, exit=0.1, trigger_life=1)
        changed = Worker(site, learns=False)
        changed_life = changed.start()
        await changed.until(lambda: changed._free)
        assert changed.error is None
        await changed.stop(changed_life)
        for shard in (0, 1):
            body = site.body(shard)
            assert body is not None
            assert body.creation.settings == schema.deciding()
        site.settings = schema
        await site.live()

    play(scenario)
