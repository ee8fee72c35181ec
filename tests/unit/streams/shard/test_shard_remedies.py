"""What the errors of a shard tell an operator to do is done, and the engine goes on as if nothing had been."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.engine import decide
from models.engine.changes import Changes
from models.engine.piece_input import PieceInput, Scoring
from models.engine.row_by_row import TooManyFailures
from models.outputs import output_id
from models.settings import DAY
from streams.errors import DifferentOutput, EngineError, EngineFailing, SettingsChanged
from streams.shard import owner
from streams.store.fake import FakeStore
from tests.support.logs import START, synthetic
from tests.support.workers import SETTINGS, Site, Worker, play


def _site() -> tuple[Site, FakeStore]:
    store = FakeStore()
    return Site(store, store.snapshot, synthetic(3, partitions=2, customers=20, days=60)), store


async def _work(site: Site, days: int) -> None:
    worker = Worker(site)
    life = worker.start()
    await worker.work_up_to(START + days * DAY)
    assert worker.error is None, worker.error
    await worker.stop(life)


async def _ended(site: Site) -> EngineError | None:
    worker = Worker(site)
    await worker.run()
    return worker.error


def test_a_fixed_setting_that_was_changed_is_set_back_to_the_stored_value() -> None:
    async def scenario() -> None:
        site, _ = _site()
        await _work(site, 25)
        site.settings = replace(SETTINGS, lateness=7)
        error = await _ended(site)
        assert isinstance(error, SettingsChanged)
        assert f"lateness is 7, at creation {SETTINGS.lateness}" in str(error)
        assert "remedy: start the worker with the stored value" in str(error)
        site.settings = SETTINGS
        await site.live()

    play(scenario)


def test_a_release_whose_engine_fails_is_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(given: PieceInput, scoring: Scoring) -> Changes:
        raise TooManyFailures("everything fails")

    async def scenario() -> None:
        site, _ = _site()
        await _work(site, 25)
        with monkeypatch.context() as bad_release:
            bad_release.setattr(owner, "apply", fails)
            error = await _ended(site)
        assert isinstance(error, EngineFailing)
        assert "roll back to the last good release" in str(error)
        await site.live()

    play(scenario)


def test_after_a_loss_of_redis_the_release_that_published_says_it_again_from_the_backup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another release says something else than what is public."""

    async def scenario() -> None:
        site, store = _site()
        await _work(site, 25)
        copies = {place: store.snapshot(place) for place in ("0", "1")}
        await _work(site, 60)

        def restore() -> None:
            for place, copy in copies.items():
                store.restore(place, copy)

        restore()
        with monkeypatch.context() as other_release:
            other_release.setattr(decide, "trigger_id", lambda *parts: output_id("otherwise", *map(str, parts)))
            error = await _ended(site)
        assert isinstance(error, DifferentOutput)
        assert "restored the Redis backup once more" in str(error)
        restore()  # what it said otherwise is stored
        await site.live()

    play(scenario)
