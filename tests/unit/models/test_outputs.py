"""Ids that a replay gives again, and bytes that can always be read."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from models.outputs import Position, Reason, Trigger, Watermark, as_text, encode, output_id, trigger_id

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10)


def test_a_trigger_id_stays_what_it_is() -> None:
    # A constant: ids that change with a release would send what was sent before.
    assert trigger_id(b"c-1", 1_000, "due", 1) == trigger_id(b"c-1", 1_000, "due", 1)
    assert trigger_id(b"c-1", 1_000, "due", 1) == "ecca50f76778dd21730e90c704580055"


@given(st.lists(st.tuples(names, st.integers(0, 5), names, st.integers(0, 5)), min_size=2, max_size=2, unique=True))
def test_different_episodes_and_steps_have_different_ids(two: list[tuple[str, int, str, int]]) -> None:
    ids = [trigger_id(customer.encode(), opened, opener, step) for customer, opened, opener, step in two]
    assert ids[0] != ids[1]


@given(st.lists(st.lists(st.one_of(names, st.integers()), max_size=4), min_size=2, max_size=2, unique_by=str))
def test_different_parts_give_different_ids(two: list[list[str | int]]) -> None:
    texts = [list(map(str, parts)) for parts in two]
    # No part and one empty part are the same; an output's id always begins with its sort.
    assert (output_id("x", *two[0]) != output_id("x", *two[1])) == (texts[0] != texts[1])


def test_outputs_are_json_with_their_sort_in_type() -> None:
    at = Position(1, 2, due=True)
    trigger = Trigger("id", "Zoë", "care", "sms", 0.9, [Reason("recency", 0.5, "silent")], 1, 1, 2, 3, -1, at)
    plain = json.loads(encode(trigger))
    assert plain["type"] == "trigger"
    assert plain["customer"] == "Zoë"
    assert plain["at"] == {"partition": 1, "offset": 2, "due": True}
    assert encode(trigger) == encode(trigger)
    assert json.loads(encode(Watermark(3, 4))) == {"type": "watermark", "shard": 3, "time": 4}


def test_bytes_are_kept_as_text_whole_or_up_to_a_limit() -> None:
    assert base64.b64decode(as_text(b"\xff\x00abc")) == b"\xff\x00abc"
    assert base64.b64decode(as_text(b"abcdef", 4)) == b"abcd"
    assert as_text(None) == ""
