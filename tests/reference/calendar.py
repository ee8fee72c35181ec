"""A customer's own rhythm: when they tick, and at which ticks a learning snapshot is taken."""

from __future__ import annotations

from models.customer.schedule import phase_of
from models.settings import EngineSettings


def next_tick(settings: EngineSettings, customer_hash: int, time: int) -> int:
    """The customer's first tick after `time`."""
    zero = settings.anchor + phase_of(settings, customer_hash)
    return time + settings.tick - (time - zero) % settings.tick


def tick_number(settings: EngineSettings, customer_hash: int, tick: int) -> int:
    """The number by which a record names a tick, 1 or more since the epoch."""
    zero = settings.anchor % settings.tick + phase_of(settings, customer_hash)
    return (tick - zero) // settings.tick + 3


def tick_time(settings: EngineSettings, customer_hash: int, number: int) -> int:
    return (number - 3) * settings.tick + settings.anchor % settings.tick + phase_of(settings, customer_hash)


def begins_example(settings: EngineSettings, customer_hash: int, tick: int, window: int) -> bool:
    """True at one tick per label window: each customer has one open label of a sort, at a rhythm of their own.

    Otherwise every label would begin just after a first purchase, and the model would never see a long silence.
    """
    cadence = -(-(window + settings.lateness) // settings.tick)
    return (tick_number(settings, customer_hash, tick) + (customer_hash >> 32)) % cadence == 0
