"""CloudEvents in binary mode are the events that they would be in structured mode, or refused in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.timeline.batch import Batch, LogRecord
from models.touchpoints import Rejected, read
from models.touchpoints.binary_mode import Headers, structured
from models.touchpoints.limits import MAX_EVENT_BYTES, MAX_NESTING
from tests.support.touchpoint_examples import KEY, LINES, NOW

EVENT = LINES["purchase"]
DATA = json.dumps(json.loads(EVENT)["data"]).encode()
JSON = ("content-type", b"application/json")


def binary(line: bytes) -> tuple[bytes | None, Headers]:
    """An event as its producer would write it in binary mode."""
    event = json.loads(line)
    data = event.pop("data", None)
    headers = [(f"ce_{name}", str(value).encode()) for name, value in event.items()]
    return None if data is None else json.dumps(data).encode(), [*headers, JSON]


BINARY = binary(EVENT)[1]


def changed(**attributes: bytes | None) -> Headers:
    return [*BINARY, *((f"ce_{name}", value) for name, value in attributes.items())]


def refused(value: bytes | None, headers: Headers) -> Rejected:
    """What a batch and a record by itself make of it."""
    record = LogRecord(1, NOW, KEY, value, headers)
    batch = Batch.of([LogRecord(0, NOW, KEY, EVENT), record])
    accepted, content = batch.columns.contents
    assert not isinstance(accepted, Rejected)
    assert isinstance(content, Rejected)
    assert content == record.content
    return content


@pytest.mark.parametrize("name", LINES)
def test_an_event_is_the_same_in_both_modes(name: str) -> None:
    value, headers = binary(LINES[name])
    record = LogRecord(0, NOW, KEY, value, headers)
    assert repr(record.content) == repr(read(LINES[name], KEY, NOW))
    (content,) = Batch.of([record]).columns.contents
    (wanted,) = Batch.of([LogRecord(0, NOW, KEY, LINES[name])]).columns.contents
    assert content == wanted


def test_an_extension_and_another_header_are_passed_over() -> None:
    more = [*changed(traceparent=b"00-af", partitionkey="änna".encode()), ("trace", b"7"), ("ce_data", b"{}")]
    assert repr(LogRecord(0, NOW, KEY, DATA, more).content) == repr(read(EVENT, KEY, NOW))


@pytest.mark.parametrize(
    ("value", "headers", "words"),
    [
        (DATA, changed(type=b"purchse"), 'type is "purchse"; did you mean "purchase"?'),
        (DATA, changed(id=None), "id is missing"),
        (DATA, changed(subject=b""), 'subject is ""; give a string of 1 to 128'),
        (DATA, changed(time=b"yesterday"), 'time is "yesterday"; give an RFC 3339 time'),
        (DATA, changed(specversion=b"0.3"), 'specversion is "0.3"; give "1.0"'),
        (DATA, changed(id=b"a\x00b"), "id holds the control character U+0000"),
        (DATA, changed(id=b"\xff"), "can't be decoded"),
        (b'{"amount":-1}', BINARY, "data.amount is -1"),
        (b"", BINARY, "data is missing; give an object with amount"),
        (None, BINARY, "data is missing; give an object with amount"),
        (b"<order/>", BINARY, 'data is "<order/>"; give an object with amount'),
        (b"\xff\xfe", BINARY, "data is"),
        (b"[1]", BINARY, "data is [1]"),
        (b'{"amount":5},"subject":"eve"', BINARY, "data is"),
        (b'"' + b"x" * MAX_EVENT_BYTES + b'"', BINARY, "bytes; give at most"),
        (b"[" * (2 * MAX_NESTING + 1), BINARY, "nested deeper"),
    ],
)
def test_what_is_wrong_is_named_as_in_structured_mode(value: bytes | None, headers: Headers, words: str) -> None:
    assert words in refused(value, headers).reason


@pytest.mark.parametrize("content_type", [b"text/plain", b""])
def test_data_is_read_as_json_whatever_its_content_type(content_type: bytes) -> None:
    headers = [*BINARY, ("content-type", content_type)]
    assert repr(LogRecord(0, NOW, KEY, DATA, headers).content) == repr(read(EVENT, KEY, NOW))


def test_of_a_field_that_is_there_twice_the_last_counts_in_both_modes() -> None:
    twice = DATA.replace(b"{", b'{"amount": 1, ', 1)
    assert repr(LogRecord(0, NOW, KEY, twice, BINARY).content) == repr(read(EVENT, KEY, NOW))
    assert repr(read(EVENT.replace(DATA, twice), KEY, NOW)) == repr(read(EVENT, KEY, NOW))


def test_ids_that_are_no_text_are_refused_and_never_one() -> None:
    one, other = (structured(DATA, changed(id=id)) for id in (b"\xff", b"\xfe"))
    assert one != other
    assert isinstance(read(one, KEY, NOW), Rejected)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (EVENT, BINARY),
        (EVENT, [*BINARY, ("content-type", b"application/cloudevents+json; charset=utf-8")]),
        (b"[" + EVENT + b"]", [*BINARY, ("content-type", b"application/cloudevents-batch+json")]),
        (DATA, [("ce_type", b"purchase"), ("ce_id", b"7")]),
        (None, [("trace", None)]),
    ],
    ids=["the value is the event", "structured by content type", "a batch", "another's headers", "nothing"],
)
def test_what_is_no_binary_mode_stays_as_it_is(value: bytes | None, headers: Headers) -> None:
    assert structured(value, headers) == value


def test_a_batch_is_refused_in_words() -> None:
    value = b"[" + EVENT + b"," + EVENT + b"]"
    told = refused(value, [("content-type", b"application/cloudevents-batch+json")])
    assert told.reason == (
        "the event is a list of events, CloudEvents' batch format; give each event as a record of its own"
    )


@given(
    st.none() | st.binary(max_size=60),
    st.lists(st.tuples(st.sampled_from(["ce_id", "ce_x", "ce_time", "content-type"]), st.none() | st.binary())),
)
def test_any_headers_and_any_bytes_are_read_without_a_fault(value: bytes | None, more: list[tuple[str, bytes]]) -> None:
    headers = [*BINARY, *more]
    event = structured(value, headers)
    assert structured(event, headers) == event, "read once more it is the same"
    unversioned = [one for one in headers if one[0] != "ce_specversion" and one[1] is not None]
    assert structured(structured(value, unversioned), unversioned) == structured(value, unversioned)
    read(event, KEY, NOW)
