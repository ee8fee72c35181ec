"""Scoring schedule: at which log times a customer is re-scored, and at which of them an example begins.

A customer's ticks lie at anchor + phase + k * tick. A record names the tick at which an example began by its
number, which is 1 or more at any time from the epoch on; 0 stands for none.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.numerics.compiled import compiled
from models.settings import EngineSettings

_BEFORE = 3
"""So many ticks at most lie before the epoch's first: one each for anchor and phase, and the tick after a moment."""


@compiled
def next_tick(rules: Any, phase: int, now: int) -> int:
    """The customer's first tick after `now`."""
    tick: int = rules.tick
    zero: int = rules.anchor + phase
    return now + tick - (now - zero) % tick


@compiled
def tick_number(rules: Any, phase: int, time: int) -> int:
    """The number of the tick at `time`."""
    return int((time - phase - rules.anchor % rules.tick) // rules.tick + _BEFORE)


@compiled
def tick_time(rules: Any, phase: int, number: int) -> int:
    """Inverse of `tick_number`."""
    return int((number - _BEFORE) * rules.tick + rules.anchor % rules.tick + phase)


@compiled
def begins_example(cadence_offset: int, number: int, cadence: int) -> bool:
    """True at one of `cadence` ticks: a customer has one pending example of a kind at most, at an offset of their own.

    Otherwise every label would begin just after a first purchase, and the model would never see a long silence.
    """
    return bool((number + cadence_offset) % cadence == 0)


Hashes = TypeVar("Hashes", int, NDArray[np.uint64])


def phase_of(settings: EngineSettings, customer_hash: Hashes) -> Hashes:
    """The customer's own phase within the tick, whole seconds in ms; of one customer, or of a column of them."""
    if settings.phase == "aligned":
        return customer_hash * 0
    return customer_hash % (settings.tick // 1_000) * 1_000
