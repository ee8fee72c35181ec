"""A record of the triggers topic: a trigger, a withdrawal, or named as what it is not."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from models.outputs import Position, Reason, Trigger, Withdrawal, encode
from streams.client import Unreadable, UnreadableTrigger
from streams.client.trigger_decoding import trigger_in

TRIGGER = Trigger("t", "anna", "care", "email", 0.9, [Reason("r", 1.0, "w")], 1, 1, 2, 3, 4, Position(0, 5, False))


def record(value: bytes | None) -> Any:
    return SimpleNamespace(topic="triggers", partition=3, offset=17, key=b"anna", value=value)


def test_a_trigger_is_read_as_it_was_written() -> None:
    assert trigger_in(record(encode(TRIGGER))) == TRIGGER


def test_a_withdrawal_is_one() -> None:
    withdrawal = Withdrawal("w", "anna", "t", "complaint", 2, Position(0, 6, False))
    assert trigger_in(record(encode(withdrawal))) == withdrawal


def test_a_field_of_a_later_release_is_left_out() -> None:
    later = {**json.loads(encode(TRIGGER)), "shade": "green"}
    assert trigger_in(record(json.dumps(later).encode())) == TRIGGER


@pytest.mark.parametrize(
    "value", [None, b"", b"{broken", b"\xff", b'{"type":"decision"}', b"[]", b'{"type":"trigger"}']
)
def test_anything_else_is_named_with_its_place_its_fault_and_its_beginning(value: bytes | None) -> None:
    found = trigger_in(record(value))
    assert isinstance(found, Unreadable)
    assert (found.partition, found.offset, found.value) == (3, 17, value)
    told = str(UnreadableTrigger(found))
    assert told.startswith(f"triggers[3]@17 is no trigger: {found.reason}; it begins {(value or b'')!r}")
    assert "on_unreadable" in told
