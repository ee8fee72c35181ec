"""Runs the compiled loop over one commit's customers and handles the effects it reports."""

from __future__ import annotations

from collections import Counter
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.churn import MixtureScorer
from models.churn.crossing import NEVER_REACHED, crossings_of, target_of
from models.churn.mixture.probability import NO_MIXTURE
from models.customer.block import Block
from models.customer.layout import TICK
from models.engine.arrivals import LOOPS, arrivals_of
from models.engine.asking import asking
from models.engine.by_policy import answer_for_nobody
from models.engine.compiled_rules import rules_of
from models.engine.decide import Row, choose_champion, take_choice
from models.engine.effects import take_effect
from models.engine.ground import Ground
from models.engine.lanes import EFFECT, Count, State, lanes_of, loops_of
from models.engine.output_buffer import Work, dead_record
from models.engine.valued import UNKNOWN, appraisal_by, appraise
from models.engine.waves import waves
from models.timeline.order import NEVER
from models.timeline.partitioning import misplaced
from models.timeline.shard_state import ShardState
from models.touchpoints import Code, Kind, Rejected

EFFECTS_A_CALL = 2048
"""Effects between two calls of the compiled loop: enough for most pieces, and small enough to stay in the processor's
cache."""

NO_TOUCH = (Kind.EXPIRED_UNSENT, Kind.LOOKED_AT, Kind.ASKED_MAY, Kind.PREVIEW_ASKED, Kind.SHARED_MOMENT)
"""Kinds that make no record of somebody who has none."""


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
        for row in (*work.arrived.again, *work.arrived.refused):
            lane_of_row[row - piece.first] = -1
        work.counts["duplicate"] += len(work.arrived.again)
        self.lanes = lanes_of(block, work.settings, piece, work.policy, work.values)
        asked = asking(work.policy, batch, piece, work.settings.alive)
        self.arrivals = arrivals_of(batch, piece, state.time, lane_of_row, self.lanes, asked.rows, asked.felt)
        self.loaded_dues = np.where(block.known, block.dues(), NEVER)
        self.loaded_bands = block.rows["band"].copy()
        self._rules = rules_of(work.settings, work.quiet_until, work.policy, work.values, bool(work.stops))
        scorer = work.scorer
        # Not a subclass, which may score otherwise than compiled code does.
        self._asks = type(scorer) is not MixtureScorer
        self._mixture = scorer.mixture if isinstance(scorer, MixtureScorer) else NO_MIXTURE
        self._appraisal = appraisal_by(scorer, work.settings, work.policy) if work.values else UNKNOWN
        self._probabilities = np.zeros(len(self.lanes))
        self._crossings = np.zeros(len(self.lanes), dtype=np.int64)
        self.ground = Ground(
            work,
            block,
            self.lanes,
            self.arrivals,
            np.empty(EFFECTS_A_CALL, dtype=EFFECT),
            asked.moments,
            self._rules,
            self.arrivals.now[piece.first : piece.last].tolist(),
            loops_of(self.lanes),
            self._looping(lane_of_row),
            work.policy is not None and work.policy.by_stage,
        )
        for lane in self.ground.looping:
            self.ground.read_loop(lane)
        self._take_rejected()

    def _looping(self, lane_of_row: NDArray[np.int64]) -> frozenset[int]:
        """The lanes with touchpoints that count in the loyalty loop."""
        piece = self.work.piece
        counts = self.arrivals.asks[piece.first : piece.last] & LOOPS > 0
        return frozenset(lane_of_row[counts & (lane_of_row >= 0)].tolist())

    def write_loops(self) -> None:
        """At the end of the piece tails say what lanes have of the loyalty loop."""
        for lane in self.ground.looping:
            self.ground.write_loop(lane)

    def _take_rejected(self) -> None:
        """Records that concern no customer: what can't be read is dead-lettered, clock records are counted, operators'
        choices are passed on."""
        piece, columns = self.work.piece, self.work.batch.columns
        kinds, arrived = columns.kinds[piece.first : piece.last], self.work.arrived
        self.work.counts["clocks"] += int(np.count_nonzero(kinds == Kind.CLOCK))
        for row in (np.flatnonzero(kinds == 0) + piece.first).tolist():
            content = columns.contents[row]
            if isinstance(content, Rejected) and row not in arrived.again and row not in arrived.refused:
                dead_record(self.work, row, str(content.code), content.reason)
        for row, reason in arrived.refused.items():
            dead_record(self.work, row, str(Code.BAD_FIELD), reason)
        for row in (np.flatnonzero(kinds == Kind.MODEL_CHOSEN) + piece.first).tolist():
            choose_champion(self.work, row, int(self.arrivals.now[row]))
        if piece.first in self.work.batch.cuts and piece.first < piece.last:
            take_choice(self.work, piece.first)

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
            elif self.arrivals.kinds[row] in NO_TOUCH:
                self.counts[Count.APPLIED] += 1
                self.counts[Count.SKEWED] += self.arrivals.skewed[row]
                if self.arrivals.kinds[row] == Kind.SHARED_MOMENT:
                    where = Row((row, 1, 0.0, b""), int(self.arrivals.now[row]), self.block.names[index])
                    answer_for_nobody(work, where, self.ground.touchpoint(row).data)
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
            active = self.not_done(active)

    def not_done(self, walked: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of lanes that were taken on those that are not at their end. Who has left the store meanwhile and comes back
        is admitted anew."""
        active: NDArray[np.int64] = walked[self.lanes["state"][walked] != State.DONE]
        left = (self.lanes["exists"][active] == 0) & (self.lanes["cursor"][active] >= 0)
        for index in active[left].tolist():
            self.admit(index)
        return active

    def advance(self, order: NDArray[np.int64], single: bool = False) -> None:
        """Take lanes as far as they go at once, or one step; let what they report take effect; score those that ask."""
        written = waves(*self.arguments(order, single))
        if written:
            take_effect(self.ground, written)
        self.score_those_that_ask(order)

    def score_those_that_ask(self, order: NDArray[np.int64]) -> None:
        """Where the scorer is not the compiled one."""
        if self._asks:
            asking = order[self.lanes["state"][order] == State.ASKING]
            if asking.size:
                self._estimate(asking)
                self.lanes["state"][asking] = State.SCORED

    def arguments(self, order: NDArray[np.int64], single: bool) -> tuple[Any, ...]:
        """Of `waves`."""
        return (
            self.block.rows,
            self.lanes,
            order,
            self.arrivals,
            self.work.piece.bound[0],
            self._rules,
            self._mixture,
            self._appraisal,
            self._asks,
            single,
            self._probabilities,
            self._crossings,
            self.counts,
            self.ground.effects,
        )

    def _estimate(self, asking: NDArray[np.int64]) -> None:
        """What another scorer than the compiled one says of the lanes that ask, and foresees."""
        scorer, lanes, ticks = self.work.scorer, self.lanes[asking], self.block.rows["times"][asking, TICK]
        appraise(self.block.rows, self.lanes, asking, self._rules, self._appraisal)
        risks = self._probabilities[asking] = _probable(scorer.score(lanes["basis"]))
        exits, ladders = self._rules["exits"][lanes["ladder"]], self._rules["ladders"][lanes["ladder"]]
        targets = np.array(list(map(target_of, risks, lanes["reached"], exits, ladders)))
        wanted = (targets < NEVER_REACHED) & (ticks != 0.0)
        self._crossings[asking] = 0
        self._crossings[asking[wanted]] = crossings_of(
            scorer, lanes["basis"][wanted], lanes["now"][wanted], ticks[wanted], targets[wanted]
        )

    def counted(self) -> Counter[str]:
        """What happened, by the fields of `models.timeline.shard_state.Totals`."""
        steps = {count.name.lower(): int(self.counts[count]) for count in Count if count != Count.ROWS}
        return self.work.counts + Counter(steps)
