"""In a crisis a stop goes first: whatever else is read or computed for pages does not keep it waiting."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from models.timeline.stop_types import Stop
from streams.config import Config, load
from streams.console import acting, reading
from streams.console.acting import FORECASTS, Acting
from streams.console.reading import READERS, Reading
from streams.console.sources import StopsSource, ValueSource
from streams.operations.stopping import Stopped
from tests.support.console_pages import Away


@pytest.mark.asyncio
async def test_stories_that_are_read_keep_no_page_of_stops_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, begun = threading.Event(), threading.Semaphore(0)
    pages = Reading(load(), [])

    def story(_: str) -> None:
        begun.release()
        ended.wait(30.0)

    monkeypatch.setattr(pages, "_story", story)
    monkeypatch.setattr(pages, "_stops", lambda: StopsSource(trouble="read"))
    monkeypatch.setattr(reading, "STOPS_S", 25.0)  # the stories take longer
    stories = [asyncio.create_task(pages.story(str(number))) for number in range(2 * READERS)]
    try:
        await asyncio.to_thread(begun.acquire)
        assert (await pages.stops()).trouble == "read"
        monkeypatch.setattr(reading, "STOPS_S", 0.05)
        monkeypatch.setattr(pages, "_stops", lambda: ended.wait(30.0))
        assert "could not be read within" in (await pages.stops()).trouble
    finally:
        ended.set()
        await asyncio.gather(*stories)


@pytest.mark.asyncio
async def test_tiers_that_are_counted_keep_no_page_waiting_and_are_shown_on_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, pages = threading.Event(), Reading(load(), [])

    def counted() -> ValueSource:
        ended.wait(30.0)
        return ValueSource({"classes": {}})

    monkeypatch.setattr(pages, "_pyramid", counted)
    began = time.monotonic()
    assert (await pages.tiers()).pyramid is None
    assert time.monotonic() - began < 25.0
    ended.set()
    while (await pages.tiers()).pyramid is None:
        assert time.monotonic() - began < 120.0


@pytest.mark.asyncio
async def test_tiers_of_a_store_that_is_away_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Config) -> None:
        raise Away("Redis is away")

    monkeypatch.setattr(reading, "store_of", away)
    pages = Reading(load(), [])
    began, found = time.monotonic(), ValueSource(None)
    while not found.trouble and time.monotonic() - began < 120.0:
        found = await pages.tiers()
    assert found == ValueSource(None, "Redis is away | remedy: start it")


@pytest.mark.asyncio
async def test_a_store_that_is_away_leaves_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Config) -> None:
        raise Away("Redis is away")

    monkeypatch.setattr(reading, "store_of", away)
    assert "Redis is away" in (await Reading(load(), []).stops()).trouble


@pytest.mark.asyncio
async def test_proposals_that_are_looked_at_keep_no_stop_waiting_and_are_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, begun, looked = threading.Event(), threading.Semaphore(0), list[str]()

    def look(_: object, which: str) -> str:
        looked.append(which)
        begun.release()
        ended.wait(30.0)
        return which

    async def stop_now(_: Config, partitions: int, wanted: Stop, wait_s: float) -> Stopped:
        return Stopped(await asyncio.to_thread(lambda: wanted), False, [])

    monkeypatch.setattr(acting, "sight_of", lambda _: None)
    monkeypatch.setattr(acting, "proposed", look)
    monkeypatch.setattr(acting, "touchpoint_partitions", lambda _: 4)
    monkeypatch.setattr(acting, "stop_now", stop_now)
    doing = Acting(load())
    asked = [asyncio.create_task(doing.policy_proposed(str(number % 20))) for number in range(60)]
    try:
        await asyncio.to_thread(begun.acquire)
        began = time.monotonic()
        assert (await doing.stop(Stop(7))).stop == Stop(7)
        assert time.monotonic() - began < 25.0
        assert len(looked) <= FORECASTS
    finally:
        ended.set()
        assert len(await asyncio.gather(*asked)) == 60
    assert sorted(looked) == sorted(map(str, range(20))), "each is looked at once"
