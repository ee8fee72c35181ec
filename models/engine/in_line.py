"""Takes a piece's lanes to their end so that decisions come in the order of the line.

Where the customers of a shard share something, such as a budget, it matters who decides first, and that must not depend
on how the line was cut into pieces or which lanes were walked together. So a lane that comes to a decision stops, and
the decisions are made one after the other, always the one that stands first in the line: it is known to be the first
once every other lane has stopped at a later place, or cannot come to an earlier one. What comes to nothing, or only
counts in the loyalty loop, touches nothing that customers share, and waits for nobody.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.customer.layout import DUE
from models.engine.asked import comes_to_nothing
from models.engine.effects import handle
from models.engine.ground import ReportedEffect, reported
from models.engine.lanes import Effect
from models.engine.output_buffer import OutputPosition
from models.engine.piece_run import Run
from models.engine.waves import waves
from models.timeline.order import NEVER, time_of

END: OutputPosition = (2**62, 1, 0.0, b"")
"""Behind every place of a piece."""


class Stopped(NamedTuple):
    """A lane that has come to a decision, which is not made yet. Two never stand at one place of the line.

    at: where. basis: what its risk was estimated from; the buffer in which it was reported is used again.
    """

    at: OutputPosition
    effect: ReportedEffect
    basis: NDArray[np.float32]


def to_the_end_in_line(run: Run) -> None:
    """Take all lanes to their end."""
    for index in run.newcomers():
        run.admit(index)
    stopped: list[Stopped] = []
    going = np.arange(len(run.lanes))
    while going.size or stopped:
        while going.size:
            held = _advance(run, going, stopped)
            going = going[[index not in held for index in going.tolist()]]
            going = run.not_done(going)
        going = np.array(_decide(run, stopped), dtype=np.int64)


def next_place(run: Run, index: int) -> OutputPosition:
    """Where in the line a lane's next step stands, at the earliest; behind the piece where it has none."""
    lane, piece = run.lanes[index], run.work.piece
    due = float(run.block.rows["times"][index, DUE]) if lane["exists"] else NEVER
    row, now = int(lane["cursor"]), run.arrivals.now
    if row >= 0 and (due == NEVER or time_of(due) > now[row]):
        return run.ground.output_position(row, 0.0, b"")
    if row < 0 and (due > piece.bound[0] or (due == piece.bound[0] and not lane["before"])):
        return END
    return run.ground.output_position(-1, due, run.block.names[index])


def _advance(run: Run, going: NDArray[np.int64], stopped: list[Stopped]) -> set[int]:
    """Take lanes as far as they go at once. Returns those that have come to a decision."""
    held: set[int] = set()
    ground = run.ground
    for effect in reported(ground, waves(*run.arguments(going, single=False))):
        if effect.what != Effect.DECIDE:
            handle(ground, effect)
        elif not ground.with_loop_in_tail(comes_to_nothing, effect):
            customer = run.block.names[effect.lane]
            at = ground.output_position(effect.row, effect.due, customer)
            heappush(stopped, Stopped(at, effect, ground.effects["basis"][effect.number].copy()))
            held.add(effect.lane)
    run.score_those_that_ask(going)
    return held


def _decide(run: Run, stopped: list[Stopped]) -> list[int]:
    """Make the decisions that are known to stand first. Returns the lanes that go on."""
    going: list[int] = []
    first = END
    while stopped and stopped[0].at < first:
        _, effect, basis = heappop(stopped)
        run.ground.effects["basis"][0] = basis
        handle(run.ground, effect._replace(number=0))
        going.append(effect.lane)
        first = min(first, next_place(run, effect.lane))
    return going
