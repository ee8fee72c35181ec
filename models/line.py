"""The line: a shard's work in the one order that everything follows, and where it may be cut.

Records stand in offset order. A due item (time d, stage, customer) stands before the first record that brings the
shard's time to d or past it. At equal d: labels, watermark, the model version that comes into force, scores. A commit
is a cut of the line: all before it is done, nothing after it. `next_piece` says how far the next commit reaches; it
never reaches over a version boundary, so whatever is inside a piece belongs to one model version.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from models.calendar import Stage, boundary_at, place, time_of
from models.churn.snapshot import UNTRAINED
from models.risk import Band
from models.settings import EngineSettings
from models.touchpoints import Rejected, Touch

UNBORN = -1
"""Shard time before the first record."""


class LogRecord(NamedTuple):
    """A record of the input partition, read. `content` is what `models.touchpoints.read` made of it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    content: Touch | Rejected


class Totals(msgspec.Struct, frozen=True, gc=False):
    """Counts since the shard's creation; part of the commit, hence exact across crashes."""

    applied: int = 0
    duplicate: int = 0
    late: int = 0
    skewed: int = 0
    dead: int = 0
    clocks: int = 0
    due: int = 0
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


class Piece(NamedTuple):
    """Records batch[first:last] and all due items before `bound`; one commit.

    bound: (place, customer), exclusive. time: shard time after it. watermark: the boundary it ends at, if any.
    next_offset: where the line stands afterwards. cut: the first due item before it that is not done, if one is known.
    """

    first: int
    last: int
    bound: tuple[float, bytes]
    time: int
    watermark: int | None
    next_offset: int
    cut: tuple[int, bytes] | None = None


class Wait(NamedTuple):
    """The version of this boundary's rule must be known before the line goes on."""

    boundary: int


def born(state: ShardState, settings: EngineSettings, first: LogRecord) -> ShardState:
    """The state as its first record finds it: the boundary at or before it is still to be crossed."""
    before = boundary_at(settings, first.timestamp) - settings.boundary
    return msgspec.structs.replace(state, time=before, boundary=before, adopted=before)


def next_piece(
    state: ShardState, settings: EngineSettings, batch: Sequence[LogRecord], first: int, adopting: bool = False
) -> Piece | Wait:
    """How far the line goes next, from batch[first] on. `state` is born, `first` < len(batch).

    adopting: the version that the last `Wait` asked for is at hand and comes into force with this piece.
    """
    if state.adopted < state.boundary and not adopting:
        return Wait(state.boundary)
    crossing = state.boundary + settings.boundary
    time, last = state.time, first
    while last < len(batch):
        now = max(time, batch[last].timestamp)
        if now >= crossing:
            bound = (float(place(crossing, Stage.WATERMARK)), b"")
            return Piece(first, last, bound, time, crossing, batch[last].offset)
        time, last = now, last + 1
    return Piece(first, last, (float(place(time + 1, 0)), b""), time, None, batch[-1].offset + 1)


def shorten(piece: Piece, batch: Sequence[LogRecord], state: ShardState, dues: Sequence[tuple[float, bytes]]) -> Piece:
    """A piece that ends before the last of `dues` (in line order), because more is due than one commit should hold."""
    bound = dues[-1]
    time, last = state.time, piece.first
    while last < piece.last and max(time, batch[last].timestamp) < time_of(bound[0]):
        time, last = max(time, batch[last].timestamp), last + 1
    if last == piece.last and piece.watermark is None and last == len(batch):
        raise ValueError(f"due item {bound} lies after the last record of the batch; the due page went too far")
    return Piece(piece.first, last, bound, time, None, batch[last].offset, (int(bound[0]), bound[1]))
