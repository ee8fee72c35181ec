"""The terminal: the view redrawn in place, on the alternate screen, until Ctrl-C; or lines where there is none."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.live import Live

from streams.monitoring.top import plain
from streams.monitoring.top.drawing import Frame
from streams.monitoring.top.picture import WIDTH, write_svg
from streams.monitoring.top.view import View

LOOK_S = 0.1
"""How often the terminal's size is looked at: a resized window is drawn anew at once, not at the next refresh."""


class Display(ABC):
    """Where views go; a context manager."""

    @abstractmethod
    def show(self, view: View) -> None:
        """Show a view."""

    def wait(self, seconds: float) -> None:
        """Until the next view is due."""
        time.sleep(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        return None


def on_terminal() -> bool:
    """Whether standard output is a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


class Screen(Display):
    """The live view. The terminal is as before afterwards, however it ends but by SIGKILL.

    leave: leave the last view behind, among the terminal's other lines, when it ends well.
    """

    def __init__(self, console: Console | None = None, leave: bool = False) -> None:
        self._console, self._leave = console or Console(), leave
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._stack = contextlib.ExitStack()
        self._size = self._console.size
        self._last: View | None = None

    def __enter__(self) -> Self:
        with self._stack:
            self._stack.enter_context(_quiet_keys())
            self._stack.enter_context(self._live)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stack.close()
        if self._leave and kind is None and self._last is not None:
            self._console.print(Frame(self._last))

    def show(self, view: View) -> None:
        self._last, self._size = view, self._console.size
        # Home and whole lines, no clearing: nothing flickers.
        self._live.update(Frame(view), refresh=True)

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(LOOK_S, left))
            if self._last is not None and self._console.size != self._size:
                self.show(self._last)


class Lines(Display):
    """A line per view, and what is new; where there is no terminal. `lines_of`: from a view and the one before it."""

    def __init__(
        self,
        write_line: Callable[[str], None],
        lines_of: Callable[[View, View | None], list[str]] = plain.lines,
    ) -> None:
        self._write_line, self._lines_of = write_line, lines_of
        self._before: View | None = None

    def show(self, view: View) -> None:
        for line in self._lines_of(view, self._before):
            self._write_line(line)
        self._before = view


class Pictured(Display):
    """Any display, and an SVG of each view beside it."""

    def __init__(self, display: Display, file: Path, width: int = WIDTH) -> None:
        self._display, self._file, self._width = display, file, width

    def __enter__(self) -> Self:
        self._display.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._display.__exit__(kind, *rest)

    def show(self, view: View) -> None:
        self._display.show(view)
        write_svg(view, self._file, self._width)

    def wait(self, seconds: float) -> None:
        self._display.wait(seconds)


@contextlib.contextmanager
def as_ctrl_c(*numbers: signal.Signals) -> Iterator[None]:
    """These signals as Ctrl-C; what was set before is set again afterwards."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _quiet_keys() -> Iterator[None]:
    """Keys are not echoed into the view, nor handed to the shell afterwards. Ctrl-C and Ctrl-Z work as ever."""
    import termios  # not there on Windows, where nothing of this runs

    try:
        keyboard = sys.stdin.fileno()
        before = termios.tcgetattr(keyboard)
        in_front = os.tcgetpgrp(keyboard) == os.getpgrp()
    except (OSError, ValueError, termios.error):  # no keyboard
        in_front = False
    if not in_front:  # a job in the background would be stopped for changing the terminal
        yield
        return
    quiet = before.copy()
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(keyboard, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcflush(keyboard, termios.TCIFLUSH)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
