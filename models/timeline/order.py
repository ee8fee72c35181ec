"""Event-time order: a timer's position is one number made of its log time and its stage.

A *timer position* is one number that orders timers by time and then by stage, exactly (a float64 holds it without
loss), so that the due set's order is the order of the line.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeGuard

STAGES = 8
NEVER = float("inf")


class Stage(IntEnum):
    """What stands first when several things are due at the same moment."""

    LABELS = 1
    WATERMARK = 2
    VERSION = 3
    SCORES = 4
    LEAVING = 5


def timer_position(time: int, stage: int) -> int:
    """The position of a timer.

    >>> timer_position(1_000, Stage.LABELS) < timer_position(1_000, Stage.SCORES) < timer_position(1_001, Stage.LABELS)
    True
    """
    return time * STAGES + stage


def time_of(at: float) -> int:
    """Log time of a timer position, ms."""
    return int(at) // STAGES


def stage_of(at: float) -> int:
    return int(at) % STAGES


def newer(version: int | None, in_force: int) -> TypeGuard[int]:
    """Whether a version is newer than the one in force, both named by their boundary; None, the name of none, is not.

    Versions only ever get newer: one that is not newer may have been in force before, and have been followed.
    """
    return version is not None and version > in_force
