"""The engine: one piece of the line in, one commit's worth of changes out. Pure.

`apply` takes the shard's state, a piece of its line, the records of the customers it touches and the model version in
force, and returns what is to be committed. Whatever the pieces, the sum of what they return is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.calendar import time_of
from models.changes import Changes, Counted, gather
from models.churn import Scorer, Version
from models.customer import BASIS, SNAPSHOT, SNAPSHOT_RISK, UnknownRecord, unpack
from models.decide import decide
from models.lane import Arrival, Lane, Place, Step
from models.line import LogRecord, Piece, ShardState
from models.outputs import (
    Decision,
    Example,
    output_id,
)
from models.partitioning import misplaced
from models.settings import EngineSettings
from models.touchpoints import Code, Kind, Rejected, Touch
from models.work import Said, Work, dead_due_item, dead_record

__all__ = ["Changes", "Counted", "TooManyFailures", "apply", "needs"]

MOST_FAILURES = 5
"""An engine that raises on more than this many rows of a piece, and on more than a tenth of them, is broken itself."""


class TooManyFailures(Exception):
    """The pure engine raised on so many rows that its events can't be to blame."""


def apply(
    state: ShardState,
    settings: EngineSettings,
    topic: str,
    piece: Piece,
    batch: Sequence[LogRecord],
    dues: Sequence[tuple[float, bytes]],
    loaded: Mapping[bytes, bytes | None],
    scorer: Scorer,
    adopted: Version | None,
) -> Changes:
    """Apply a piece.

    topic: name of the input topic, for dead letters. dues: the due set's members before the piece's bound (a lower
    bound of what the records say). loaded: the stored bytes of every customer in `needs`. scorer: of the version in
    force. adopted: the version that came into force just before this piece, if one did.

    Raises UnknownRecord when a stored record can't be read, TooManyFailures when the engine itself is broken. A row on
    which the engine raises otherwise becomes a dead letter; its neighbours are unharmed.
    """
    version = adopted.boundary if adopted else state.version
    try:
        work, lanes = _run(state, settings, topic, piece, batch, dues, loaded, scorer, version, careful=False)
    except (MemoryError, UnknownRecord):
        raise  # not the fault of a row
    except Exception:  # noqa: BLE001 - whatever a row raised, the careful run finds which one it was
        work, lanes = _run(state, settings, topic, piece, batch, dues, loaded, scorer, version, careful=True)
    return gather(state, piece, work, lanes, dues, adopted)


def needs(piece: Piece, batch: Sequence[LogRecord], dues: Sequence[tuple[float, bytes]]) -> list[bytes]:
    """The customers whose records a piece needs, each once."""
    names = dict.fromkeys(customer for _, customer in dues)
    for entry in batch[piece.first : piece.last]:
        if isinstance(entry.content, Touch) and entry.content.kind != Kind.CLOCK:
            names[entry.content.customer.encode()] = None
    return list(names)


def _run(
    state: ShardState,
    settings: EngineSettings,
    topic: str,
    piece: Piece,
    batch: Sequence[LogRecord],
    dues: Sequence[tuple[float, bytes]],
    loaded: Mapping[bytes, bytes | None],
    scorer: Scorer,
    version: int,
    careful: bool,
) -> tuple[Work, dict[bytes, Lane]]:
    """All rows of the piece. `careful`: row by row, so that one which raises can be found, undone and set aside."""
    work = Work(settings, state.partition, topic, version, scorer, batch, piece)
    lanes = _lanes(state, work, dues, loaded)
    rows = failures = 0
    active = list(lanes.values())
    while active:
        steps: list[tuple[Lane, Step]] = []
        for lane in active:
            upcoming = lane.upcoming()
            if upcoming is None:
                continue
            rows += 1
            if lane.record is None and _turned_away(state, work, lane):
                continue
            if not careful:
                steps.append((lane, lane.step(*upcoming)))
                continue
            failures += not _try_row(work, lane, *upcoming)
        if failures > max(MOST_FAILURES, rows // 10):
            raise TooManyFailures(f"{failures} of {rows} rows failed before offset {piece.next_offset}")
        _decide_all(work, steps)
        active = [lane for lane in active if lane.upcoming() is not None]
    return work, lanes


def _lanes(
    state: ShardState, work: Work, dues: Sequence[tuple[float, bytes]], loaded: Mapping[bytes, bytes | None]
) -> dict[bytes, Lane]:
    """A lane for every customer of the piece, with their touchpoints; what has no lane is dead-lettered or counted."""
    piece, batch = work.piece, work.batch
    times: list[int] = []
    lanes: dict[bytes, Lane] = {}

    def lane_of(customer: bytes) -> Lane:
        lane = lanes.get(customer)
        if lane is None:
            value = loaded[customer]
            record = unpack(customer, value) if value is not None else None
            lane = lanes[customer] = Lane(customer, record, work.settings, piece.first, times, piece.bound)
        return lane

    for _, customer in dues:
        lane_of(customer)
    now = state.time
    for index in range(piece.first, piece.last):
        entry = batch[index]
        now = max(now, entry.timestamp)
        times.append(now)
        content = entry.content
        if isinstance(content, Rejected):
            dead_record(work, (index, 1, 0.0, b""), entry, str(content.code), content.reason, content)
        elif content.kind == Kind.CLOCK:
            work.counts["clocks"] += 1
        else:
            lane_of(content.customer.encode()).arrivals.append(Arrival(index, now, content))
    return lanes


def _turned_away(state: ShardState, work: Work, lane: Lane) -> bool:
    """True when a customer without a record is not of this shard: a dead letter takes their next touchpoint's place.

    Asked at the touchpoint's own step: whether the one before it left a record must not depend on the piece.
    """
    arrival = lane.arrivals[0]
    entry = work.batch[arrival.index]
    reason = misplaced(arrival.touch.customer, entry.key, state.partition, state.partitions)
    if reason is None:
        return False
    lane.arrivals.popleft()
    dead_record(work, (arrival.index, 1, 0.0, b""), entry, str(Code.WRONG_PARTITION), reason, None)
    return True


def _decide_all(work: Work, steps: list[tuple[Lane, Step]]) -> None:
    """Score the rows of a round as columns, then let each decide in turn."""
    scored = [(lane, step) for lane, step in steps if step.basis is not None]
    if scored:
        bases = np.frombuffer(b"".join(step.basis.tobytes() for _, step in scored if step.basis), dtype="<f4")
        probabilities = work.scorer.score(bases.reshape(len(scored), BASIS)).tolist()
        by_step = {id(step): p for (_, step), p in zip(scored, probabilities, strict=True)}
    else:
        by_step = {}
    for lane, step in steps:
        _row(work, lane, step, by_step.get(id(step)))


def _row(work: Work, lane: Lane, step: Step, probability: float | None) -> None:
    """Everything that follows from one row."""
    work.counts[_TOTAL_OF.get(step.what, "applied")] += 1
    work.counts["skewed"] += step.touch is not None and step.touch.skewed
    if step.what == "label":
        _example(work, lane, step)
        return
    work.counts["scored"] += probability is not None
    for role, key, output, expires_at in decide(
        lane, step, probability, work.settings, work.scorer, work.version, work.position(step.at)
    ):
        work.counts["triggers"] += role == "triggers"
        work.counts["episodes"] += isinstance(output, Decision) and output.what == "episode_opened"
        work.say(step.at, Said(role, output.id, key, output, step.now, expires_at))
    if probability is not None:
        lane.finish(step, probability)


_TOTAL_OF = {"label": "due", "tick": "due", "lapse": "due", "duplicate": "duplicate", "late": "late"}


def _example(work: Work, lane: Lane, step: Step) -> None:
    """A label has matured: the example goes to the learner."""
    record = lane.record
    if record is None:
        raise ValueError(f"a label of {lane.customer!r} without a record")
    snapshot_time = int(record.times[SNAPSHOT])
    predicted = record.numbers[SNAPSHOT_RISK]
    basis = record.snapshot.tolist()
    churned = lane.take_label()
    customer = lane.customer.decode()
    example = Example(customer, "churn", step.now, snapshot_time, basis, predicted, churned)
    name = output_id("example", customer, "churn", snapshot_time)
    work.say(step.at, Said("examples", name, lane.customer, example, step.now))


def _try_row(work: Work, lane: Lane, at: Place, due: float) -> bool:
    """One row on its own. When it raises: as if it had not been, and a dead letter in its place."""
    before = lane.record.pack() if lane.record else None
    touch = lane.arrivals[0].touch if lane.arrivals and not due else None
    said, counts, arrivals = len(work.said), work.counts.copy(), len(lane.arrivals)
    try:
        _decide_all(work, [(lane, lane.step(at, due))])
        return True
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - it goes to the dead letters, with its name
        del work.said[said:]
        work.counts = counts
        if touch is not None and len(lane.arrivals) == arrivals:
            lane.arrivals.popleft()
        lane.give_up(unpack(lane.customer, before) if before is not None else None, due)
        reason = f"the engine raised {type(error).__name__}: {error}; report it, then replay the dead letter"
        if touch is None:
            dead_due_item(work, at, lane.customer, reason, time_of(due))
        else:
            dead_record(work, at, work.batch[at[0]], str(Code.ENGINE_ERROR), reason, None)
        return False
