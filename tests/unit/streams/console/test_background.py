"""What takes long is made beside the pages, kept, and shown as of when it was made."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import pytest

from streams.console import background
from streams.console.background import Background, Made
from streams.errors import StoreWentBack


def pid() -> dict[str, Any]:
    return {"pid": os.getpid(), "nice": os.nice(0)}


def slow() -> dict[str, Any]:
    time.sleep(600.0)
    return {}


def refuses() -> dict[str, Any]:
    raise StoreWentBack("there is none")  # an error whose module a process has at once


def dies() -> dict[str, Any]:
    os._exit(1)


async def told(job: background.Job, fresh_s: float = 600.0, times: int = 1) -> list[Made]:
    jobs = Background()
    try:
        found = []
        for _ in range(times):
            made = await jobs.made("it", job, fresh_s)
            while made.going_on and not made.data and job is not slow:
                made = await jobs.made("it", job, fresh_s)
            found.append(made)
        return found
    finally:
        jobs.close()


@pytest.mark.asyncio
async def test_it_is_made_in_another_process_that_lets_others_go_first_and_once() -> None:
    first, second = await told(pid, times=2)
    assert first.data is not None
    assert first.data["pid"] != os.getpid()
    assert first.data["nice"] == min(19, os.nice(0) + background.NICER)
    assert second == first, "it is fresh"
    assert time.time() - first.at < 600.0


@pytest.mark.asyncio
async def test_one_that_takes_long_keeps_no_other_waiting() -> None:
    jobs = Background()
    try:
        assert (await jobs.made("lift", slow, 60.0)).going_on
        made = Made()
        until = time.monotonic() + 300.0
        while made.data is None and time.monotonic() < until:
            made = await jobs.made("model", pid, 60.0)
        assert made.data is not None
        assert (await jobs.made("lift", slow, 60.0)).going_on
    finally:
        jobs.close()


@pytest.mark.asyncio
async def test_what_is_made_for_the_first_time_is_told_from_what_is_made_anew() -> None:
    jobs = Background()
    try:
        assert not jobs.is_first("index"), "it was not begun"
        begun = jobs.begun("index", pid, 0.0)
        assert begun is not None
        assert jobs.is_first("index")
        await asyncio.wrap_future(begun)
        assert not jobs.is_first("index")
        jobs.begun("index", slow, 0.0)
        assert not jobs.is_first("index")
    finally:
        jobs.close()


@pytest.mark.asyncio
async def test_what_took_long_is_made_anew_after_a_pause_of_so_many_times_that() -> None:
    jobs = Background()
    try:
        first = jobs.begun("index", pid, 0.0)
        assert first is not None
        await asyncio.wrap_future(first)
        assert jobs.begun("index", pid, 0.0, 1e6) is first, "it is too early"
        again = jobs.begun("index", pid, 0.0, 0.0)
        assert again is not None
        assert again is not first
    finally:
        jobs.close()


@pytest.mark.asyncio
async def test_a_page_does_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PATIENCE_S", 0.1)
    began = time.monotonic()
    [made] = await told(slow)
    assert time.monotonic() - began < 50.0, "nor does the end of the console"
    assert made == Made(going_on=True)


@pytest.mark.asyncio
@pytest.mark.parametrize(("job", "words"), [(refuses, "there is none"), (dies, "ended before it answered")])
async def test_what_goes_wrong_is_said(job: background.Job, words: str) -> None:
    jobs = Background()
    try:
        made = await jobs.made("it", job, 60.0)
        while made.going_on:
            made = await jobs.made("it", job, 60.0)
        assert words in made.trouble
        assert made.data is None
    finally:
        jobs.close()
