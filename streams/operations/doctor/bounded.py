"""Time limit for blocking client calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def bounded(call: Callable[[], T], timeout_s: float, unwanted: Callable[[T], None] = lambda result: None) -> T:
    """`call()` in a thread of its own. Raises what it raises, or TimeoutError after `timeout_s`.

    A call that is given up goes on in its thread, which does not keep the process alive (asyncio.to_thread's would).
    unwanted: is given, in a thread, what it comes to in the end, such as a client that nobody else would close.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if answer.done():
            if error is None:
                threading.Thread(target=unwanted, args=(result,), daemon=True).start()
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]  # None only when T is

    def run() -> None:
        outcome: tuple[T | None, Exception | None]
        try:
            outcome = (call(), None)
        except Exception as error:  # noqa: BLE001  # raised again in the caller
            outcome = (None, error)
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:  # the loop is closed: nobody waits any more
            if outcome[1] is None:
                unwanted(outcome[0])

    threading.Thread(target=run, daemon=True).start()
    async with asyncio.timeout(timeout_s):
        return await answer
