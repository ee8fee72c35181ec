"""One shard replayed in memory, up to exact positions of its line; of all customers, or of a few.

Of a few: a record of somebody else changes nothing of theirs, but it moves the shard's time, and a version may come
into force before it. So the records of others are left out, and where time would pass unseen a clock record stands in
the place of the last of them, with the time reached by then. A piece's customers are independent, so what remains is,
for these customers, the same line. What they are asked at a timer is placed before the record at which it rang, so
who wants to hear outputs to the byte has every place kept at which time passes.

Where a policy has a budget or an alarm, customers share them: then a few can't be replayed alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from models.churn import Scorer, scorer_of
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.engine.changes import NumberedOutput
from models.engine.piece_input import DueItem, Scoring
from models.engine.step import (
    Adopted,
    Answer,
    Done,
    DueBefore,
    InForce,
    RecordsOf,
    Request,
    Upcoming,
    VersionAtBoundary,
    VersionAtRecord,
    drive_waiting,
    step,
)
from models.learning.adoption import Adoption, VersionName, in_force_in, timer_of_change
from models.learning.learner import initial_version
from models.settings import EngineSettings
from models.simulation.rehearsal import Shard
from models.timeline.batch import Batch, LogRecord
from models.timeline.order import Stage, timer_position
from models.timeline.shard_state import NO_TIME, ShardState, initialised
from streams.shard.clock_writer import clock_record
from streams.shard.engine_errors import engine_errors

CHOSEN = (b'"settings_chosen"', b'"policy_chosen"', b'"stopped"', b'"resumed"')
"""What operators choose for all customers, in records that have no key."""

Named = Callable[[VersionName], Awaitable[InForce]]
"""The version of a name."""


class SharedByAll(Exception):
    """A policy came into force under which customers share something: who replays a few has to replay everybody."""


@dataclass(frozen=True, order=True)
class Cut:
    """A position of the line: all records before `next_offset` are done, and the timers before `timer`."""

    next_offset: int
    timer: DueItem

    @classmethod
    def of(cls, state: ShardState) -> Cut:
        """Where no timer is known to remain, those before the last boundary are done, and later ones as far as the
        records before the cut reach."""
        watermark = timer_position(state.boundary, Stage.WATERMARK)
        position = state.commit_position or max(watermark, 0)
        return cls(state.next_offset, (float(position), state.commit_customer.encode()))


class ShardReplay:
    """A shard from its creation on.

    Args:
        state: as at creation.
        settings: those that the shard was created with.
        topic: the input's name.
        adoption: which versions come into force where.
        named: gives them.
        quiet_until: as of the shard's creation.
        customers: whose records are replayed; None: everybody's.
        heard: told each output; None: nobody asks.
    """

    def __init__(
        self,
        state: ShardState,
        settings: EngineSettings,
        topic: str,
        adoption: Adoption,
        named: Named,
        quiet_until: int = 0,
        customers: Collection[bytes] | None = None,
        heard: Callable[[NumberedOutput], None] | None = None,
    ) -> None:
        self._shard = Shard((), state, adoption)
        self._settings, self._topic, self._named = settings, topic, named
        self._quiet_until, self._customers, self._heard = quiet_until, customers, heard
        self._scorer: Scorer | None = None

    @property
    def state(self) -> ShardState:
        return self._shard.state

    @property
    def records(self) -> dict[bytes, bytes]:
        return self._shard.records

    async def apply(self, records: Sequence[LogRecord]) -> None:
        """All of these records, which follow those before, and the timers that stand before them.

        Raises SharedByAll where only some customers are replayed.
        """
        if not records:
            return
        if self.state.time == NO_TIME:
            self._shard.state = initialised(self.state, self._settings, records[0].timestamp)
        batch, first = Batch.of(self._thinned(records)), 0
        while first < len(batch):
            first += await self._step(batch, first, len(batch))

    async def timers(self, cut: Cut, record: LogRecord) -> None:
        """The timers before the record at a cut, up to the cut's own; the record is not applied."""
        place = LogRecord(record.offset, record.timestamp, None, clock_record(0, record.timestamp, "verify"))
        batch = Batch.of([place])
        while Cut.of(self.state).timer < cut.timer and self._shard.due_before(cut.timer, 1):
            await self._step(batch, 0, 1, cut.timer)

    def _thinned(self, records: Sequence[LogRecord]) -> list[LogRecord]:
        """What is to be applied: the records of our customers, and a clock record wherever time would pass unseen."""
        if self._customers is None:
            return list(records)
        kept: list[LogRecord] = []
        reached, seen = -inf, -inf
        passed: LogRecord | None = None
        change = self._shard.adoption.next_change(records[0].offset - 1)
        for record in records:
            before, reached = reached, max(reached, record.timestamp)
            if change is not None and change < record.offset:
                change = self._shard.adoption.next_change(record.offset - 1)
            value = record.value or b""
            chosen = record.key is None and any(name in value for name in CHOSEN)
            ours = chosen or record.key in self._customers
            # A version that comes into force before a record does so at its offset, with all before it done.
            placed = self._heard is not None and record.timestamp > before
            if not (ours or placed) and record.offset != change and record is not records[-1]:
                passed = record
                continue
            if passed is not None and before > seen:
                kept.append(_clock(passed.offset, int(before)))
            kept.append(record if ours else _clock(record.offset, int(reached)))
            seen, passed = reached, None
        return kept

    async def _step(self, batch: Batch, first: int, end: int, until: DueItem | None = None) -> int:
        """One piece; how many rows it has done. until: the piece ends before it."""
        state, shard, offset = self.state, self._shard, int(batch.offsets[first])
        between = timer_of_change(shard.adoption, state, offset)
        until = min((timer for timer in (until, between) if timer is not None), default=None)
        change = shard.adoption.next_change(offset)
        if change is not None:
            end = min(end, int(np.searchsorted(batch.offsets, change)))

        async def answer(request: Request) -> Answer:
            match request:
                case VersionAtBoundary():
                    return Adopted(await self._found(shard.adoption.at_boundary(request.boundary)))
                case VersionAtRecord():
                    wanted = shard.adoption.at_record(request.offset, request.boundary, request.timer)
                    return Adopted(await self._found(wanted if wanted != in_force_in(state) else None))
                case DueBefore() | RecordsOf():
                    return shard.stored(request)

        scorer = self._scorer or scorer_of(initial_version(self._settings), self._settings)
        upcoming = Upcoming(state, self._settings, self._topic, batch, first, end, until)
        scoring = Scoring(scorer, None, self._quiet_until, shard.policy, shard.policy_waiting)
        with engine_errors(str(state.partition)):
            done = await drive_waiting(step(upcoming, scoring), answer)
        if not isinstance(done, Done):
            raise TypeError("a replay waits for every version")
        shard.commit(done.changes)
        if self._heard is not None:
            for output in shard.emitted:
                self._heard(output)
        shard.emitted.clear()
        self._scorer = done.scoring.scorer
        shard.policy, shard.policy_waiting = done.scoring.policy, done.scoring.policy_waiting
        if self._customers is not None and shard.policy is not None and _shares(shard.policy):
            raise SharedByAll
        return done.piece.last - done.piece.first

    async def _found(self, name: VersionName | None) -> InForce | None:
        return None if name is None else await self._named(name)


def _shares(policy: PolicyInForce) -> bool:
    rules = rules_of(policy)
    return bool(rules.budgets) or rules.alarm is not None


def _clock(offset: int, time: int) -> LogRecord:
    return LogRecord(offset, time, None, clock_record(0, time, "verify"))
