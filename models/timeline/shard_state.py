"""What a shard knows of itself between two commits: its position in the processing order, its time, its counters."""

from __future__ import annotations

import msgspec

from models.customer.bands import Band
from models.settings import EngineSettings
from models.timeline.boundaries import UNTRAINED, boundary_at

UNBORN = -1
"""Shard time before the first record."""


class Totals(msgspec.Struct, frozen=True, gc=False):
    """Counts since the shard's creation; part of the commit, hence exact across crashes.

    late: changed a record as well, but are not in `applied`.
    """

    applied: int = 0
    duplicate: int = 0
    late: int = 0
    skewed: int = 0
    dead: int = 0
    clocks: int = 0
    choices: int = 0
    due: int = 0
    crossings: int = 0
    scored: int = 0
    episodes: int = 0
    triggers: int = 0

    def plus(self, counted: dict[str, int]) -> Totals:
        return msgspec.structs.replace(self, **{name: getattr(self, name) + n for name, n in counted.items()})


class ShardState(msgspec.Struct, frozen=True, gc=False):
    """All that a shard keeps beside its customers' records; the body of its meta.

    fence: next offset to read. cut_place, cut_customer: what is due before that record and this place is done (0: no
    due item is known to remain).
    time: shard time, the largest record timestamp consumed. boundary: the last one whose watermark is out.
    adopted: the last one whose model version came into force; version: that version's name.
    counts: outputs so far per topic role.
    bands: customers by `Band`.
    """

    partition: int
    partitions: int
    fence: int
    cut_place: int = 0
    cut_customer: str = ""
    time: int = UNBORN
    boundary: int = UNBORN
    adopted: int = UNBORN
    version: int = UNTRAINED
    counts: dict[str, int] = {}
    bands: tuple[int, ...] = (0,) * len(Band)
    totals: Totals = Totals()


def born(state: ShardState, settings: EngineSettings, first: int) -> ShardState:
    """The state as its first record (timestamp `first`) finds it: the boundary at or before is still to be crossed."""
    before = boundary_at(settings, first) - settings.boundary
    return msgspec.structs.replace(state, time=before, boundary=before, adopted=before)
