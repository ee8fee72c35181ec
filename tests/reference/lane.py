"""One customer's way through a piece of the line, as a marketer would tell it: one step after the other."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.calendar import NEVER, Stage, place, stage_of, time_of
from models.customer import (
    BOUGHT,
    DUE,
    EPISODE,
    ERASED,
    LAST_PURCHASE,
    PURCHASE_DAYS,
    REARMED,
    SNAPSHOT,
    SNAPSHOT_RISK,
    TICK,
    Record,
    halves,
    hash_of,
)
from models.profile import TELLING, take_in
from models.settings import EngineSettings
from models.touchpoints import Kind, Touch
from models.work import Place
from tests.reference.basis import basis_of
from tests.reference.behaviour import update
from tests.reference.calendar import next_tick, takes_snapshot
from tests.reference.risk import Band, close


class Arrival(NamedTuple):
    """A touchpoint in a piece: its row of the batch, shard time as of it."""

    index: int
    now: int
    touch: Touch


class Step(NamedTuple):
    """One row of the line. `what`: what it did. `basis`: what to score, or None when there is nothing to score."""

    at: Place
    now: int
    what: str
    touch: Touch | None
    basis: array[float] | None = None
    may_open: bool = True


class Lane:
    """One customer in one piece. `times`: shard time as of each of its records; `bound`: where it ends."""

    def __init__(
        self,
        customer: bytes,
        record: Record | None,
        settings: EngineSettings,
        first: int,
        times: Sequence[int],
        bound: tuple[float, bytes],
    ) -> None:
        self.customer, self.record = customer, record
        self.hash = hash_of(customer)
        self.settings, self._first, self._times, self._bound = settings, first, times, bound
        self.arrivals: deque[Arrival] = deque()
        self.loaded_due = record.times[DUE] if record else NEVER
        self.loaded_band = record.band if record else None
        self.changed = False

    def upcoming(self) -> tuple[Place, float] | None:
        """Where the next step stands, and its due place (0.0: it is a touchpoint); None when the lane is done."""
        due = self.record.times[DUE] if self.record else NEVER
        if self.arrivals:
            arrival = self.arrivals[0]
            if due == NEVER or time_of(due) > arrival.now:
                return (arrival.index, 1, 0.0, b""), 0.0
        elif (due, self.customer) >= self._bound:
            return None
        index = self._first + bisect_left(self._times, time_of(due))
        return (index, 0, due, self.customer), due

    def step(self, at: Place, due: float) -> Step:
        """Take the step that `upcoming` announced."""
        self.changed = True
        return self._due_step(at, due) if due else self._touch_step(at, self.arrivals.popleft())

    def finish(self, step: Step, probability: float | None) -> None:
        """After the decision: at a tick, open a learning snapshot if it is this customer's turn; when is what due?"""
        record = self.record
        if record is None:
            return
        if step.what == "tick" and step.basis is not None and probability is not None:
            active = step.now - record.times[LAST_PURCHASE] <= self.settings.horizon
            if active and not record.times[SNAPSHOT] and takes_snapshot(self.settings, self.hash, step.now):
                record.times[SNAPSHOT] = step.now
                record.snapshot = array("H", halves(np.array(step.basis)).tobytes())
                record.numbers[SNAPSHOT_RISK] = probability
                record.flags &= ~BOUGHT
        record.times[DUE] = self._next_due(record)

    # -- due items

    def _due_step(self, at: Place, due: float) -> Step:
        record, now = self.record, time_of(due)
        if record is None:
            raise ValueError(f"a due item of {self.customer!r} without a record")
        if stage_of(due) == Stage.LABELS:
            return Step(at, now, "label", None)
        if now - record.times[LAST_PURCHASE] > self.settings.silence:
            record.times[TICK] = 0
            return Step(at, now, "lapse", None)
        record.times[TICK] = now + self.settings.tick
        return Step(at, now, "tick", None, basis_of(record, now))

    def _next_due(self, record: Record) -> float:
        tick, snapshot = record.times[TICK], record.times[SNAPSHOT]
        due = float(place(int(tick), Stage.SCORES)) if tick else NEVER
        if snapshot:
            label = int(snapshot) + self.settings.horizon + self.settings.lateness
            due = min(due, float(place(label, Stage.LABELS)))
        return due

    # -- touchpoints

    def _touch_step(self, at: Place, arrival: Arrival) -> Step:
        touch, now = arrival.touch, arrival.now
        record = self.record
        if touch.kind == Kind.EXPIRED_UNSENT:
            return Step(at, now, self._rearm(touch), touch)
        if record is None:
            record = self.record = Record(self.customer)
        elif record.has_seen(touch.id_hash):
            return Step(at, now, "duplicate", touch)
        record.remember(touch.id_hash)
        if touch.kind == Kind.ERASE_REQUESTED:
            self._erase(touch)
            return Step(at, now, "erased", touch)
        if record.flags & ERASED:
            return Step(at, now, "after_erasure", touch)
        late = touch.time < now - self.settings.lateness
        if touch.kind in TELLING:
            take_in(record, touch, late)
            record.open_cases = len(record.tail.cases)
        update(record, touch, self.settings.horizon, late)
        if touch.kind == Kind.PURCHASE and not record.times[TICK]:
            record.times[TICK] = next_tick(self.settings, self.hash, now)
        what = "late" if late else "applied"
        if not record.numbers[PURCHASE_DAYS] or now - record.times[LAST_PURCHASE] > self.settings.silence:
            return Step(at, now, what, touch)
        # Who has just bought is not lost yet, whatever the model expects of them: the next tick looks again.
        may_open = not late and touch.kind != Kind.PURCHASE
        return Step(at, now, what, touch, basis_of(record, now), may_open)

    def _rearm(self, touch: Touch) -> str:
        """A trigger expired before it could be sent: the episode may ask again, once the risk is next estimated."""
        record = self.record
        wanted = getattr(touch.data, "trigger_id", "")
        if record is None or record.band != Band.AT_RISK or record.tail.trigger.hex() != wanted:
            return "stale"
        record.tail.trigger = b""
        record.flags |= REARMED
        return "rearmed"

    def _erase(self, touch: Touch) -> None:
        """Forget all but that there is nothing to remember: the id check, the ring of event ids, the flag."""
        blank = Record(self.customer)
        blank.flags, blank.band = ERASED, Band.ERASED
        blank.remember(touch.id_hash)
        self.record = blank

    def lapse(self) -> bool:
        """Leave the risk bands; True when an episode was open."""
        record = self.record
        if record is None:
            raise ValueError(f"{self.customer!r} can't lapse without a record")
        was_open = bool(record.times[EPISODE])
        close(record, Band.LAPSED)
        return was_open
