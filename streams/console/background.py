"""What takes longer than a page may: made in a process of its own, kept, and shown as of when it was made."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

from streams.errors import EngineError

NICER: Final = 10
"""The engine's workers go before it."""
PATIENCE_S: Final = 0.1
"""A page waits so long for what is being made, and then shows what there is: with a script it is loaded again."""
PAUSE: Final = 10.0
"""Between two times that something is made pass so many times what it took."""
Job = Callable[[], dict[str, Any]]
# Spawned: a fork of a process whose threads hold locks may hang.
_processes: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Made:
    """What was made. data: None: nothing yet. at: wall clock, s, when its making began; 0: it never did. took: seconds.
    trouble: why the last try made nothing; empty: it did. going_on: it is being made."""

    data: dict[str, Any] | None = None
    at: float = 0.0
    took: float = 0.0
    trouble: str = ""
    going_on: bool = False


MOST: Final = 8
"""Jobs at a time; there are fewer names."""


class Background:
    """Jobs by name, none twice at a time, each in a process of its own, whose memory goes with it: one that takes an
    hour keeps none of the others waiting."""

    def __init__(self) -> None:
        self._waiters = ThreadPoolExecutor(MOST, "console-background")
        self._made: dict[str, Made] = {}
        self._running: dict[str, Future[None]] = {}
        self._processes: dict[str, BaseProcess] = {}
        self._closed = False

    async def made(self, name: str, job: Job, fresh_s: float) -> Made:
        """What a job made last; where that is older than `fresh_s`, it is made anew, which the next page shows."""
        running = self.begun(name, job, fresh_s)
        if running is not None:
            await asyncio.wait([asyncio.wrap_future(running)], timeout=PATIENCE_S)
        return replace(self._made.get(name, Made()), going_on=running is not None and not running.done())

    def begun(self, name: str, job: Job, fresh_s: float, pause: float = PAUSE) -> Future[None] | None:
        """Its making, where it is made now or was before; it begins where what was made is older than `fresh_s`, and
        than `pause` times what it took."""
        known = self._made.get(name, Made())
        running = self._running.get(name)
        old = time.time() - known.at > max(fresh_s, pause * known.took)
        if (running is None or running.done()) and old:
            running = self._running[name] = self._waiters.submit(self._make, name, job)
        return running

    def is_first(self, name: str) -> bool:
        """Whether it is being made, and never was before."""
        running = self._running.get(name)
        return running is not None and not running.done() and name not in self._made

    def close(self) -> None:
        """What is being made is let go of."""
        self._closed = True
        self._waiters.shutdown(wait=False, cancel_futures=True)
        for process in list(self._processes.values()):
            process.terminate()

    # -- in a thread

    def _make(self, name: str, job: Job) -> None:
        before, began = self._made.get(name, Made()), time.time()
        data, trouble = self._in_process(name, job)
        took = time.time() - began
        self._made[name] = Made(before.data if data is None else data, began, took, trouble)

    def _in_process(self, name: str, job: Job) -> tuple[dict[str, Any] | None, str]:
        ours, theirs = _processes.Pipe(duplex=False)
        process = _processes.Process(target=_work, args=(theirs, job), daemon=True)
        with ours:
            process.start()
            self._processes[name] = process
            theirs.close()
            if self._closed:  # between submit and start
                process.terminate()
            try:
                data, trouble = ours.recv()
            except EOFError:
                data, trouble = (
                    None,
                    "its process ended before it answered: standard error says why",
                )
            process.join()
        return data, trouble


def _work(answer: Connection, job: Job) -> None:
    """The other process."""
    os.nice(NICER)
    try:
        told: tuple[dict[str, Any] | None, str] = job(), ""
    except EngineError as error:
        told = None, str(error)
    answer.send(told)
