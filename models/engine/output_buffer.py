"""Output buffer of the commit being computed, dead letters included.

Outputs carry their position in the line, so that they can be sorted into its order whatever order the lanes took.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from msgspec import UNSET, Struct

from models.churn import Scorer
from models.decisions.policy.in_force import PolicyInForce
from models.engine.arrived import record_of
from models.engine.piece_input import PieceInput, Scoring
from models.engine.shared_state import SharedState, shared_in
from models.outputs import KEPT_OF_OVERSIZE, DeadLetter, Emittable, Position, as_text, output_id
from models.settings import EngineSettings
from models.timeline.batch import Batch
from models.timeline.chosen_policy import PolicyChange
from models.timeline.chosen_settings import Change
from models.timeline.pieces import Piece
from models.timeline.received import Received, received
from models.timeline.stop_types import Stop
from models.timeline.stops import StopChange, in_force
from models.touchpoints import Code, Kind, Rejected

OutputPosition = tuple[int, int, float, bytes]
"""Where in the line an output belongs: (row of the batch, 0 before / 1 at, timer position, customer)."""


class Emitted(Struct, frozen=True, gc=False):
    """An output without a sequence number yet: topic role, id, Kafka key, content, log time, expiry (0: never)."""

    role: str
    id: str
    key: bytes
    output: Emittable
    time: int
    expires_at: int = 0


LONGEST_KEY = 512
"""Bytes kept of a dead record's key: no customer's is longer, and a broker takes no letter of any size."""


NOTHING_ARRIVED = Received()


@dataclass(slots=True)
class Work:
    """A piece under way. shared: what the shard's customers share, as of the step under way; None: nothing.
    policy_since: log time (ms) at which the policy came into force; 0: at the first record. stops: in force in all of
    it. values: it is kept what customers are worth. arrived: what other shards have sent."""

    settings: EngineSettings
    partition: int
    topic: str
    version: int
    scorer: Scorer
    batch: Batch
    piece: Piece
    quiet_until: int = 0
    change: Change | None = None
    policy: PolicyInForce | None = None
    policy_change: PolicyChange | None = None
    shared: SharedState | None = None
    policy_since: int = 0
    stop_change: StopChange | None = None
    stops: tuple[Stop, ...] = ()
    values: bool = False
    arrived: Received = NOTHING_ARRIVED
    emitted: list[tuple[OutputPosition, int, Emitted]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, given: PieceInput, scoring: Scoring) -> Work:
        """A piece before its first step. Raises RecordsMissing."""
        first, last = given.piece.first, given.piece.last
        came = [(row, head) for row, head in given.batch.columns.between.items() if first <= row < last]
        before = given.state.received
        arrived = received(before, came, given.state.partitions, record_of) if came else Received(before)
        state, version = given.state, scoring.version(given.state)
        return cls(
            given.settings,
            state.partition,
            given.topic,
            version,
            scoring.scorer,
            given.batch,
            given.piece,
            scoring.quiet_until,
            given.change,
            scoring.policy,
            given.policy_change,
            shared_in(given, scoring),
            0 if state.policy_since is UNSET else state.policy_since,
            given.stop_change,
            in_force(state).standing,
            scoring.values or (scoring.policy is not None and scoring.policy.policy.value is not None),
            arrived,
        )

    def emit(self, at: OutputPosition, emitted: Emitted) -> None:
        self.emitted.append((at, len(self.emitted), emitted))

    def position(self, at: OutputPosition) -> Position:
        index = at[0]
        offset = self.batch.offsets.item(index) if index < len(self.batch) else self.piece.next_offset
        return Position(self.partition, offset, due=at[1] == 0)


def dead_record(work: Work, row: int, code: str, reason: str) -> None:
    """A record of the batch goes to the dead letters, whole unless it is oversize."""
    entry = work.batch.record(row)
    value = entry.value or b""
    content = work.batch.columns.contents[row]
    seen = content if isinstance(content, Rejected) else None
    touch = None if seen else work.batch.columns.touch(row)
    letter = DeadLetter(
        code=code,
        reason=reason,
        topic=work.topic,
        partition=work.partition,
        offset=entry.offset,
        timestamp=entry.timestamp,
        size=len(value),
        value=as_text(value, KEPT_OF_OVERSIZE if code == Code.OVERSIZE else None),
        key=as_text(entry.key, LONGEST_KEY),
        customer=(touch.customer or None) if touch else seen.customer if seen else None,
        event_type=Kind(touch.kind).type if touch else seen.type if seen else None,
        event_id=touch.id if touch else seen.event_id if seen else None,
    )
    work.counts["dead"] += 1
    name = output_id("deadletter", work.partition, entry.offset, code)
    work.emit(
        (row, 1, 0.0, b""), Emitted("deadletters", name, (entry.key or b"")[:LONGEST_KEY], letter, entry.timestamp)
    )


def dead_due_item(work: Work, at: OutputPosition, customer: bytes, reason: str, due: int) -> None:
    """A due item on which the engine raised: there is no record to keep, only the customer and the time.

    Args:
        work: takes the dead letter.
        at: the timer's position in the line.
        customer: whose it is.
        reason: what the engine raised, in words.
        due: its log time, ms.
    """
    position = work.position(at)
    letter = DeadLetter(
        code=str(Code.ENGINE_ERROR),
        reason=reason,
        topic=work.topic,
        partition=work.partition,
        offset=position.offset,
        timestamp=due,
        size=0,
        customer=customer.decode(),
        due=due,
    )
    work.counts["dead"] += 1
    name = output_id("deadletter-due", customer.decode(), due, int(at[2]))
    work.emit(at, Emitted("deadletters", name, customer, letter, due))
