"""From CPU an event and bytes a customer to how many machines: plain arithmetic, so that anybody can put in their own.

A core is counted as used to a half: the other half is for peaks, for a worker that has to take over another's shards,
and for what is not measured here (snapshots, a slow disk).
"""

from __future__ import annotations

from math import ceil
from typing import Final, NamedTuple

USED: Final = 0.5
"""Share of a core that is planned with."""
SECONDS_A_DAY: Final = 86_400
GIB: Final = 1 << 30


class Measured(NamedTuple):
    """worker, redis, broker: µs of CPU a touchpoint, with the timers that came meanwhile.

    a_customer: bytes in Redis.
    """

    worker: float
    redis: float
    broker: float
    a_customer: float


class Load(NamedTuple):
    """customers: known ones. a_day: touchpoints of each a day, in the mean. peak: of the busiest hour to the mean."""

    customers: int
    a_day: float
    peak: float


class Needed(NamedTuple):
    """peak: touchpoints a second in the busiest hour. gib: of Redis' memory.

    workers, masters, brokers: processes of a core each, for CPU alone. back_h: hours in which these catch up with a
    standstill of a day.
    """

    peak: float
    workers: int
    masters: int
    brokers: int
    gib: float
    back_h: float


def a_core(us: float) -> float:
    """Touchpoints a second that a core carries at so many µs of each, used to `USED`."""
    return 1e6 * USED / us


def needed(measured: Measured, load: Load) -> Needed:
    """What a load takes."""
    mean = load.customers * load.a_day / SECONDS_A_DAY
    peak = mean * load.peak
    costs = (measured.worker, measured.redis, measured.broker)
    workers, masters, brokers = (max(1, ceil(peak / a_core(us))) for us in costs)
    # What catches up uses its cores to the end; meanwhile new touchpoints come.
    fastest = min(1e6 * many / us for many, us in zip((workers, masters, brokers), costs, strict=True))
    return Needed(
        peak,
        workers,
        masters,
        brokers,
        load.customers * measured.a_customer / GIB,
        mean * SECONDS_A_DAY / (fastest - mean) / 3_600,
    )
