"""Fixed moments of log time: version boundaries, learning ticks, and places in the line.

A *place* is one number that orders due items by time and then by stage, exactly (a float64 holds it without loss),
so that the due set's order is the order of the line.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.settings import EngineSettings

STAGES = 8
NEVER = float("inf")


class Stage(IntEnum):
    """What stands first when several things are due at the same moment."""

    LABELS = 1
    WATERMARK = 2
    VERSION = 3
    SCORES = 4


def place(time: int, stage: int) -> int:
    """The place of a due item.

    >>> place(1_000, Stage.LABELS) < place(1_000, Stage.SCORES) < place(1_001, Stage.LABELS)
    True
    """
    return time * STAGES + stage


def time_of(at: float) -> int:
    """Log time of a place, ms."""
    return int(at) // STAGES


def stage_of(at: float) -> int:
    return int(at) % STAGES


def boundary_at(settings: EngineSettings, time: int) -> int:
    """The last boundary <= time."""
    return time - (time - settings.anchor) % settings.boundary


def version_for(settings: EngineSettings, boundary: int) -> int:
    """The boundary whose model version is in force from `boundary` on."""
    return boundary_at(settings, boundary - settings.version_delay)


def newer(version: int | None, in_force: int) -> TypeGuard[int]:
    """Whether a version is newer than the one in force, both named by their boundary; None, the name of none, is not.

    Versions only ever get newer: one that is not newer may have been in force before, and have been followed.
    """
    return version is not None and version > in_force


Hashes = TypeVar("Hashes", int, NDArray[np.uint64])


def phase_of(settings: EngineSettings, customer_hash: Hashes) -> Hashes:
    """The customer's own phase within the tick, whole seconds in ms; of one customer, or of a column of them."""
    if settings.phase == "aligned":
        return customer_hash * 0
    return customer_hash % (settings.tick // 1_000) * 1_000
