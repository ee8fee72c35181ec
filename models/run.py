"""A piece under way: its lanes walk, and what they report is decided and said."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bands import Band
from models.block import Block
from models.calendar import NEVER, time_of
from models.churn import MixtureScorer
from models.churn.crossing import crossings_of, new_room
from models.churn.mixture import NO_MIXTURE
from models.customer import ERASED, OLDEST_CASE, REARMED, TICK
from models.decide import Row, ask, choose_champion, label, tell
from models.lanes import EVENT, Count, State, What, arrivals_of, lanes_of, rules_of
from models.line import ShardState
from models.outputs import CHURN, RETURN
from models.partitioning import misplaced
from models.profile import Told, oldest, take_in
from models.risk import forget_episode
from models.touchpoints import Code, Kind, Rejected
from models.walk import walk
from models.work import Place, Work, dead_record

ROOM = 2048
"""Events between two calls of the walk: enough for most pieces, and small enough to stay in the processor's cache."""


def _probable(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same. Raises ValueError where a scorer gives what is no probability."""
    wrong = ~((probabilities >= 0.0) & (probabilities <= 1.0))
    if wrong.any():
        raise ValueError(f"the scorer gives {probabilities[wrong][0]!r}, which is no probability")
    return probabilities


class Run:
    """One piece. `block` has a row, and `lanes` a lane, for every customer of it."""

    def __init__(self, state: ShardState, work: Work, block: Block) -> None:
        self.work, self.block, self._state = work, block, state
        self.counts = np.zeros(len(Count), dtype=np.int64)
        batch, piece = work.batch, work.piece
        rows = {name: row for row, name in enumerate(block.names)}
        arrived = batch.columns.customers[piece.first : piece.last]
        lane_of_row = np.fromiter(map(rows.get, arrived, repeat(-1)), np.int64, len(arrived))
        self.lanes = lanes_of(block, work.settings, piece)
        self.arrivals = arrivals_of(batch, piece, state.time, lane_of_row, self.lanes)
        self.loaded_dues = np.where(block.known, block.dues(), NEVER)
        self.loaded_bands = block.rows["band"].copy()
        self._rules = rules_of(work.settings, work.quiet_until)
        scorer = work.scorer
        # Not a subclass, which may score otherwise than compiled code does.
        self._asks = type(scorer) is not MixtureScorer
        self._mixture = scorer.mixture if isinstance(scorer, MixtureScorer) else NO_MIXTURE
        self._room = new_room(self._mixture)
        self._probabilities = np.zeros(len(self.lanes))
        self._crossings = np.zeros(len(self.lanes), dtype=np.int64)
        self._events = np.empty(ROOM, dtype=EVENT)
        self._bury()

    def _bury(self) -> None:
        """Records that concern no customer: what can't be read is dead-lettered, clock records are counted, choices of
        the champion are passed on."""
        piece, columns = self.work.piece, self.work.batch.columns
        kinds = columns.kinds[piece.first : piece.last]
        self.work.counts["clocks"] += int(np.count_nonzero(kinds == Kind.CLOCK))
        for row in (np.flatnonzero(kinds == 0) + piece.first).tolist():
            content = columns.contents[row]
            if isinstance(content, Rejected):
                dead_record(self.work, row, str(content.code), content.reason)
        for row in (np.flatnonzero(kinds == Kind.MODEL_CHOSEN) + piece.first).tolist():
            choose_champion(self.work, row, int(self.arrivals.now[row]))

    def newcomers(self) -> list[int]:
        """Lanes without a record that have touchpoints."""
        return np.flatnonzero((self.lanes["exists"] == 0) & (self.lanes["cursor"] >= 0)).tolist()

    def admit(self, index: int) -> int:
        """Pass over what makes no record of a newcomer; their lane then begins with what does. Returns how many rows.

        A customer is created on their own partition only. Asked at the touchpoint's own step: whether the one before it
        left a record must not depend on the piece.
        """
        lane, work, state = self.lanes[index], self.work, self._state
        passed = 0
        while (row := int(lane["cursor"])) >= 0:
            name = self.block.names[index].decode()
            reason = misplaced(name, work.batch.keys[row], state.partition, state.partitions)
            if reason is not None:
                dead_record(work, row, str(Code.WRONG_PARTITION), reason)
            elif self.arrivals.kinds[row] == Kind.EXPIRED_UNSENT:
                self.counts[Count.APPLIED] += 1
                self.counts[Count.SKEWED] += self.arrivals.skewed[row]
            else:
                lane["exists"] = 1
                break
            passed += 1
            lane["cursor"] = self.arrivals.following[row]
        return passed

    def to_the_end(self) -> None:
        """Take all lanes to their end."""
        for index in self.newcomers():
            self.admit(index)
        active = np.arange(len(self.lanes))
        while active.size:
            self.advance(active)
            active = active[self.lanes["state"][active] != State.DONE]

    def advance(self, order: NDArray[np.int64], single: bool = False) -> None:
        """Take lanes as far as they go at once, or one step; decide what they report; score those that ask."""
        written = walk(
            self.block.rows,
            self.lanes,
            order,
            self.arrivals,
            self.work.piece.bound[0],
            self._rules,
            self._mixture,
            self._room,
            self._asks,
            single,
            self._probabilities,
            self._crossings,
            self.counts,
            self._events,
        )
        if written:
            self._decide(written)
        if self._asks:
            asking = order[self.lanes["state"][order] == State.ASKING]
            if asking.size:
                self._estimate(asking)
                self.lanes["state"][asking] = State.SCORED

    def _estimate(self, asking: NDArray[np.int64]) -> None:
        """What another scorer than the compiled one says of the lanes that ask, and foresees."""
        scorer, lanes, ticks = self.work.scorer, self.lanes[asking], self.block.rows["times"][asking, TICK]
        self._probabilities[asking] = _probable(scorer.score(lanes["basis"]))
        below = self._probabilities[asking] < self.work.settings.enter
        wanted = below & (ticks != 0.0)
        self._crossings[asking[wanted]] = crossings_of(
            scorer, lanes["basis"][wanted], lanes["now"][wanted], ticks[wanted], self.work.settings.enter
        )

    def _decide(self, written: int) -> None:
        """Go through the events in order: a customer's tail follows the order of their lane."""
        events = self._events[:written]
        names = ("lane", "what", "row", "due", "now", "probability", "opened", "flag")
        columns = [events[name].tolist() for name in names]
        for number, (lane, what, row, due, now, estimate, opened, flag) in enumerate(zip(*columns, strict=True)):
            if what <= What.CASE:
                self._tell(lane, row, bool(flag))
                continue
            customer = self.block.names[lane]
            at = self.place(row, due, customer)
            if what == What.REARM:
                self._rearm(lane, row, Row(at, now, customer))
            elif what == What.ERASE:
                self._erase(lane, row)
                tell(self.work, Row(at, now, customer), "erased", "the customer asked to be forgotten")
            elif what == What.LAPSED:
                forget_episode(self.block.open(lane).tail)
                reason = "cancelled" if row >= 0 else "silent for two horizons"
                tell(self.work, Row(at, now, customer), "episode_closed", reason)
            elif what == What.LABEL:
                label(
                    self.work, Row(at, now, customer), CHURN, opened, events["snapshot"][number], bool(flag), estimate
                )
            elif what == What.RETURNED:
                label(self.work, Row(at, now, customer), RETURN, opened, events["snapshot"][number], bool(flag))
            elif what == What.CLOSED:
                forget_episode(self.block.open(lane).tail)
                row_ = Row(at, now, customer, probability=estimate)
                tell(self.work, row_, "episode_closed", "risk fell below the exit threshold")
            else:
                self._ask(lane, row, what == What.OPENED, opened, Row(at, now, customer, probability=estimate), number)

    def counted(self) -> Counter[str]:
        """What happened, by the fields of `models.line.Totals`."""
        steps = {count.name.lower(): int(self.counts[count]) for count in Count if count != Count.ROWS}
        return self.work.counts + Counter(steps)

    def place(self, row: int, due: float, customer: bytes) -> Place:
        """Where a step stands in the line: at its touchpoint, or, a due item, before the record that makes it due."""
        if row >= 0:
            return row, 1, 0.0, b""
        piece = self.work.piece
        return bisect_left(self.arrivals.now, time_of(due), piece.first, piece.last), 0, due, customer

    def _ask(self, lane: int, row: int, new: bool, opened: int, where: Row, number: int) -> None:
        record = self.block.open(lane)
        if new:
            record.tail.opener = self._event(row).id if row >= 0 else "due"
        what = "episode_opened" if new else "episode_continued"
        ask(self.work, where, what, record, opened, self._events["basis"][number])

    def _event(self, row: int) -> Any:
        """The touchpoint at a row of the batch, as decoded."""
        return self.work.batch.columns.contents[row]

    def _tell(self, lane: int, row: int, late: bool) -> None:
        """A touchpoint enters the tail."""
        record, event = self.block.open(lane), self._event(row)
        take_in(record, Told(event.kind, int(self.arrivals.times[row]), event.data), late)
        cases = record.tail.cases
        self.block.open_cases[lane] = len(cases)
        self.block.rows["seconds"][lane, OLDEST_CASE] = oldest(cases)

    def _rearm(self, lane: int, row: int, where: Row) -> None:
        """A trigger expired before it could be sent: the episode may ask again, once the risk is next estimated."""
        record, band = self.block.open(lane), self.block.rows["band"][lane]
        wanted = getattr(self._event(row).data, "trigger_id", "")
        if band != Band.AT_RISK or record.tail.trigger.hex() != wanted:
            return
        record.tail.trigger = b""
        record.flags |= REARMED
        tell(self.work, where, "rearmed", "the trigger expired before it could be sent")

    def _erase(self, lane: int, row: int) -> None:
        """Forget all but that there is nothing to remember: the id check, the ring of event ids, the flag."""
        self.block.clear(lane)
        record = self.block.rows[lane]
        record["flags"], record["band"] = ERASED, Band.ERASED
        record["ids"][0], record["ring"] = self.arrivals.hashes[row], 1
