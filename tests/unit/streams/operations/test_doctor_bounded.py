"""A call that does not come back is given up."""

from __future__ import annotations

import asyncio
import threading

import pytest

from streams.operations.doctor.bounded import bounded


def test_an_answer_and_an_error_come_through() -> None:
    def fail() -> None:
        raise KeyError("gone")

    assert asyncio.run(bounded(lambda: 3, 60.0)) == 3
    with pytest.raises(KeyError, match="gone"):
        asyncio.run(bounded(fail, 60.0))


def test_a_call_that_hangs_is_given_up_and_may_still_end_later() -> None:
    go_on, ended = threading.Event(), threading.Event()

    def hang() -> None:
        go_on.wait()
        ended.set()

    with pytest.raises(TimeoutError):
        asyncio.run(bounded(hang, 0.05))
    go_on.set()
    assert ended.wait(60.0)


@pytest.mark.parametrize("loop_lives_on", [True, False])
def test_what_a_call_that_was_given_up_comes_to_is_handed_to_who_closes_it(loop_lives_on: bool) -> None:
    go_on, closed = threading.Event(), list[int]()
    told = threading.Event()

    def hang() -> int:
        go_on.wait()
        return 7

    def close(result: int) -> None:
        closed.append(result)
        told.set()

    async def examine() -> None:
        with pytest.raises(TimeoutError):
            await bounded(hang, 0.05, close)
        if loop_lives_on:
            go_on.set()
            assert await asyncio.to_thread(told.wait, 60.0)

    asyncio.run(asyncio.wait_for(examine(), 120))
    go_on.set()
    assert told.wait(60.0)
    assert closed == [7]
