"""Plans commits: how many records and timers the next commit of a shard covers, in processing order.

Records stand in offset order. A due item (time d, stage, customer) stands before the first record that brings the
shard's time to d or past it. At equal d: labels, watermark, the model version that comes into force, scores, records
that leave the store. A commit is a position in the line: all before it is done, nothing after it. `next_piece` says
how far the next commit reaches; it never reaches over a version boundary, so whatever is inside a piece belongs to one
model version. Nor does it reach over a record that changes what the shard's customers share (`Batch.cuts`): a piece
ends after all due items that stand before such a record, and the next one begins with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.settings import EngineSettings
from models.timeline.batch import Batch
from models.timeline.order import Stage, time_of, timer_position
from models.timeline.shard_state import ShardState


class Piece(NamedTuple):
    """Records batch[first:last] and all due items before `bound`; one commit.

    bound: (timer position, customer), exclusive. time: shard time after it. watermark: the boundary it ends at, if any.
    next_offset: of the next record afterwards. commit_position: the first timer before it that is not done, if one is
    known.
    """

    first: int
    last: int
    bound: tuple[float, bytes]
    time: int
    watermark: int | None
    next_offset: int
    commit_position: tuple[int, bytes] | None = None


class Wait(NamedTuple):
    """The version of this boundary's rule must be known before the line goes on."""

    boundary: int


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
        state: of an initialised shard.
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
    cut = _next_cut(state, batch, first)
    if cut is not None and cut < last:
        before = _all_before(state, batch, cut)
        time = max(state.time, int(batch.reached[cut - 1])) if cut > first else state.time
        return Piece(first, cut, (float(before), b""), time, None, int(batch.offsets[cut]), (before, b""))
    time = max(state.time, int(batch.reached[last - 1])) if last > first else state.time
    if last < end:
        bound = (float(timer_position(crossing, Stage.WATERMARK)), b"")
        return Piece(first, last, bound, time, crossing, int(batch.offsets[last]))
    return Piece(first, last, (float(timer_position(time + 1, 0)), b""), time, None, int(batch.offsets[last - 1]) + 1)


def begins_with_cut(state: ShardState, batch: Batch, first: int) -> bool:
    """Whether row `first` is a record of `Batch.cuts`, and all due items that stand before it are done."""
    done = (state.commit_position, state.commit_customer)
    return first in batch.cuts and done == (_all_before(state, batch, first), "")


def _next_cut(state: ShardState, batch: Batch, first: int) -> int | None:
    """The row before which the next piece has to end, if there is one."""
    if not batch.cuts:
        return None
    begun = begins_with_cut(state, batch, first)
    return next((row for row in batch.cuts if row > first or (row == first and not begun)), None)


def _all_before(state: ShardState, batch: Batch, row: int) -> int:
    """The timer position before which all due items stand before a row."""
    return timer_position(max(state.time, int(batch.reached[row])) + 1, 0)


def shorten(piece: Piece, batch: Batch, state: ShardState, bound: tuple[float, bytes]) -> Piece:
    """A piece that ends before this timer: more is due than one commit should hold, or a version comes into force
    there."""
    due = time_of(bound[0])
    last = piece.first
    if state.time < due:
        last = min(max(int(np.searchsorted(batch.reached, due)), piece.first), piece.last)
    if last == piece.last and piece.watermark is None and last == len(batch):
        raise ValueError(f"due item {bound} lies after the last record of the batch; the due page went too far")
    time = max(state.time, int(batch.reached[last - 1])) if last > piece.first else state.time
    return Piece(piece.first, last, bound, time, None, int(batch.offsets[last]), (int(bound[0]), bound[1]))
