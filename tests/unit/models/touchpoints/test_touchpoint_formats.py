"""Events in the formats of other tools: refused as before, with a word on what to configure."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from models.timeline.batch import Batch, LogRecord
from models.touchpoints import Rejected, read
from models.touchpoints.columns import read_columns
from models.touchpoints.formats import Headers
from models.touchpoints.limits import MAX_EVENT_BYTES
from streams.client import Refusal
from streams.client.validation import checked
from tests.support.touchpoint_examples import KEY, LINES, NOW

EVENT = LINES["purchase"]
DATA = json.dumps(json.loads(EVENT)["data"]).encode()
AVRO = bytes([0, 0, 1, 0x86, 0xA1, 2, 14]) + "änna".encode("latin-1") + bytes([0, 0xFF, 0x41])
CONNECT = json.dumps({"schema": {"type": "struct", "fields": []}, "payload": json.loads(EVENT)}).encode()

RECOGNISED = {
    "registry, JSON": (bytes([0, 0, 0, 0, 42]) + EVENT, "not_json", "schema id 42"),
    "registry, Avro": (AVRO, "not_json", "schema id 100001"),
    "Connect": (CONNECT, "missing_field", "value.converter.schemas.enable=false"),
    "Connect, no schema": (b'{"schema":null,"payload":{"id":1}}', "missing_field", "schemas.enable=false"),
    "binary mode": (DATA, "missing_field", "headers (ce_id, ce_type, ...)"),
    "batch": (b"[" + EVENT + b"," + EVENT + b"]", "not_an_object", "CloudEvents' batch format"),
}


@pytest.mark.parametrize(("value", "code", "hint"), RECOGNISED.values(), ids=RECOGNISED)
def test_a_format_of_another_tool_is_recognised_wherever_events_are_read(value: bytes, code: str, hint: str) -> None:
    told = read(value, KEY, NOW)
    assert isinstance(told, Rejected)
    assert (told.code, hint in told.reason) == (code, True), told.reason
    (content,) = read_columns([value], [KEY], np.array([NOW], dtype=np.int64)).contents
    assert content == told
    refused = checked(value, NOW)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.reason) == (code, told.reason)
    assert refused.remedy.startswith("give ")


BINARY = [("ce_specversion", b"1.0"), ("ce_type", b"purchase"), ("ce_id", b"7"), ("ce_source", b"/shop")]


def refused(value: bytes, headers: Headers) -> Rejected:
    """What a batch makes of such a record."""
    batch = Batch.of([LogRecord(0, NOW, KEY, EVENT, BINARY), LogRecord(1, NOW, KEY, value, headers)])
    accepted, content = batch.columns.contents
    assert not isinstance(accepted, Rejected)
    assert isinstance(content, Rejected)
    return content


@pytest.mark.parametrize("value", [DATA, b"", AVRO, b"\xff\xfe", b"[1]", b'{"type":"visa"}', b'{"type":7}'])
def test_binary_mode_is_recognised_by_its_headers_whatever_the_value(value: bytes) -> None:
    told, bare = refused(value, [*BINARY, ("content-type", b"application/json")]), refused(value, ())
    assert 'ce_type ("purchase"), ce_id and ce_source hold a CloudEvent in binary mode' in told.reason
    assert msgspec.structs.replace(told, reason=bare.reason) == bare


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (DATA, [("ce_type", b"purchase"), ("trace", b"7")]),
        (DATA, [*BINARY, ("content-type", b"application/cloudevents+json; charset=utf-8")]),
        (b'{"type":"purchase"}', BINARY),
        (b'{"type":"visa"}', [*BINARY, ("ce_type", b"visa")]),
        (EVENT + b" " * MAX_EVENT_BYTES, BINARY),
    ],
    ids=["another's headers", "structured by content type", "a bad field", "the type in both places", "oversize"],
)
def test_headers_beside_a_whole_event_leave_the_reason_as_it_is(value: bytes, headers: Headers) -> None:
    assert refused(value, headers) == refused(value, ())


def test_headers_that_are_no_text_are_shown_and_none_is_asked_for_where_nothing_is_refused() -> None:
    long = [("ce_id", None), ("ce_source", None), ("ce_type", b"\xff" * 200)]
    assert "…" in refused(b"", long).reason
    assert 'ce_type ("")' in refused(b"", [*long, ("ce_type", None)]).reason
    rows: list[int] = []

    def headers(row: int) -> Headers:
        rows.append(row)
        return ()

    read_columns([EVENT, DATA, EVENT], [KEY] * 3, np.full(3, NOW), headers)
    assert rows == [1]


@pytest.mark.parametrize(
    "value",
    [
        b"\0",
        b"\0\0\0\0\0",
        b"\0\0\0\0\0" + EVENT,
        EVENT.decode().encode("utf-16-be"),
        EVENT.decode().encode("utf-16-le"),
        EVENT.replace(b'"type"', b'"kind"'),
        EVENT.replace(b'"data"', b'"payload"'),
        b"[]",
        b"[[]]",
        b"[1]",
    ],
)
def test_what_only_looks_alike_gets_no_hint(value: bytes) -> None:
    told = read(value, KEY, NOW)
    assert isinstance(told, Rejected)
    for word in ("registry", "Connect", "ce_type", "batch format"):
        assert word not in told.reason
