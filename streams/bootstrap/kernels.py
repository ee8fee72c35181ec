"""The engine's compiled functions, ready before there is work: ``python -m streams.bootstrap.kernels``.

They are kept in numba's cache, for this processor and this Python. Where they are not, compiling them takes a processor
three quarters of a minute, and two of them a little more than half of that: a second process compiles beside, in
another order, and each finds in the cache what the other has compiled.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
from numba.core import event

from models.simulation.warm_up import warm_beside, warm_engine, warm_learner
from streams.local.processes import spawn
from streams.text import printable

DOT = 10
"""Functions compiled for each dot that is shown: some ten dots in all."""


def warm_up(on_compile: Callable[[], None] = lambda: None) -> None:
    """Return when all compiled functions are loaded; compile what is not in the cache.

    on_compile: called before each function that has to be compiled by this process.
    """
    helper = Helper(on_compile)
    with event.install_listener("numba:compile", helper):
        warm_engine()
        helper.wait()
        warm_learner()


class Helper(event.Listener):
    """Starts a process that compiles other functions beside, when the first function is not in the cache.

    It ends with this one, however it ends. Whatever it could not do is done here afterwards.
    """

    def __init__(self, on_compile: Callable[[], None]) -> None:
        self._on_compile = on_compile
        self.process: subprocess.Popen[bytes] | None = None

    def on_start(self, event: object) -> None:
        """A function is about to be compiled."""
        if self.process is None:
            program = f"from {warm_beside.__module__} import {warm_beside.__name__} as compile_it; compile_it()"
            self.process = spawn((sys.executable, "-c", program), Path("/dev/null"), None)
        self._on_compile()

    def on_end(self, event: object) -> None:
        """It is compiled, with all that it calls."""

    def wait(self) -> None:
        """Until the process, if there is one, has ended."""
        if self.process is not None:
            self.process.wait()


def main() -> None:
    """Compile with a line of progress."""
    begin = time.monotonic()
    functions = 0

    def shown() -> None:
        nonlocal functions
        if functions == 0:
            click.echo("compiling the engine for this processor, once ", nl=False)
        functions += 1
        if functions % DOT == 0:
            click.echo(".", nl=False)

    warm_up(shown)
    if functions:
        click.echo(printable(f" {time.monotonic() - begin:.0f} s"))


if __name__ == "__main__":
    main()
