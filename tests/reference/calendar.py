"""A customer's own rhythm: when they tick, and at which ticks a learning snapshot is taken."""

from __future__ import annotations

from models.calendar import phase_of
from models.settings import EngineSettings


def next_tick(settings: EngineSettings, customer_hash: int, time: int) -> int:
    """The customer's first tick after `time`."""
    zero = settings.anchor + phase_of(settings, customer_hash)
    return time + settings.tick - (time - zero) % settings.tick


def takes_snapshot(settings: EngineSettings, customer_hash: int, tick: int) -> bool:
    """True at one tick per label window: each customer has one open label at most, at a rhythm of their own.

    Otherwise every label would begin just after a first purchase, and the model would never see a long silence.
    """
    window = settings.horizon + settings.lateness
    rhythm = -(-window // settings.tick)
    number = (tick - settings.anchor - phase_of(settings, customer_hash)) // settings.tick
    return (number + (customer_hash >> 32)) % rhythm == 0
