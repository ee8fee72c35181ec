"""Runs what takes long in a thread of its own, so that the event loop goes on: heartbeats, store calls, transactions.

A thread that nobody waits for any more ends with its work, or with the process: it is a daemon, so that a worker that
ends does not wait for a model to learn.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def off_loop(work: Callable[[], T]) -> T:
    """What `work` gives or raises. Cancelling this call leaves the thread to its end and drops what it gives."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - the caller's to judge
            _tell(loop, done, error)
        else:
            _tell(loop, done, None, result)

    threading.Thread(target=run, name="learning", daemon=True).start()
    return await done


def _tell(loop: asyncio.AbstractEventLoop, done: asyncio.Future[T], error: BaseException | None, *result: T) -> None:
    def set_it() -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(*result)

    with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
        loop.call_soon_threadsafe(set_it)
