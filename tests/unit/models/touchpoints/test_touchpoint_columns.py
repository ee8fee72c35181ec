"""A batch read as columns is what its records are, read one by one.

`outcomes` compares the two, here for batches of every mixture. Each single record of the tests beside this one goes
through it too, by way of `touch` and `rejected`.
"""

from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.touchpoints import Record, Rejected, Touch
from models.touchpoints.columns import read_columns
from models.touchpoints.limits import EARLIEST_MS, MAX_AHEAD_MS, MAX_EVENT_BYTES, MAX_NESTING
from tests.support.touchpoint_examples import ABSENT, KEY, LINES, NOW, changed, outcomes, touch

AT = touch(LINES["visit"]).time

TIMES = [
    "2024-05-01T19:00:00Z",
    "2024-05-01T19:00:00.5Z",
    "2024-05-01T19:00:00.123999Z",
    "2024-05-01T19:00:00.1239999Z",
    "2024-05-01T21:00:00+02:00",
    "2024-05-01t19:00:00z",
    "2024-05-01 19:00:00-0230",
    "1989-12-31T23:59:59.999Z",
    "1969-12-31T23:59:59.999Z",
    "2024-02-30T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "2024-05-01T19:00:00.123",
    "2024-05-01T19:00:00.123Z\n2024-05-01T19:00:00.123Z",
    "2024-05-01\n",
    "\n",
    "soon",
    "",
    "２０２４-05-01T19:00:00Z",
    1714564800,
    None,
]

names = st.sampled_from(list(LINES))
texts = st.text(max_size=8) | st.sampled_from(
    ["a\0b", "\n", "\x1f", "\x7f", "\x85", "ë", "客", "😀" * 3, '"', "\\", ""]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def with_another_field(draw: st.DrawFn) -> bytes:
    """An example with one of its fields, or an additional one, set to anything or taken out."""
    name = draw(names)
    event = json.loads(LINES[name])
    path = draw(st.sampled_from([*event, *(f"data.{field}" for field in event["data"]), "extra", "data.extra"]))
    return changed(name, path, draw(anything | st.just(ABSENT)))


@st.composite
def with_another_name(draw: st.DrawFn) -> bytes:
    """An example with another source, id or subject, in which characters are escaped or not."""
    event = json.loads(LINES[draw(names)]) | {draw(st.sampled_from(["source", "id", "subject"])): draw(texts)}
    return json.dumps(event, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """An example in which a few bytes are others."""
    value = bytearray(LINES[draw(names)])
    pieces = st.sampled_from([b"", b"{", b"}", b'"', b"\\", b"\xff", b"[", b"\n", b"\0", b"1e999", b'"type":"nps",'])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        value[at : at + draw(st.sampled_from([0, 1, 8]))] = draw(pieces)
    return bytes(value)


@st.composite
def wide(draw: st.DrawFn) -> bytes:
    """An example about as long, or as deep, as an event may be."""
    value = LINES[draw(names)]
    if draw(st.booleans()):
        return value + b" " * (MAX_EVENT_BYTES - len(value) + draw(st.integers(-1, 1)))
    levels = MAX_NESTING + draw(st.integers(-2, 1))
    return value.replace(b'"specversion"', b'"x":' + b"[" * levels + b"]" * levels + b',"specversion"')


examples = names.map(LINES.__getitem__)
with_another_time = st.builds(changed, names, st.just("time"), st.sampled_from(TIMES))
values = st.one_of(
    examples,
    examples,
    with_another_field(),
    with_another_name(),
    with_another_time,
    broken(),
    wide(),
    st.binary(max_size=40),
    st.sampled_from([None, b"", b" ", b"null", b"[" * 500]),
)
timestamps = st.one_of(
    st.just(NOW),
    st.integers(AT - MAX_AHEAD_MS - 2, AT + 2),
    st.integers(AT - 1, AT + 1),
    st.integers(EARLIEST_MS - 2, EARLIEST_MS + 2),
    st.sampled_from([-1, 0, 2**62]),
)
keys = st.sampled_from([KEY, None, b"", b"\xff"])
batches = st.lists(st.tuples(values, keys, timestamps), max_size=20)


@settings(max_examples=400, deadline=None)
@given(batches)
def test_a_batch_of_columns_is_its_records_one_by_one(batch: list[Record]) -> None:
    outcomes(batch)


@settings(max_examples=100, deadline=None)
@given(with_another_name(), with_another_time, timestamps, st.integers(0, 8))
def test_a_doubtful_record_changes_nothing_for_its_neighbours(
    name: bytes, time: bytes, timestamp: int, at: int
) -> None:
    good: list[Record] = [(value, KEY, NOW) for value in list(LINES.values())[:8]]
    alone = outcomes(good)
    among = outcomes([*good[:at], (name, KEY, timestamp), (time, KEY, timestamp), *good[at:]])
    assert repr([*among[:at], *among[at + 2 :]]) == repr(alone)


def test_the_examples_are_read_as_one_batch() -> None:
    assert all(isinstance(outcome, Touch) for outcome in outcomes([(line, KEY, NOW) for line in LINES.values()]))


def test_a_batch_may_be_empty_or_hold_nothing_good() -> None:
    assert outcomes([]) == []
    assert all(isinstance(outcome, Rejected) for outcome in outcomes([(None, None, 0), (b"{", KEY, NOW)] * 3))


@pytest.mark.parametrize("time", TIMES)
def test_a_time_of_any_form_is_the_same_in_columns(time: object) -> None:
    outcomes([(changed("visit", "time", time), KEY, NOW), (LINES["nps"], KEY, NOW)])


@pytest.mark.parametrize("timestamp", [AT + 1, AT, AT - 1, AT - MAX_AHEAD_MS, AT - MAX_AHEAD_MS - 1, 0, -1])
def test_times_of_columns_are_clamped_to_the_timestamps(timestamp: int) -> None:
    outcomes([(LINES["visit"], KEY, timestamp), (LINES["visit"], KEY, NOW)])


def test_halves_of_an_event_in_two_records_never_become_one_row() -> None:
    line = LINES["purchase"]
    middle = line.index(b',"id"')
    halves = [line[:middle], line[middle + 1 :], line + b"," + line, line + b"\n" + line]
    found = outcomes([(value, KEY, NOW) for value in halves])
    assert [isinstance(outcome, Rejected) and outcome.code for outcome in found] == ["not_json"] * 4


def test_a_rejected_row_is_no_touch() -> None:
    columns = read_columns([LINES["visit"], b"{"], [KEY, KEY], np.array([NOW, NOW]))
    assert columns.touch(0).id == "visit-0008"
    with pytest.raises(ValueError, match=r"row 1 was rejected \(not_json: .*`contents`"):
        columns.touch(1)


def test_what_is_not_known_is_nan_and_what_there_is_none_of_is_zero() -> None:
    columns = read_columns([LINES["search"], LINES["nps"]], [KEY, KEY], np.array([NOW, NOW]))
    assert (columns.a[0], columns.b[0]) == (0.0, 0.0)
    assert math.isnan(columns.sentiment[0])
    assert not math.isnan(columns.sentiment[1])


def test_the_arrays_may_be_written_to_and_hold_nothing_of_their_callers() -> None:
    timestamps = np.array([NOW])
    timestamps.flags.writeable = False
    columns = read_columns([LINES["visit"]], [KEY], timestamps)
    for array in (columns.kinds, columns.times, columns.skewed, columns.hashes, columns.a, columns.sentiment):
        array[0] = 1
    assert timestamps[0] == NOW


def test_a_batch_is_read_near_the_end_of_the_stack_or_not_at_all() -> None:
    # A document of brackets needs stack to decode; without any left the caller must hear of it, and no row be refused.
    deep = LINES["visit"].replace(b'"data"', b'"x":' + b"[" * 200 + b"]" * 200 + b',"data"')
    expected = outcomes([(deep, KEY, NOW)])
    seen = set()

    def descend(frames: int) -> None:
        if frames:
            descend(frames - 1)
            return
        try:
            columns = read_columns([deep], [KEY], np.array([NOW]))
        except RecursionError:
            seen.add("refused")
        else:
            assert repr(columns.touch(0)) == repr(expected[0])
            seen.add("read")

    for frames in range(0, sys.getrecursionlimit(), 10):
        try:
            descend(frames)
        except RecursionError:
            break
    assert seen == {"read", "refused"}
