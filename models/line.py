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
import numpy as np

from models.bands import Band
from models.batch import Batch
from models.calendar import Stage, boundary_at, place, time_of
from models.churn.snapshot import UNTRAINED
from models.settings import EngineSettings

UNBORN = -1
"""Shard time before the first record."""


class Totals(msgspec.Struct, frozen=True, gc=False):
    """Counts since the shard's creation; part of the commit, hence exact across crashes."""

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


def born(state: ShardState, settings: EngineSettings, first: int) -> ShardState:
    """The state as its first record (timestamp `first`) finds it: the boundary at or before is still to be crossed."""
    before = boundary_at(settings, first) - settings.boundary
    return msgspec.structs.replace(state, time=before, boundary=before, adopted=before)


def next_piece(
    state: ShardState,
    settings: EngineSettings,
    batch: Batch,
    first: int,
    end: int | None = None,
    adopting: bool = False,
) -> Piece | Wait:
    """How far the line goes next.

    Args:
        state: of a shard that has been born.
        settings: the engine's.
        batch: the next records.
        first: the row where the line stands.
        end: the row to stop before, above `first`; None: the end of the batch.
        adopting: the version that the last `Wait` asked for is at hand and comes into force with this piece.

    Returns:
        The next piece, or the boundary whose version has to be known first.
    """
    if state.adopted < state.boundary and not adopting:
        return Wait(state.boundary)
    end = len(batch) if end is None else end
    crossing = state.boundary + settings.boundary
    # Whatever stands before `first` is in the state's time already, so the whole batch's running maximum will do.
    last = min(max(int(np.searchsorted(batch.reached, crossing)), first), end)
    time = max(state.time, int(batch.reached[last - 1])) if last > first else state.time
    if last < end:
        bound = (float(place(crossing, Stage.WATERMARK)), b"")
        return Piece(first, last, bound, time, crossing, int(batch.offsets[last]))
    return Piece(first, last, (float(place(time + 1, 0)), b""), time, None, int(batch.offsets[last - 1]) + 1)


def shorten(piece: Piece, batch: Batch, state: ShardState, dues: Sequence[tuple[float, bytes]]) -> Piece:
    """A piece that ends before the last of `dues` (in line order), because more is due than one commit should hold."""
    bound = dues[-1]
    due = time_of(bound[0])
    last = piece.first
    if state.time < due:
        last = min(max(int(np.searchsorted(batch.reached, due)), piece.first), piece.last)
    if last == piece.last and piece.watermark is None and last == len(batch):
        raise ValueError(f"due item {bound} lies after the last record of the batch; the due page went too far")
    time = max(state.time, int(batch.reached[last - 1])) if last > piece.first else state.time
    return Piece(piece.first, last, bound, time, None, int(batch.offsets[last]), (int(bound[0]), bound[1]))
