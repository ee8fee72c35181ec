"""Ids that a replay gives again, and words that can always be read."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn import Driver
from models.churn.words import WORDS
from models.decide import DRIVERS, told_apart
from models.features import COLUMNS, FEATURES
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


bases = st.lists(st.floats(0, 1e6, width=32), min_size=len(COLUMNS), max_size=len(COLUMNS))


@given(bases, st.floats(-1, 1, width=32))
def test_words_never_raise_and_never_say_what_no_reader_understands(numbers: list[float], sentiment: float) -> None:
    basis = np.array(numbers, dtype=np.float32)
    basis[COLUMNS.index("purchase_days")] = max(1, round(numbers[2]))
    basis[COLUMNS.index("sentiment")] = sentiment
    for name in ("amount_last", "amount_ewma"):
        basis[COLUMNS.index(name)] = min(numbers[COLUMNS.index(name)], 30.0)  # log1p of all the money there is
    for feature in FEATURES:
        said = WORDS[feature](basis.tolist())
        assert said
        assert "nan" not in said
        assert "inf" not in said


@pytest.mark.parametrize(
    ("feature", "changes", "said"),
    [
        ("recency", {"recency_days": 31, "purchase_days": 1}, "silent 31 days, bought once so far"),
        ("overdue", {"recency_days": 1, "purchase_days": 3, "gap_sum": 14}, "silent 1 day, usually buys every 7 days"),
        ("overdue_late", {"recency_days": 9, "purchase_days": 2}, "silent 9 days, bought on 2 days so far"),
        ("open_cases", {"open_cases": 1}, "1 open service case"),
        ("open_cases", {"open_cases": 2}, "2 open service cases"),
        ("sentiment", {"sentiment": -0.5}, "sounds unhappy"),
    ],
)
def test_words_say_what_is_the_case(feature: str, changes: dict[str, float], said: str) -> None:
    basis = np.zeros(len(COLUMNS), dtype=np.float32)
    for name, value in changes.items():
        basis[COLUMNS.index(name)] = value
    assert WORDS[feature](basis.tolist()) == said


def test_drivers_that_say_the_same_are_told_once() -> None:
    drivers = [Driver("a", 3.0, "x"), Driver("b", 2.0, "x"), *(Driver("c", 1.0, str(i)) for i in range(5))]
    told = told_apart(drivers)
    assert [driver.words for driver in told] == ["x", "0", "1"]
    assert told[0].feature == "a"
    assert len(told) == DRIVERS
