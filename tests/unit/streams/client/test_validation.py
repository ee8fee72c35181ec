"""A refusal names field, value and remedy, whatever is wrong with the event."""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest

from models.touchpoints import MAX_EVENT_BYTES, Touch, event
from streams.client import Refusal, validation
from streams.client.validation import WHOLE, checked

NOON = 1_700_000_000_000
PURCHASE = json.loads(event("purchase", id="o", source="shop", subject="anna", time_ms=NOON, data={"amount": 5.0}))


def purchase(**changed: Any) -> bytes:
    return json.dumps({name: value for name, value in {**PURCHASE, **changed}.items() if value is not ...}).encode()


FAULTS = {
    "negative amount": (purchase(data={"amount": -5}), "bad_field", "data.amount", "-5", "give a number from 0"),
    "missing amount": (purchase(data={}), "missing_field", "data.amount", "missing", "give a number from 0"),
    "missing type": (purchase(type=...), "missing_field", "type", "missing", "give the touchpoint's type"),
    "misspelt type": (purchase(type="purchse"), "unknown_type", "type", '"purchse"', 'did you mean "purchase"?'),
    "strange type": (purchase(type="zzz"), "unknown_type", "type", '"zzz"', "give one of "),
    "numeric type": (purchase(type=7), "bad_field", "type", "7", "give the touchpoint's type"),
    "wordy subject": (purchase(subject=["a is b; give c"]), "bad_field", "subject", '["a is b; give c"]', "give "),
    "NUL in the id": (purchase(id="a\0"), "bad_field", "id", "the control character U+0000", "give printable"),
    "no zone": (purchase(time="2024-05-01T12:00:00"), "bad_field", "time", '"2024-05-01T12:00:00"', "give an RFC 3339"),
    "long ago": (purchase(time="1970-01-01T00:00:00Z"), "impossible_time", "time", "1970-01-01T", "give the time"),
    "far ahead": (purchase(time="2030-01-01T00:00:00Z"), "impossible_time", "time", "2030-01-01T", "give the time"),
    "no JSON": (b"{broken", "not_json", WHOLE, "the event is not JSON: ", "give one JSON object"),
    "no UTF-8": (b'{"type": "\xff"}', "not_json", WHOLE, "byte 10 is not UTF-8", "give JSON in UTF-8"),
    "a list": (b"[1]", "not_an_object", WHOLE, "the event is [1]", "give one JSON object"),
    "nothing": (b"", "empty", WHOLE, "the record has no value", "give an event as JSON"),
    "too deep": (b"[" * 300, "not_json", WHOLE, "the event is nested deeper", "give a flat event"),
    "too large": (b"x" * (MAX_EVENT_BYTES + 1), "oversize", WHOLE, "the event has 65537 bytes", "give at most 65536"),
    "twice": (
        purchase(data={"amount": -5}).replace(b'"amount"', b'"amount": -1, "amount"'),
        *("bad_field", "amount", "given more than once", "give each field once"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_refusal_names_field_value_and_remedy(fault: str) -> None:
    given, code, field, value, remedy = FAULTS[fault]
    found = checked(given, NOON, 12)
    assert isinstance(found, Refusal)
    assert (found.line, found.code, found.field) == (12, code, field)
    assert found.value.startswith(value)
    assert found.remedy.startswith(remedy)
    assert str(found) == f"line 12: {code}: {found.reason}"


def test_what_only_the_engine_writes_is_refused_although_it_is_well_formed() -> None:
    clock = event("clock", id="c", source="x", subject=None, time_ms=NOON, data={})
    found = checked(clock, NOON)
    assert isinstance(found, Refusal)
    assert (found.code, found.field, found.value) == ("reserved_type", "type", '"clock"')
    assert str(found) == "type is 'clock', which only the engine writes; leave the line out"


def test_an_event_that_the_engine_takes_passes_with_its_customer() -> None:
    found = checked(purchase(), NOON)
    assert isinstance(found, Touch)
    assert (found.customer, found.time) == ("anna", NOON)


def test_doctests() -> None:
    assert doctest.testmod(validation).failed == 0
