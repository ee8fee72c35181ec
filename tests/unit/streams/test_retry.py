"""How long is waited between two tries."""

from __future__ import annotations

import asyncio

import pytest

from streams.retry import Backoff


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for, none of which is waited out."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return pauses


def pauses_of(backoff: Backoff, count: int) -> None:
    async def scenario() -> None:
        for _ in range(count):
            await backoff.pause()

    asyncio.run(scenario())


def test_each_pause_is_twice_the_one_before_up_to_the_longest(slept: list[float]) -> None:
    pauses_of(Backoff(1.0, 10.0), 6)
    assert slept == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_the_pause_that_is_named_in_the_log_is_the_one_that_is_made(slept: list[float]) -> None:
    backoff = Backoff(0.1, 2.0, growth=1.5)
    named = []
    for _ in range(4):
        named.append(backoff.pause_s)
        pauses_of(backoff, 1)
    assert slept == named
    assert named[1] == pytest.approx(0.15)


def test_after_a_success_the_pauses_begin_anew(slept: list[float]) -> None:
    backoff = Backoff(1.0, 10.0)
    pauses_of(backoff, 3)
    backoff.reset()
    pauses_of(backoff, 2)
    assert slept == [1.0, 2.0, 4.0, 1.0, 2.0]


def test_without_numbers_of_its_own_a_loop_has_those_of_the_module(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.retry.FIRST_PAUSE_S", 0.5)
    monkeypatch.setattr("streams.retry.LONGEST_PAUSE_S", 0.75)
    pauses_of(Backoff(), 3)
    assert slept == [0.5, 0.75, 0.75]
