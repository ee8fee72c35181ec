"""Fallback: re-runs a failed piece row by row and dead-letters the poison row."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np

from models.customer.layout import CROSSING, DUE, LEFT, TICK
from models.customer.schedule import next_tick
from models.customer.tail import UnknownRecord
from models.engine.customer_timers import matured, next_due
from models.engine.in_line import END, next_place
from models.engine.lanes import OF_RECORD, Count, State
from models.engine.output_buffer import dead_due_item, dead_record
from models.engine.piece_run import Run
from models.engine.valued import drop_money
from models.timeline.order import Stage, stage_of, time_of
from models.touchpoints import Code

LEAST_ROWS = 300
"""A smaller piece says nothing of the engine: one producer's retries, or a chatty customer, fill it."""
MOST_CUSTOMERS = 20
"""An engine that raises on more customers of a piece than these, and on more than a tenth of them, is itself the cause.
Customers, not rows: whatever one of them sends, it is theirs alone."""


NOT_ATTRIBUTABLE = (MemoryError, OSError, UnknownRecord)
"""Errors that no single row causes: they end the run instead of becoming a dead letter."""


class TooManyFailures(Exception):
    """The pure engine raised for so many customers that their events can't be to blame."""


def isolate_failures(run: Run) -> None:
    """Take all lanes to their end, each row on its own, in the order of the line."""
    rows, last, failed, admitted = 0, "", set[int](), set[int]()
    ahead = [(next_place(run, index), index) for index in range(len(run.lanes))]
    heapify(ahead)
    while ahead and ahead[0][0] != END:
        at, index = heappop(ahead)
        newcomer = not run.lanes["exists"][index]
        if newcomer:
            rows += run.admit(index)
            admitted.add(index)
        if not newcomer or next_place(run, index) == at:
            taken, error = _try_row(run, index, index in admitted)
            admitted.discard(index)
            rows += taken
            if error:
                failed.add(index)
                last = error
        heappush(ahead, (next_place(run, index), index))
        if rows >= LEAST_ROWS and len(failed) > max(MOST_CUSTOMERS, len(run.lanes) // 10):
            raise TooManyFailures(
                f"{len(failed)} of {len(run.lanes)} customers failed before offset {run.work.piece.next_offset}, "
                f"the last with {last}"
            )


def _try_row(run: Run, index: int, newcomer: bool) -> tuple[int, str]:
    """One row on its own: (rows taken, what it raised). When it raises, a dead letter takes its place."""
    work = run.work
    before, emitted, counts, walked = run.block.keep(index), len(work.emitted), work.counts.copy(), run.counts.copy()
    stood = [run.lanes[name][index].copy() for name in OF_RECORD]  # of several numbers it is a view
    purse = None if work.shared is None else work.shared.purse.copy()
    order = np.array([index])
    try:
        run.advance(order, single=True)
        while run.lanes["state"][index] not in (State.NEXT, State.DONE):
            run.advance(order, single=True)
    except NOT_ATTRIBUTABLE:
        raise
    except Exception as error:
        if run.counts[Count.ROWS] == walked[Count.ROWS]:
            raise  # nothing was begun: it is no row's fault
        del work.emitted[emitted:]
        work.counts, run.counts = counts, walked
        run.block.put_back(index, before)
        if work.shared is not None and purse is not None:
            work.shared.purse.become(purse)
        for name, value in zip(OF_RECORD, stood, strict=True):
            run.lanes[name][index] = value
        run.lanes["exists"][index] = not newcomer
        run.lanes["state"][index] = State.NEXT
        raised = f"{type(error).__name__}: {error}"
        _dead_letter(run, index, f"the engine raised {raised}; report it, then replay the dead letter")
        return 1, raised
    return int(run.counts[Count.ROWS] - walked[Count.ROWS]), ""


def _dead_letter(run: Run, index: int, reason: str) -> None:
    """A dead letter for the step that the lane has just tried. A due item is not tried again before the next tick."""
    lane, customer = run.lanes[index], run.block.names[index]
    row, due = int(lane["row"]), float(lane["due"])
    if row >= 0:
        dead_record(run.work, row, str(Code.ENGINE_ERROR), reason)
        return
    rules, now, record = run.ground.rules, time_of(due), run.block.rows[index]
    timer = run.ground.without_timers(index, now) if int(lane["timer"]) == now else int(lane["timer"])
    phase = int(lane["phase"])
    if stage_of(due) == Stage.LABELS:
        label_kind = matured(record, rules, phase, now)
        record["pending_ticks"][label_kind] = 0
        drop_money(lane, label_kind)
    rang = stage_of(due) == Stage.SCORES and not record["times"][TICK]  # a timer alone: nobody is estimated
    if not record["flags"] & LEFT and stage_of(due) != Stage.LEAVING and not rang:
        record["times"][TICK] = next_tick(rules, phase, now)
        record["seconds"][CROSSING] = 0
    record["times"][DUE] = next_due(record, rules, phase, now, timer)
    dead_due_item(run.work, run.ground.output_position(row, due, customer), customer, reason, now)
