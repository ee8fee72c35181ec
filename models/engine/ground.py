"""What the handlers of effects work on: a piece's records, lanes and outputs, and what compiled code reported."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.customer.block import Block
from models.customer.layout import DUE, LAST_PURCHASE
from models.customer.tail import Tail
from models.decisions.contact import settle
from models.decisions.dates import silences_kept
from models.decisions.shared_moments import drop
from models.decisions.standing import Standing
from models.decisions.standing_stored import pack_standing, unpack_standing, watched
from models.engine.arrivals import Arrivals
from models.engine.compiled_rules import levels_end_with_contract
from models.engine.customer_timers import next_due
from models.engine.decide import Row
from models.engine.lanes import earlier, read_tail, timer_of_loyalty
from models.engine.output_buffer import OutputPosition, Work
from models.loyalty.loop import STORED_BYTES, level_stage_in, stage_in
from models.loyalty.stored import put_off, timer_of
from models.settings import DAY
from models.timeline.order import NEVER, Stage, time_of, timer_position

Done = TypeVar("Done")

NO_LOOP = bytes(STORED_BYTES)
"""Of whom nothing is kept."""


class ReportedEffect(NamedTuple):
    """One reported effect as plain numbers; the fields are described at `models.engine.lanes.EFFECT`.

    number: its row in the buffer, where its bases are.
    """

    number: int
    lane: int
    what: int
    row: int
    due: float
    now: int
    probability: float
    opened: int
    flag: int

    @property
    def risk(self) -> float | None:
        """The probability; None: nothing was estimated at the step."""
        return None if isnan(self.probability) else self.probability


class Columns(NamedTuple):
    """Fields of all lanes, shape (lanes,), and the bases of all effects, shape (room, BASIS): views, each taken once.
    To read one number by `item` takes a third of the time of a field of a row."""

    timer: NDArray[np.int64]
    reached: NDArray[np.float64]
    stands: NDArray[np.uint8]
    silence_kept: NDArray[np.uint8]
    drawn: NDArray[np.uint8]
    own_due: NDArray[np.float64]
    stood: NDArray[np.float64]
    phase: NDArray[np.int64]
    bucket: NDArray[np.uint8]
    tier: NDArray[np.uint8]
    held: NDArray[np.uint8]
    basis: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ground:
    """What the handlers of one piece work on.

    Attributes:
        work: the piece under way, with its output buffer.
        block: the records, one row for every lane.
        lanes: dtype `models.engine.lanes.LANE`, shape (lanes,).
        arrivals: the batch's touchpoints, as columns of shape (rows,).
        effects: the walk's buffer, dtype `models.engine.lanes.EFFECT`, shape (room,).
        moments: the touchpoint moments that a row of the batch asks, by row.
        loops: what lanes have of the loyalty loop, as stored, shape (lanes,): of those alone that are in `looping`, in
            place of what their tails say.
        looping: the lanes with a touchpoint that counts in the loop.
        by_stage: levels of risk go by the stage of the loop.
        rules: what compiled code reads of the settings and the policy (`models.engine.compiled_rules.rules_of`).
        times: the shard's as of each of the piece's rows, ms.
        columns: of `lanes` and `effects`.
    """

    work: Work
    block: Block
    lanes: NDArray[Any]
    arrivals: Arrivals
    effects: NDArray[Any]
    moments: Mapping[int, tuple[str, ...]]
    rules: Any
    times: Sequence[int]
    loops: NDArray[np.void]
    looping: frozenset[int]
    by_stage: bool = False
    columns: Columns = field(init=False)

    def __post_init__(self) -> None:
        of_lanes = (self.lanes[name] for name in Columns._fields[:-1])
        object.__setattr__(self, "columns", Columns._make((*of_lanes, self.effects["basis"])))

    def output_position(self, row: int, due: float, customer: bytes) -> OutputPosition:
        """The position of a step in the line: at its touchpoint; of a timer: before the record that makes it due."""
        if row >= 0:
            return row, 1, 0.0, b""
        return self.work.piece.first + bisect_left(self.times, time_of(due)), 0, due, customer

    def where(self, effect: ReportedEffect, probability: float | None = None) -> Row:
        """An event's row of the line. probability: of its estimate, if there was one."""
        customer = self.block.names[effect.lane]
        return Row(self.output_position(effect.row, effect.due, customer), effect.now, customer, probability)

    def stands(self, lane: int) -> Standing:
        """How we stand with a lane's customer; what is changed in it counts once it is given to `keep`."""
        return unpack_standing(self.block.tail(lane).standing)

    def keep(self, lane: int, standing: Standing) -> None:
        """Keep it in the record, and what compiled code reads of it in the lane."""
        tail = self.block.tail(lane)
        packed = pack_standing(standing)
        read = watched(packed)
        self._keep_packed(lane, tail, packed, earlier(read[0], timer_of_loyalty(tail)), read)
        self.read_tail(lane, tail)

    def read_tail(self, lane: int, tail: Tail) -> None:
        """Let the lane have what else compiled code reads of the tail."""
        read_tail(self.lanes, lane, tail, levels_end_with_contract(self.work.settings, self.work.policy))

    def _keep_packed(
        self, lane: int, tail: Tail, packed: bytes, timer: int, read: tuple[int, float, bool, bool]
    ) -> None:
        """The same of what is packed. timer: the next, of points and of the level, too. read: what is `watched` of
        it."""
        _, reached, silence_kept, drawn = read
        if silence_kept:
            signed, policy = int(self.block.times.item(lane, LAST_PURCHASE)), self.work.policy
            silence_kept = policy is not None and silences_kept(policy, packed, signed)
        tail.standing, columns = packed, self.columns
        columns.stands[lane], columns.timer[lane] = bool(packed), timer
        columns.reached[lane], columns.silence_kept[lane], columns.drawn[lane] = reached, silence_kept, drawn

    def keep_at(self, lane: int, standing: Standing, now: int) -> None:
        """The same within a step (`keep_packed_at`)."""
        self.keep_packed_at(lane, pack_standing(standing), now)

    def keep_packed_at(self, lane: int, packed: bytes, now: int) -> None:
        """The same of what is packed, at whose end compiled code has worked out when the customer is looked at next:
        worked out again where the timer of the standing, of points or of the level is another now."""
        tail, columns = self.block.tail(lane), self.columns
        read, former = watched(packed), columns.timer.item(lane)
        timer = earlier(read[0], timer_of_loyalty(tail)) if tail.points or tail.membership else read[0]
        if timer == former and packed == tail.standing:
            return
        self._keep_packed(lane, tail, packed, timer, read)
        if timer != former:
            due = columns.own_due.item(lane)
            if timer:
                due = min(due, float(timer_position(timer, Stage.SCORES)))
            elif due == NEVER:
                due = next_due(self.block.rows[lane], self.rules, columns.phase.item(lane), now, 0)
            self.block.times[lane, DUE] = due

    def without_timers(self, lane: int, now: int) -> int:
        """Take away what was to be looked at by now, on which the engine raised; the next timer, ms. What is out and
        has expired counts as delivered; what comes to its time of points and level does so a day later."""
        standing = self.stands(lane)
        standing.waiting = [one for one in standing.waiting if not one.wakes or one.wakes > now]
        standing.dates = tuple(one for one in standing.dates if not one.wakes or one.wakes > now)
        standing.unsent = [one for one in standing.unsent if not one.wakes or one.wakes > now]
        standing.running = [one for one in standing.running if not one.due or one.due > now]
        standing.carried, standing.live = False, 0
        standing.forget_told()
        drop(standing, now)
        settle(standing, now)
        tail = self.block.tail(lane)
        if 0 < timer_of(tail.points) <= now:
            tail.points = put_off(tail.points, now + DAY)
        if 0 < timer_of(tail.membership) <= now:
            tail.membership = put_off(tail.membership, now + DAY)
        self.keep(lane, standing)
        return earlier(standing.next_timer(), timer_of_loyalty(tail))

    def with_loop_in_tail(self, act: Callable[[Ground, ReportedEffect], Done], effect: ReportedEffect) -> Done:
        """Act on an effect of a lane that waits. If touchpoints of the lane count in the loyalty loop, the tail says
        meanwhile what the lane has of it, and the lane has afterwards what is left there. Where levels go by the stage,
        every lane has that."""
        counts = effect.lane in self.looping
        if counts:
            self.write_loop(effect.lane)
        done = act(self, effect)
        if counts:
            self.read_loop(effect.lane)
        if self.by_stage:
            self.lanes["level_stage"][effect.lane] = level_stage_in(self.block.tail(effect.lane).loyalty)
        return done

    def read_loop(self, lane: int) -> None:
        """Let a lane that is in `looping` have what the tail says of the loyalty loop."""
        self.loops[lane] = np.void(self.block.tail(lane).loyalty or NO_LOOP)

    def write_loop(self, lane: int) -> None:
        """Let the tail of such a lane say what the lane has."""
        stored: bytes = self.loops[lane].tobytes()
        self.block.tail(lane).loyalty = stored if stage_in(stored) else b""

    def touchpoint(self, row: int) -> Any:
        """The touchpoint at a row of the batch, as decoded."""
        return self.work.batch.columns.contents[row]


def reported(ground: Ground, written: int) -> Iterator[ReportedEffect]:
    """The first `written` effects, in order."""
    effects = ground.effects[:written]
    columns = [effects[name].tolist() for name in ReportedEffect._fields[1:]]
    return map(ReportedEffect._make, zip(range(written), *columns, strict=True))
