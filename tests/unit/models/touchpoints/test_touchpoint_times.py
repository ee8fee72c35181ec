"""Times: the compiled reader of stamps agrees with the one of every form; numbers and columns are settled alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import ValidationError

from models.touchpoints.limits import EARLIEST_MS, MAX_AHEAD_MS
from models.touchpoints.rfc3339 import UNREAD, parsed
from models.touchpoints.times import milliseconds, moment, settle


def named(text: str) -> int | None:
    """The time in ms that a text names, by the reader of every form."""
    try:
        return milliseconds(moment(text))
    except ValidationError:
        return None


def number(low: int, high: int, width: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda n: f"{n:0{width}d}")


dates = st.builds("{}-{}-{}".format, number(1965, 2110, 4), number(0, 13, 2), number(0, 32, 2))
clocks = st.builds("{}:{}:{}".format, number(0, 24, 2), number(0, 60, 2), number(0, 60, 2))
fractions = st.just("") | st.text("0459", max_size=12).map(lambda digits: f".{digits}")
offsets = st.just("Z") | st.builds("{}{}:{}".format, st.sampled_from("+-"), number(0, 25, 2), number(0, 61, 2))
stamps = st.builds("{}T{}{}{}".format, dates, clocks, fractions, offsets)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    stamp = draw(stamps)
    at = draw(st.integers(0, len(stamp)))
    return (
        stamp[:at]
        + draw(st.sampled_from(["", "T", " ", "-", ":", ".", "Z", "z", "5", "٣", "ÿ", "/"]))
        + stamp[at + 1 :]
    )


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(stamps | damaged() | st.text(max_size=30))
@example("1970-01-01T00:00:00+01:00")
@example("1970-01-01T00:00:00.000Z")
@example("2024-05-01T12:00:00.Z")
@example("2024-05-01T12:00:00.")
@example("2024-05-01T12:00:00.5")
@example("2024-05-01T12:00:00+0200")
@example("9999-12-31T23:59:59.999999-23:59")
def test_a_stamp_that_is_read_names_the_time_that_it_names_elsewhere(text: str) -> None:
    (time,) = parsed([text])
    assert time in (UNREAD, named(text))


USUAL = [
    "2024-05-01T12:00:00Z",
    "2024-05-01T12:00:00.1Z",
    "2024-05-01T12:00:00.123Z",
    "2024-05-01T12:00:00.123456Z",
    "2024-05-01T12:00:00.1234567Z",
    "2024-05-01T12:00:00.123998999+02:00",
    "2024-05-01T12:00:00+00:00",
    "2024-05-01T12:00:00.123456+02:00",
    "2024-02-29T23:59:59.999-11:30",
]


@pytest.mark.parametrize("text", USUAL)
def test_the_usual_forms_are_read(text: str) -> None:
    assert parsed([text]).tolist() == [named(text)]


BEYOND = [
    "1969-12-31T23:59:59Z",
    "2024-00-01T12:00:00Z",
    "2024-13-01T12:00:00Z",
    "2024-05-00T12:00:00Z",
    "2024-05-01T24:00:00Z",
    "2024-05-01T12:60:00Z",
    "2024-05-01T12:00:60Z",
    "2024-05-01T12:00:00.1239995Z",
    "2024-05-01T12:00:00+24:00",
    "2024-05-01T12:00:00+01:60",
    "2024-05-01T12:00:00+1:000",
    "2024-05-01T12:00:00",
    "2024-05-01T12:00:00ZZ",
]


@pytest.mark.parametrize("text", BEYOND)
def test_what_is_just_beyond_the_usual_forms_is_left_alone(text: str) -> None:
    assert parsed([text]).tolist() == [UNREAD]


def test_every_day_of_two_centuries_is_read_and_no_other() -> None:
    first = datetime(1970, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=n) for n in range(200 * 366)]
    texts = [f"{day:%Y-%m-%dT%H:%M:%S}Z" for day in days]
    assert parsed(texts).tolist() == [milliseconds(day) for day in days]
    written = set(texts)
    others = [
        text
        for year in range(1970, 2110)
        for month in range(14)
        for day in (0, *range(28, 33))
        if (text := f"{year}-{month:02d}-{day:02d}T00:00:00Z") not in written
    ]
    assert set(parsed(others).tolist()) == {UNREAD}
    assert not any(map(named, others))


@given(st.lists(st.sampled_from([*USUAL, "", "soon", "2024-05-01T12:00:00.1239995Z"]), max_size=8))
def test_each_text_of_a_batch_is_read_by_itself(texts: list[str]) -> None:
    assert parsed(texts).tolist() == [parsed([text]).item() for text in texts]


@pytest.mark.parametrize("text", ["\n", "2024-05-01T12:00:00Z\n", f"{USUAL[0]}\n{USUAL[1]}"])
def test_a_text_with_a_line_break_is_never_taken_for_two(text: str) -> None:
    assert parsed([USUAL[0], text, USUAL[1]]).tolist() == [UNREAD] * 3


@given(st.lists(st.tuples(st.integers(-(2**40), 2**42), st.integers(-1, 2**42)), min_size=1))
@example([(EARLIEST_MS, EARLIEST_MS), (EARLIEST_MS - 1, EARLIEST_MS), (EARLIEST_MS, EARLIEST_MS - 1)])
@example([(EARLIEST_MS + MAX_AHEAD_MS + n, EARLIEST_MS) for n in (-1, 0, 1)])
def test_a_column_of_times_is_settled_as_each_of_its_numbers(pairs: list[tuple[int, int]]) -> None:
    stated, timestamps = zip(*pairs, strict=True)
    columns = settle(np.array(stated, np.int64), np.array(timestamps, np.int64))
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == [settle(*pair) for pair in pairs]
    assert columns[0].tolist() == [min(pair) for pair in pairs]


def test_a_stamp_that_could_not_be_read_is_too_early_for_any_event() -> None:
    *_, too_early = settle(UNREAD, 2**42)
    assert too_early
