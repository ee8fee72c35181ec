"""Named points at which a chaos test makes the process die, as if by ``kill -9``.

The commit and takeover protocols number their steps (streams/checkpoint.py, docs/design.md); each step ends in one of
these points, so that a test can kill a worker after every one of them. Without RETENTION_CRASH_POINT in the environment
`point` does nothing. Syntax: ``name`` (die at its first passing) or ``name:3`` (at its third).
"""

from __future__ import annotations

import os

from streams.errors import ExitCode

_wanted, _, _nth = os.environ.get("RETENTION_CRASH_POINT", "").partition(":")
_left = int(_nth or 1)


def point(name: str) -> None:
    """Die here without any clean-up when the environment asks for it."""
    global _left
    if name != _wanted:
        return
    _left -= 1
    if _left <= 0:
        os._exit(ExitCode.CRASH_POINT)
