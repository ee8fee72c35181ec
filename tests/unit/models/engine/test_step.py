"""A step asks for what it needs in one order, whoever answers, and only for what a replay could find again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from models.churn import Version
from models.engine.changes import Changes
from models.engine.piece_input import DueItem, PieceInput, Scoring
from models.engine.step import (
    Adopted,
    Answer,
    Done,
    DueBefore,
    DueItems,
    InForce,
    NotPublished,
    Records,
    RecordsOf,
    Request,
    Upcoming,
    VersionAtBoundary,
    VersionAtRecord,
    drive,
    step,
)
from models.settings import EngineSettings
from models.timeline.batch import Batch
from models.timeline.order import Stage, timer_position
from models.timeline.shard_state import ShardState, initialised
from tests.support.bench import Silence
from tests.support.logs import record

SETTINGS = EngineSettings(horizon=50_000, tick=10_000, boundary=10_000, version_delay=0, lateness=0)
BATCH = Batch.of([record(7 + n, time, None, None) for n, time in enumerate((12_000, 14_000))])
WAITING = initialised(ShardState(0, 1, 7), SETTINGS, 22_000)
GOING_ON = msgspec.structs.replace(WAITING, time=10_000, boundary=10_000, adopted=10_000, version=5_000)
AT_BOUNDARY = msgspec.structs.replace(GOING_ON, adopted=0)
IN_FORCE = Scoring(Silence(1.0))


def in_force(boundary: int) -> InForce:
    return InForce(Version(boundary, 0, {}, {}), Silence(2.0))


class Asked:
    """Answers each request with what it was given for it, and remembers the order."""

    def __init__(self, version: Adopted | NotPublished, dues: Sequence[DueItem] = ()) -> None:
        self.version, self.dues = version, dues
        self.requests: list[Request] = []
        self.given: list[PieceInput] = []

    def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        match request:
            case VersionAtBoundary() | VersionAtRecord():
                return self.version
            case DueBefore():
                return DueItems([item for item in self.dues if item < request.bound][: request.most])
            case RecordsOf():
                return Records([None] * len(request.customers))

    def engine(self, given: PieceInput, scoring: Scoring) -> Changes:
        self.given.append(given)
        return Changes(given.state, {}, {}, [])

    def take(self, state: ShardState, settings: EngineSettings = SETTINGS) -> Done | NotPublished:
        return drive(step(Upcoming(state, settings, "t", BATCH), IN_FORCE, self.engine), self)

    @property
    def kinds(self) -> list[type[Request]]:
        return [type(request) for request in self.requests]


def test_the_version_is_asked_for_first_then_what_is_due_then_the_records() -> None:
    asked = Asked(Adopted(in_force(10_000)))
    done = asked.take(AT_BOUNDARY)
    assert asked.requests[0] == VersionAtBoundary(10_000)
    assert asked.kinds == [VersionAtBoundary, DueBefore, RecordsOf]
    assert isinstance(done, Done)
    assert done.scoring.adopted == in_force(10_000).version
    assert done.scoring.scorer == Silence(2.0)


def test_a_boundary_brings_its_version_even_if_it_is_not_newer() -> None:
    done = Asked(Adopted(in_force(5_000))).take(AT_BOUNDARY)
    assert isinstance(done, Done)
    assert done.scoring.adopted == in_force(5_000).version


@pytest.mark.parametrize(("boundary", "comes"), [(4_000, True), (5_000, False), (6_000, True)])
def test_before_a_record_only_another_version_than_the_one_in_force_comes_into_force(
    boundary: int, comes: bool
) -> None:
    asked = Asked(Adopted(in_force(boundary)))
    done = asked.take(GOING_ON)
    assert asked.requests[0] == VersionAtRecord(7, 10_000, begins_batch=True)
    assert isinstance(done, Done)
    assert (done.scoring.adopted is not None) == comes
    assert done.scoring.scorer == (Silence(2.0) if comes else IN_FORCE.scorer)


def test_between_two_due_items_the_first_that_is_not_done_is_named_in_the_question() -> None:
    asked = Asked(Adopted(in_force(6_000)))
    scores = timer_position(11_000, Stage.SCORES)
    done = asked.take(msgspec.structs.replace(GOING_ON, commit_position=scores, commit_customer="a"))
    assert asked.requests[0] == VersionAtRecord(7, 10_000, begins_batch=True, timer=(scores, b"a"))
    assert isinstance(done, Done)
    assert done.scoring.adopted == in_force(6_000).version


@pytest.mark.parametrize(
    ("most", "timer", "ends"), [(9, b"b", b"b"), (1, b"c", b"b"), (2, b"c", b"c"), (2, b"d", b"c"), (3, b"d", b"d")]
)
def test_a_piece_ends_before_the_timer_before_which_a_version_comes_into_force(
    most: int, timer: bytes, ends: bytes
) -> None:
    scores = timer_position(11_000, Stage.SCORES)
    dues = [(float(scores), name) for name in (b"a", b"b", b"c")]
    asked = Asked(Adopted(None), dues)
    upcoming = Upcoming(GOING_ON, replace(SETTINGS, piece_items=most), "t", BATCH, until=(float(scores), timer))
    done = drive(step(upcoming, IN_FORCE, asked.engine), asked)
    assert isinstance(done, Done)
    assert done.piece.commit_position == (scores, ends)
    assert (done.piece.first, done.piece.last) == (0, 0)
    assert asked.given[0].dues == [item for item in dues if item[1] < ends]


def test_a_piece_that_ends_at_a_boundary_before_that_timer_ends_there() -> None:
    until = (float(timer_position(90_000, Stage.SCORES)), b"b")
    asked = Asked(Adopted(None))
    without = asked.take(GOING_ON)
    done = drive(step(Upcoming(GOING_ON, SETTINGS, "t", BATCH, until=until), IN_FORCE, asked.engine), asked)
    assert isinstance(done, Done)
    assert isinstance(without, Done)
    assert done.piece == without.piece


def test_a_version_that_is_not_cut_ends_the_step_undone() -> None:
    asked = Asked(NotPublished(10_000))
    assert asked.take(AT_BOUNDARY) == NotPublished(10_000)
    assert asked.kinds == [VersionAtBoundary]
    assert asked.given == []


def test_a_piece_holds_as_many_due_items_as_the_settings_say_and_loads_no_other_customer() -> None:
    dues = [(float(timer_position(11_000, Stage.SCORES)), name) for name in (b"a", b"b", b"c")]
    asked = Asked(Adopted(None), dues)
    done = asked.take(GOING_ON, replace(SETTINGS, piece_items=2))
    assert isinstance(done, Done)
    assert done.piece.commit_position == (timer_position(11_000, Stage.SCORES), b"c")
    assert asked.given[0].dues == dues[:2]
    assert asked.requests[-1] == RecordsOf([b"a", b"b"])


def test_an_answer_to_another_question_is_refused() -> None:
    with pytest.raises(TypeError, match=r"DueBefore.*was answered with Records.*answer with DueItems"):
        drive(
            step(Upcoming(GOING_ON, SETTINGS, "t", BATCH), IN_FORCE),
            lambda request: Adopted(None) if isinstance(request, VersionAtRecord) else Records([]),
        )
