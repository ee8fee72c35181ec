"""Named crash points: a chaos test makes the process die there, as if by ``kill -9``.

The commit and takeover protocols number their steps (streams/store/checkpoint.py, docs/design.md); each step ends in
one of these points, so that a test can kill a worker after every one of them. Without RETENTION_CRASH_POINT in the
environment `point` does nothing. Syntax: ``name`` (die at its first passing) or ``name:3`` (at its third). A test that
runs a worker in its own process says with `at_points` what happens instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from streams.errors import ExitCode

_wanted, _, _nth = os.environ.get("RETENTION_CRASH_POINT", "").partition(":")
_left = int(_nth or 1)


def _die_if_asked(name: str) -> None:
    global _left
    if name != _wanted:
        return
    _left -= 1
    if _left <= 0:
        os._exit(ExitCode.CRASH_POINT)


_passed: Callable[[str], None] = _die_if_asked


def point(name: str) -> None:
    """Die here without any clean-up when the environment asks for it."""
    _passed(name)


@contextmanager
def at_points(do: Callable[[str], None]) -> Iterator[None]:
    """Within the block, `do(name)` is called at every point."""
    global _passed
    before, _passed = _passed, do
    try:
        yield
    finally:
        _passed = before
