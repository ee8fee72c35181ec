"""One processing step of a shard as a generator: it requests versions, timers and records, and ends with a commit.

Pure. What a step needs from outside it asks for: it is a generator that yields a request, is sent the answer, and ends
with what is to be committed. A worker, a rehearsal, a benchmark and the tests answer from where they keep things, and
the order of the questions is written here alone. A new question is a request and an answer more in the two unions; the
type checker then finds whoever does not answer it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from models.churn import Scorer, Version
from models.decisions.policy.in_force import policy_in
from models.engine.apply import apply, needs
from models.engine.changes import Changes
from models.engine.piece_input import DueItem, PieceInput, Scoring
from models.settings import EngineSettings
from models.timeline import chosen_policy, stops
from models.timeline.batch import Batch
from models.timeline.chosen_policy import PolicyChange
from models.timeline.chosen_settings import Change, at_boundary, at_record, in_force
from models.timeline.pieces import Piece, Wait, begins_with_cut, next_piece, shorten
from models.timeline.shard_state import ShardState, first_timer
from models.timeline.stops import StopChange
from models.touchpoints.types.reserved import PolicyChosen, Resumed, SettingsChosen, Stopped


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Where a step begins: rows `first` to `end` (None: all) of a batch are next in the line.

    state: of the shard, which is initialised (`models.timeline.shard_state.initialised`). settings: with which it was
    created; the state says which an operator has changed since. topic: name of the input
    topic, for dead letters. until: a timer that stands before row `first` and is not done; the step ends before it at
    the latest, since a version comes into force there.
    """

    state: ShardState
    settings: EngineSettings
    topic: str
    batch: Batch
    first: int = 0
    end: int | None = None
    until: DueItem | None = None


@dataclass(frozen=True, slots=True)
class VersionAtBoundary:
    """Which model version comes into force at this boundary (log time, ms), before its scores?"""

    boundary: int


@dataclass(frozen=True, slots=True)
class VersionAtRecord:
    """Which model version comes into force just before the record at `offset`, and the due items that stand before it?

    boundary: the last one that the line has crossed. begins_batch: the record is the first of its batch.
    timer: of these due items the first that is not done, where others are.
    Only another one than what the state says is in force comes into force.
    """

    offset: int
    boundary: int
    begins_batch: bool
    timer: DueItem | None = None


@dataclass(frozen=True, slots=True)
class DueBefore:
    """What are the first `most` members of the due set before `bound`, in order?"""

    bound: DueItem
    most: int


@dataclass(frozen=True, slots=True)
class RecordsOf:
    """What is stored of these customers?"""

    customers: list[bytes]


Request = VersionAtBoundary | VersionAtRecord | DueBefore | RecordsOf


class InForce(NamedTuple):
    """A model version and its scorer. sealed: as it is stored; empty of the untrained one, which nobody stores."""

    version: Version
    scorer: Scorer
    sealed: bytes = b""


@dataclass(frozen=True, slots=True)
class Adopted:
    """Answers both questions for a version. None: the one in force stays."""

    found: InForce | None


@dataclass(frozen=True, slots=True)
class NotPublished:
    """Answers both questions for a version: that of this boundary is not published yet. The step ends with it,
    undone."""

    boundary: int


@dataclass(frozen=True, slots=True)
class DueItems:
    """Answers `DueBefore`."""

    items: Sequence[DueItem]


@dataclass(frozen=True, slots=True)
class Records:
    """Answers `RecordsOf`, in the order asked for. None: no record."""

    values: Sequence[bytes | None]


Answer = Adopted | NotPublished | DueItems | Records


@dataclass(frozen=True, slots=True)
class Done:
    """How a step ends: its piece of the line, what is to be committed, and what decided in it."""

    piece: Piece
    changes: Changes
    scoring: Scoring


Step = Generator[Request, Answer | None, Done | NotPublished]
Engine = Callable[[PieceInput, Scoring], Changes]
Expected = TypeVar("Expected", Adopted, DueItems, Records)


def step(upcoming: Upcoming, scoring: Scoring, engine: Engine = apply) -> Step:
    """The next piece of a shard's line, from plan to changes.

    Args:
        upcoming: where the line stands.
        scoring: what decides unless a version, or a policy, comes into force with this piece. `policy` and
        `policy_waiting` in it are those that the state names. `adopted` in it: a
        version that comes into force here whatever is asked, since the one that was in force can't be scored with any
        more.
        engine: `models.engine.apply.apply`, or what is to be measured or compared with it.

    Returns:
        `Done`, or `NotPublished` when the step was answered so: begin it anew once the version is there.

    Raises:
        TypeError: an answer is not one to its request.
        ValueError: fewer or more records were sent than customers were named, or the line contradicts itself.
        UnknownRecord, TooManyFailures: as `models.engine.apply.apply`.
        PolicyOfAnotherRelease: the piece begins with a policy that this release cannot read; nothing can be decided.
    """
    state, settings, batch, first = upcoming.state, upcoming.settings, upcoming.batch, upcoming.first
    piece = next_piece(state, settings, batch, first, upcoming.end)
    question: VersionAtBoundary | VersionAtRecord | None = None
    if isinstance(piece, Wait):
        question = VersionAtBoundary(piece.boundary)
    else:
        question = VersionAtRecord(int(batch.offsets[first]), state.boundary, first == 0, first_timer(state))
    if question is not None:
        answer = yield question
        if isinstance(answer, NotPublished):
            return answer
        found = _expected(question, answer, Adopted).found
        # Before the learner's first boundary every version is the untrained one: said anew at boundaries only.
        if found is not None and (isinstance(piece, Wait) or not _in_force(found.version, state)):
            scoring = replace(scoring, scorer=found.scorer, adopted=found.version)
    change: Change | None = None
    policy_change: PolicyChange | None = None
    stop_change: StopChange | None = None
    if isinstance(piece, Wait):
        state, change = at_boundary(settings, state)
        state, policy_change = chosen_policy.at_boundary(state)
        if policy_change is not None:
            scoring = _of_boundary(scoring, policy_change)
        piece = next_piece(state, settings, batch, first, upcoming.end, adopting=True)
    elif begins_with_cut(state, batch, first):
        chosen = _chosen_at(batch, first)
        if isinstance(chosen, SettingsChosen):
            state, change = at_record(settings, state, chosen.data)
        elif isinstance(chosen, Stopped | Resumed):
            state, stop_change = stops.at_record(state, chosen.data)
        else:
            policy, refused = policy_in(chosen.data)
            state, policy_change = chosen_policy.at_record(state, chosen.data, refused)
            if policy_change is not None and policy is not None:
                of_it = (scoring.policy, policy) if policy_change.waits else (policy, None)
                scoring = replace(scoring, policy=of_it[0], policy_waiting=of_it[1])
    settings = in_force(settings, state)
    if isinstance(piece, Wait):
        raise ValueError(f"shard {state.partition}: the line asks twice for the version of boundary {piece.boundary}")
    due = DueBefore(piece.bound, settings.piece_items + 1)
    dues = _expected(due, (yield due), DueItems).items
    until = upcoming.until
    if until is not None and until < piece.bound:
        dues = [item for item in dues if item < until]
    else:
        until = None
    if len(dues) > settings.piece_items:
        piece, dues = shorten(piece, batch, state, dues[-1]), dues[:-1]
    elif until is not None:
        piece = shorten(piece, batch, state, until)
    wanted = RecordsOf(needs(piece, batch, dues))
    stored = _expected(wanted, (yield wanted), Records).values
    loaded = dict(zip(wanted.customers, stored, strict=True))
    changed = (change, policy_change, stop_change)
    given = PieceInput(state, settings, upcoming.topic, piece, batch, dues, loaded, *changed)
    changes = engine(given, scoring)
    return Done(piece, changes, scoring)


def drive(running: Step, answer: Callable[[Request], Answer]) -> Done | NotPublished:
    """Take a step to its end, for whoever has the answers at hand."""
    given: Answer | None = None
    while True:
        try:
            request = running.send(given)
        except StopIteration as end:
            ended: Done | NotPublished = end.value
            return ended
        given = answer(request)


async def drive_waiting(running: Step, answer: Callable[[Request], Awaitable[Answer]]) -> Done | NotPublished:
    """Take a step to its end, for whoever has to wait for answers."""
    given: Answer | None = None
    while True:
        try:
            request = running.send(given)
        except StopIteration as end:
            ended: Done | NotPublished = end.value
            return ended
        given = await answer(request)


def _of_boundary(scoring: Scoring, change: PolicyChange) -> Scoring:
    """What decides from a boundary on for which a policy waited."""
    waited = scoring.policy_waiting
    if waited is None or (waited.number, waited.sha256) != (change.policy.number, change.policy.sha256):
        raise ValueError(f"policy {change.policy.short} comes into force, and {waited} is what waits")
    return replace(scoring, policy=waited, policy_waiting=None)


def _in_force(version: Version, state: ShardState) -> bool:
    return (version.boundary, version.lineage) == (state.version, state.lineage)


def _expected(request: Request, answer: Answer | None, kind: type[Expected]) -> Expected:
    if not isinstance(answer, kind):
        raise TypeError(f"{request} was answered with {answer!r}; answer with {kind.__name__}")
    return answer


def _chosen_at(batch: Batch, row: int) -> SettingsChosen | PolicyChosen | Stopped | Resumed:
    event = batch.columns.contents[row]
    if not isinstance(event, SettingsChosen | PolicyChosen | Stopped | Resumed):
        raise TypeError(f"row {row} is no choice of an operator; the batch's cuts say that it is one")
    return event
