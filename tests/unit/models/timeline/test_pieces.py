"""The line: what stands before what, and where it is cut."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.settings import EngineSettings
from models.timeline.batch import Batch, LogRecord
from models.timeline.order import Stage, time_of, timer_position
from models.timeline.pieces import Piece, Wait, next_piece, shorten
from models.timeline.shard_state import NO_TIME, ShardState, Totals, initialised
from tests.support.logs import record

SETTINGS = EngineSettings(horizon=50_000, tick=10_000, boundary=10_000, version_delay=0, lateness=0)
Due = tuple[float, bytes]
Item = tuple[str, float, bytes]


def records(*timestamps: int, first: int = 0) -> list[LogRecord]:
    return [record(first + i, time, None, None) for i, time in enumerate(timestamps)]


def due(time: int, stage: Stage, customer: bytes) -> Due:
    return float(timer_position(time, stage)), customer


def unborn(first: int = 0) -> ShardState:
    return ShardState(0, 1, first)


def the_line(log: Sequence[LogRecord], dues: Sequence[Due]) -> list[Item]:
    """The line by its definition: before each record all that its time makes due, by place and customer."""
    waiting: list[Item] = [("due", at, customer) for at, customer in dues]
    boundary, now = initialised(unborn(), SETTINGS, log[0].timestamp).boundary, 0
    line: list[Item] = []
    for entry in log:
        now = max(now, entry.timestamp)
        while boundary + SETTINGS.boundary <= now:
            boundary += SETTINGS.boundary
            waiting.append(("watermark", timer_position(boundary, Stage.WATERMARK), b""))
            waiting.append(("version", timer_position(boundary, Stage.VERSION), b""))
        ready = sorted((item for item in waiting if time_of(item[1]) <= now), key=lambda item: item[1:])
        line += ready
        waiting = [item for item in waiting if time_of(item[1]) > now]
        line.append(("record", entry.offset, b""))
    return line


def walked(log: Sequence[LogRecord], dues: Sequence[Due], settings: EngineSettings, batches: list[int]) -> list[Item]:
    """The line as pieces give it, committed one by one."""
    state, waiting = unborn(), sorted(dues)
    line: list[Item] = []
    at = turn = 0
    while at < len(log):
        batch = log[at : at + batches[turn % len(batches)]]
        turn += 1
        if state.time == NO_TIME:
            state = initialised(state, settings, batch[0].timestamp)
        piece = next_piece(state, settings, Batch.of(batch), 0)
        if isinstance(piece, Wait):
            assert piece.boundary == state.boundary
            line.append(("version", timer_position(piece.boundary, Stage.VERSION), b""))
            state = msgspec.structs.replace(state, adopted=state.boundary)
            piece = next_piece(state, settings, Batch.of(batch), 0)
        assert isinstance(piece, Piece)
        page = [item for item in waiting if item < piece.bound][: settings.piece_items + 1]
        if len(page) > settings.piece_items:
            piece = shorten(piece, Batch.of(batch), state, page[-1])
            assert piece.commit_position == page[-1]
            page.pop()
        assert len(page) <= settings.piece_items
        for item in page:
            waiting.remove(item)
        now = state.time
        for entry in batch[piece.first : piece.last]:
            now = max(now, entry.timestamp)
            line += [("due", *item) for item in page if time_of(item[0]) <= now]
            page = [item for item in page if time_of(item[0]) > now]
            line.append(("record", entry.offset, b""))
        line += [("due", *item) for item in page]
        assert piece.time == now
        assert piece.next_offset == (batch[piece.last].offset if piece.last < len(batch) else batch[-1].offset + 1)
        if piece.watermark is not None:
            line.append(("watermark", timer_position(piece.watermark, Stage.WATERMARK), b""))
            state = msgspec.structs.replace(state, boundary=piece.watermark)
        at += piece.last
        state = msgspec.structs.replace(state, time=piece.time, next_offset=piece.next_offset)
    return line


dues_drawn = st.lists(
    st.builds(
        due,
        st.one_of(st.integers(5_000, 120_000), st.sampled_from([10_000, 20_000, 50_000])),
        st.sampled_from([Stage.LABELS, Stage.SCORES]),
        st.sampled_from([b"a", b"b", b"c"]),
    ),
    max_size=15,
    unique=True,
)
times_drawn = st.lists(
    st.one_of(st.integers(10_000, 120_000), st.sampled_from([10_000, 20_000, 50_000])), min_size=1, max_size=20
)


@given(times_drawn, dues_drawn, st.integers(1, 4), st.lists(st.integers(1, 25), min_size=1, max_size=5))
def test_pieces_cover_the_line_exactly_once_and_in_order(
    times: list[int], dues: list[Due], piece_items: int, batches: list[int]
) -> None:
    log = records(*times)
    settings = EngineSettings(
        horizon=50_000, tick=10_000, boundary=10_000, version_delay=0, lateness=0, piece_items=piece_items
    )
    assert walked(log, dues, settings, batches) == the_line(log, dues)


def test_a_piece_ends_at_a_boundary_before_the_record_that_crosses_it() -> None:
    log = records(11_000, 19_999, 20_000, 21_000)
    state = ShardState(0, 1, 0, time=10_000, boundary=10_000, adopted=10_000)
    piece = next_piece(state, SETTINGS, Batch.of(log), 0)
    assert piece == Piece(0, 2, (float(timer_position(20_000, Stage.WATERMARK)), b""), 19_999, 20_000, 2)


def test_labels_at_a_boundary_belong_before_its_watermark_and_scores_after_its_version() -> None:
    log = records(11_000, 20_000)
    state = ShardState(0, 1, 0, time=10_000, boundary=10_000, adopted=10_000)
    piece = next_piece(state, SETTINGS, Batch.of(log), 0)
    assert isinstance(piece, Piece)
    assert due(20_000, Stage.LABELS, b"z") < piece.bound <= due(20_000, Stage.SCORES, b"a")


def test_the_line_waits_at_a_boundary_until_its_version_is_at_hand() -> None:
    state = ShardState(0, 1, 0, time=20_000, boundary=20_000, adopted=10_000)
    log = records(20_000)
    assert next_piece(state, SETTINGS, Batch.of(log), 0) == Wait(20_000)
    assert isinstance(next_piece(state, SETTINGS, Batch.of(log), 0, adopting=True), Piece)


def test_one_record_far_ahead_crosses_every_boundary_one_by_one() -> None:
    line = walked(records(10_000, 60_000), [], SETTINGS, [500])
    assert [item[0] for item in line] == [*("watermark", "version", "record"), *("watermark", "version") * 5, "record"]


def test_shard_time_is_the_running_maximum_of_timestamps() -> None:
    state = ShardState(0, 1, 0, time=10_000, boundary=10_000, adopted=10_000)
    piece = next_piece(state, SETTINGS, Batch.of(records(15_000, 3, 12_000)), 0)
    assert isinstance(piece, Piece)
    assert (piece.time, piece.last) == (15_000, 3)


def test_a_new_shard_has_the_boundary_of_its_first_record_still_to_cross() -> None:
    for first in (20_000, 25_000, 29_999):
        state = initialised(unborn(), SETTINGS, first)
        assert (state.time, state.boundary, state.adopted) == (10_000, 10_000, 10_000)


def test_a_piece_with_too_much_due_ends_before_the_first_item_it_has_no_room_for() -> None:
    log = records(11_000, 13_000, 15_000)
    state = ShardState(0, 1, 0, time=10_000, boundary=10_000, adopted=10_000)
    whole = next_piece(state, SETTINGS, Batch.of(log), 0)
    assert isinstance(whole, Piece)
    page = [due(12_000, Stage.SCORES, b"a"), due(13_000, Stage.SCORES, b"a"), due(13_000, Stage.SCORES, b"b")]
    piece = shorten(whole, Batch.of(log), state, page[-1])
    assert piece == Piece(0, 1, page[-1], 11_000, None, 1, commit_position=(int(page[2][0]), b"b"))


def test_a_due_item_after_the_last_record_is_a_mistake_of_the_caller() -> None:
    log = records(11_000)
    state = ShardState(0, 1, 0, time=10_000, boundary=10_000, adopted=10_000)
    piece = next_piece(state, SETTINGS, Batch.of(log), 0)
    assert isinstance(piece, Piece)
    with pytest.raises(ValueError, match="the due page went too far"):
        shorten(piece, Batch.of(log), state, due(12_000, Stage.SCORES, b"b"))


def test_totals_add_up_by_name() -> None:
    assert Totals(applied=1).plus({"applied": 2, "dead": 1}) == Totals(applied=3, dead=1)
