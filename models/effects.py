"""What each event of the walk comes to: one handler for every `What`, in one table.

The walk writes events down with all that the decision reads; here, in plain Python, they change the part of a record
that compiled code does not, and are decided and said. Handlers know the ground that a run works on, not the run.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

from models.bands import Band
from models.block import Block
from models.calendar import time_of
from models.customer import ERASED, OLDEST_CASE, REARMED
from models.decide import Row, ask, label, tell
from models.lanes import Arrivals, What
from models.outputs import CHURN, RETURN
from models.profile import Told, oldest, take_in
from models.risk import forget_episode
from models.work import Place, Work


class Event(NamedTuple):
    """One event of the walk as plain numbers; the fields are told at `models.lanes.EVENT`.

    number: its row in the buffer, where its snapshot and its basis are.
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


@dataclass(frozen=True, slots=True)
class Ground:
    """What the handlers of one piece work on.

    Attributes:
        work: the piece under way, which takes what is said.
        block: the records, one row for every lane.
        arrivals: the batch's touchpoints, as columns of shape (rows,).
        events: the walk's buffer, dtype `models.lanes.EVENT`, shape (room,).
    """

    work: Work
    block: Block
    arrivals: Arrivals
    events: NDArray[Any]

    def place(self, row: int, due: float, customer: bytes) -> Place:
        """Where a step stands in the line: at its touchpoint, or, a due item, before the record that makes it due."""
        if row >= 0:
            return row, 1, 0.0, b""
        piece = self.work.piece
        return bisect_left(self.arrivals.now, time_of(due), piece.first, piece.last), 0, due, customer

    def where(self, event: Event, probability: float | None = None) -> Row:
        """An event's row of the line. probability: of its estimate, if there was one."""
        customer = self.block.names[event.lane]
        return Row(self.place(event.row, event.due, customer), event.now, customer, probability)

    def touchpoint(self, row: int) -> Any:
        """The touchpoint at a row of the batch, as decoded."""
        return self.work.batch.columns.contents[row]


def _told(ground: Ground, event: Event) -> None:
    """A touchpoint enters the tail."""
    block, lane, touch = ground.block, event.lane, ground.touchpoint(event.row)
    record = block.open(lane)
    take_in(record, Told(touch.kind, int(ground.arrivals.times[event.row]), touch.data), bool(event.flag))
    cases = record.tail.cases
    block.open_cases[lane] = len(cases)
    block.rows["seconds"][lane, OLDEST_CASE] = oldest(cases)


def _rearm(ground: Ground, event: Event) -> None:
    """A trigger expired before it could be sent: the episode may ask again, once the risk is next estimated."""
    record, band = ground.block.open(event.lane), ground.block.rows["band"][event.lane]
    wanted = getattr(ground.touchpoint(event.row).data, "trigger_id", "")
    if band != Band.AT_RISK or record.tail.trigger.hex() != wanted:
        return
    record.tail.trigger = b""
    record.flags |= REARMED
    tell(ground.work, ground.where(event), "rearmed", "the trigger expired before it could be sent")


def _erase(ground: Ground, event: Event) -> None:
    """Forget all but that there is nothing to remember: the id check, the ring of event ids, the flag."""
    ground.block.clear(event.lane)
    record = ground.block.rows[event.lane]
    record["flags"], record["band"] = ERASED, Band.ERASED
    record["ids"][0], record["ring"] = ground.arrivals.hashes[event.row], 1
    tell(ground.work, ground.where(event), "erased", "the customer asked to be forgotten")


def _lapsed(ground: Ground, event: Event) -> None:
    forget_episode(ground.block.open(event.lane).tail)
    reason = "cancelled" if event.row >= 0 else "silent for two horizons"
    tell(ground.work, ground.where(event), "episode_closed", reason)


def _label(ground: Ground, event: Event) -> None:
    snapshot, churned = ground.events["snapshot"][event.number], bool(event.flag)
    label(ground.work, ground.where(event), CHURN, event.opened, snapshot, churned, event.probability)


def _returned(ground: Ground, event: Event) -> None:
    snapshot, back = ground.events["snapshot"][event.number], bool(event.flag)
    label(ground.work, ground.where(event), RETURN, event.opened, snapshot, back)


def _opened(ground: Ground, event: Event) -> None:
    opener = ground.touchpoint(event.row).id if event.row >= 0 else "due"
    ground.block.open(event.lane).tail.opener = opener
    _ask(ground, event, "episode_opened")


def _again(ground: Ground, event: Event) -> None:
    _ask(ground, event, "episode_continued")


def _ask(ground: Ground, event: Event, what: str) -> None:
    row, record = ground.where(event, event.probability), ground.block.open(event.lane)
    ask(ground.work, row, what, record, event.opened, ground.events["basis"][event.number])


def _closed(ground: Ground, event: Event) -> None:
    forget_episode(ground.block.open(event.lane).tail)
    row = ground.where(event, event.probability)
    tell(ground.work, row, "episode_closed", "risk fell below the exit threshold")


HANDLERS: dict[int, Callable[[Ground, Event], None]] = {
    What.TOLD: _told,
    What.CASE: _told,
    What.REARM: _rearm,
    What.ERASE: _erase,
    What.LAPSED: _lapsed,
    What.LABEL: _label,
    What.RETURNED: _returned,
    What.OPENED: _opened,
    What.AGAIN: _again,
    What.CLOSED: _closed,
}
"""By `What`; keys are compared with the plain integers of the buffer."""


def take_effect(ground: Ground, written: int) -> None:
    """Go through the first `written` events in order: a customer's tail follows the order of their lane."""
    events = ground.events[:written]
    columns = [events[name].tolist() for name in Event._fields[1:]]
    for event in map(Event._make, zip(range(written), *columns, strict=True)):
        HANDLERS[event.what](ground, event)
