"""Progress on standard error: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import time
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from streams.text import printable

PLAIN_EVERY_S = 5.0


class PlainWatch:
    """A line on standard error every few seconds."""

    def __init__(self, every_s: float) -> None:
        self._every_s, self._next = every_s, time.monotonic() + every_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def moved(self, size: int, text: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every_s
            self.write_line(text)

    def write_line(self, text: str) -> None:
        click.echo(printable(text), err=True)


class JobWatch:
    """The lines of a command that works for long: at most one every few seconds, what it waits for among them."""

    def __init__(self) -> None:
        self._lines = PlainWatch(PLAIN_EVERY_S)

    def shows(self, text: str) -> None:
        self._lines.moved(0, text)

    def waits(self, detail: str) -> None:
        self.shows(f"waiting: {detail}")

    def write_line(self, text: str) -> None:
        """A line that stays."""
        self._lines.write_line(text)


class BarWatch:
    """A bar on the terminal; without `total` (bytes), only the sums and the time. text: the sums so far."""

    def __init__(self, total: int | None, text: str = "0 sent") -> None:
        self._console = Console(stderr=True)
        bar = (BarColumn(), TextColumn("{task.percentage:>3.0f}%")) if total else ()
        columns = (TextColumn("{task.description}"), *bar, TimeElapsedColumn())
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._task = self._progress.add_task(text, total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def moved(self, size: int, text: str) -> None:
        self._progress.update(self._task, advance=size, description=text)

    def write_line(self, text: str) -> None:
        # As it is: a refused line may hold what rich takes for markup.
        self._console.print(printable(text), markup=False, highlight=False, soft_wrap=True)
