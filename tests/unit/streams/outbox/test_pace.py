"""When the next transaction may begin: a share of the time while triggers wait, at leisure else."""

from __future__ import annotations

import asyncio
import time

import pytest

from streams.outbox.pace import BEHIND_S, LEISURE_S, MOST_S, SHARE, Pace


@pytest.fixture(autouse=True)
def paced(short_pauses: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the pace is what is tested."""
    monkeypatch.setattr("streams.outbox.pace.LEISURE_S", LEISURE_S)
    monkeypatch.setattr("streams.outbox.pace.BEHIND_S", BEHIND_S)


def after(*took: float) -> Pace:
    pace = Pace()
    for seconds in took:
        pace.took(seconds)
    return pace


def test_transactions_take_a_stated_share_of_the_time_while_triggers_wait() -> None:
    assert after(0.01, 0.01).seconds(triggers=True, lag_s=0.0) == pytest.approx(0.01 / SHARE)
    assert after(0.02, 0.024).seconds(triggers=True, lag_s=0.0) == pytest.approx(0.02 / SHARE)


def test_one_transaction_that_met_with_an_accident_holds_up_nobody_and_two_are_no_accident() -> None:
    assert after(0.01, 5.0).seconds(triggers=True, lag_s=0.0) == pytest.approx(0.01 / SHARE)
    assert after(0.01, 5.0, 0.01).seconds(triggers=True, lag_s=0.0) == pytest.approx(0.01 / SHARE)
    assert after(0.01, 5.0, 5.0).seconds(triggers=True, lag_s=0.0) == MOST_S


def test_without_a_trigger_the_next_one_has_time() -> None:
    assert after(0.001, 0.001).seconds(triggers=False, lag_s=0.0) == LEISURE_S
    assert after(5.0, 5.0).seconds(triggers=False, lag_s=0.0) == LEISURE_S


@pytest.mark.parametrize("triggers", [True, False])
def test_a_shard_that_is_behind_takes_the_longest_pause(triggers: bool) -> None:
    pace = after(0.01, 0.01)
    assert pace.seconds(triggers, BEHIND_S + 0.1) == BEHIND_S
    assert pace.seconds(triggers, BEHIND_S) < BEHIND_S


def test_the_pause_counts_from_beginning_to_beginning_and_is_asked_anew_when_it_changes() -> None:
    async def scenario() -> None:
        pace, pause, began = Pace(), 10.0, time.monotonic()
        await pace.begin(lambda: pause)
        assert time.monotonic() - began < 9.0, "the first begins at once"
        waiting = asyncio.create_task(pace.begin(lambda: pause))
        await asyncio.sleep(0.05)
        pace.changed()
        await asyncio.sleep(0.01)
        assert not waiting.done(), "it is the same as before"
        pause = 0.1
        pace.changed()
        await waiting
        assert 0.1 <= time.monotonic() - began < 9.0

    asyncio.run(scenario())
