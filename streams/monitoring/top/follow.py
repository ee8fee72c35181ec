"""Polls running workers, repeatedly or once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from streams.config import Config
from streams.monitoring.top.screen import Display
from streams.monitoring.top.triggers import TriggerTail
from streams.monitoring.top.view import View
from streams.monitoring.top.watch import Watch
from streams.monitoring.top.workers import Workers

BEGIN_S = 10.0
"""Longest wait of a snapshot for the triggers topic: longer than it takes to find that a broker is away."""


class Looking:
    """The workers and the triggers topic as views; a context manager."""

    def __init__(self, config: Config, urls: Sequence[str]) -> None:
        self._watch = Watch(f"retention top · {config.app}")
        self._workers, self._tail = Workers(urls), TriggerTail(config)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self._stack.enter_context(self._workers)
            self._stack.enter_context(self._tail)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def look(self) -> View:
        """What is to be seen now."""
        reports = self._workers.look()
        return self._watch.look(
            reports, self._tail.new(), time.monotonic(), round(1000 * time.time()), self._tail.trouble
        )

    def snapshot(self, seconds: float) -> View:
        """Two looks in one, `seconds` apart so that rates are known, with the last triggers of the topic."""
        self._tail.begun(BEGIN_S)
        self.look()
        time.sleep(seconds)
        view = self.look()
        return replace(view, fresh=len(view.latest))


def follow(looking: Looking, display: Display, every_s: float) -> None:
    """A view every `every_s`, until Ctrl-C."""
    while True:
        began = time.monotonic()
        display.show(looking.look())
        display.wait(max(0.0, every_s - (time.monotonic() - began)))
