"""A piece's touchpoints as columns, chained by lane, and what each of them means to compiled code."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.customer.profile import BEFORE_NUMBERS, PROFILE_KINDS, TOPIC_KINDS
from models.numerics.compiled import compiled
from models.timeline.batch import Batch
from models.timeline.pieces import Piece

TELLS, WAITS = 1, 2
"""What `Arrivals.tells` says of a touchpoint: it enters the tail, and the lane waits until it has."""
_OF_KIND = np.zeros(256, dtype=np.uint8)
_OF_KIND[list(PROFILE_KINDS)] = TELLS
_OF_KIND[list(BEFORE_NUMBERS)] = WAITS
_WITH_TOPIC = np.zeros(256, dtype=np.bool_)
_WITH_TOPIC[list(TOPIC_KINDS)] = True

ASKS, WAKES, STAYS, BUYS, BETWEEN, LOOPS = 1, 2, 4, 8, 16, 32
"""Bits of `Arrivals.asks`: a touchpoint ends with a decision; does so if the record has a standing; does so if not each
silence that asks has its timer; does so if nothing is drawn for some time; it comes from another shard, which has seen
to it that it comes once; it changes where the customer is in the loyalty loop, and asks nothing else."""
SEEN: Final = np.inf
"""In place of what a touchpoint weighs."""


class Arrivals(NamedTuple):
    """The touchpoints of a batch as columns, of shape (rows,). `following`: the customer's next one, -1: none.
    `tells`: `TELLS` or `WAITS`, 0: nothing of it enters the tail. `asks`: bits of `ASKS` and those beside it. `felt`:
    of those that count in the loyalty loop what they weigh, `SEEN` where plain Python must see how."""

    kinds: NDArray[np.uint8]
    times: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    sentiment: NDArray[np.float64]
    skewed: NDArray[np.bool_]
    now: NDArray[np.int64]
    following: NDArray[np.int64]
    tells: NDArray[np.uint8]
    asks: NDArray[np.uint8]
    felt: NDArray[np.float64]


@compiled
def _link(first: int, lane_of_row: Any, heads: Any, following: Any) -> None:
    """Chain each lane's rows in order; `lane_of_row` is -1 where a record concerns no customer."""
    for i in range(lane_of_row.shape[0] - 1, -1, -1):
        lane = lane_of_row[i]
        if lane >= 0:
            following[first + i] = heads[lane].cursor
            heads[lane].cursor = first + i


def arrivals_of(
    batch: Batch,
    piece: Piece,
    time: int,
    lane_of_row: NDArray[np.int64],
    lanes: NDArray[Any],
    asks: NDArray[np.uint8] | None = None,
    felt: NDArray[np.float64] | None = None,
) -> Arrivals:
    """The piece's touchpoints, chained by lane.

    Args:
        batch: the records.
        piece: which of its rows.
        time: the shard's before the piece, ms.
        lane_of_row: the lane of each of the piece's rows, -1 where it concerns no customer; shape (rows of the piece,).
        lanes: dtype LANE, shape (lanes,); their `cursor` is set to their first touchpoint.
        asks, felt: by row of the batch, as in `Arrivals`; None: no policy is in force, or it keeps no loyalty loop.
    """
    columns = batch.columns
    following = np.full(len(batch), -1, dtype=np.int64)
    _link(piece.first, lane_of_row, lanes, following)
    now = np.maximum(batch.reached, time)
    tells = _OF_KIND[columns.kinds]
    contents: list[Any] = columns.contents
    with_topic = np.flatnonzero(_WITH_TOPIC[columns.kinds[piece.first : piece.last]]) + piece.first
    tells[[row for row in with_topic.tolist() if contents[row].data.topic is not None]] = TELLS
    if asks is None:
        asks = np.zeros(len(batch), dtype=np.uint8)
    if columns.between:
        asks[list(columns.between)] |= BETWEEN
    return Arrivals(
        columns.kinds,
        columns.times,
        columns.hashes,
        columns.a,
        columns.b,
        columns.sentiment,
        columns.skewed,
        now,
        following,
        tells,
        asks,
        np.zeros(len(batch)) if felt is None else felt,
    )
