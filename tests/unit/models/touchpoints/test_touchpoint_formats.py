"""Events in the formats of other tools: refused as before, with a word on what to configure."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.touchpoints import Rejected, read
from models.touchpoints.columns import read_columns
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
    "data alone": (DATA, "missing_field", "ce_subject and ce_time"),
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
