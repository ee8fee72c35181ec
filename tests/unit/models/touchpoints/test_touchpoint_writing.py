"""Events are written so that they are read as they were meant."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.touchpoints import InvalidTouchpoint, Touch, event, read
from models.touchpoints.limits import EARLIEST_MS
from models.touchpoints.types.commerce import PurchaseData
from tests.support.touchpoint_examples import LINES, touch


def purchase(**parts: Any) -> bytes:
    usual: dict[str, Any] = {"id": "1", "source": "s", "subject": "c", "time_ms": 1_714_564_800_123}
    return event("purchase", **(usual | {"data": {"amount": 1}} | parts))


@pytest.mark.parametrize("name", LINES)
def test_every_example_is_written_again_byte_for_byte(name: str) -> None:
    parts = json.loads(LINES[name])
    time_ms = round(datetime.fromisoformat(parts["time"]).timestamp() * 1000)
    subject, data = parts.get("subject"), parts["data"]
    assert (
        event(name, id=parts["id"], source=parts["source"], subject=subject, time_ms=time_ms, data=data) == LINES[name]
    )


@pytest.mark.parametrize("name", sorted(set(LINES) - {"clock", "touchpoint_forwarded"}))
def test_the_data_that_was_read_can_be_written_and_is_read_the_same(name: str) -> None:
    seen = touch(LINES[name])
    source = json.loads(LINES[name])["source"]
    again = event(name, id=seen.id, source=source, subject=seen.customer, time_ms=seen.time, data=seen.data)
    assert repr(touch(again)) == repr(seen)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=128),
    st.integers(EARLIEST_MS, 253_402_300_799_999),
    st.floats(0, 1e12),
)
def test_what_is_written_is_read_back(customer: str, time_ms: int, amount: float) -> None:
    outcome = read(purchase(subject=customer, time_ms=time_ms, data={"amount": amount}), None, time_ms)
    assert isinstance(outcome, Touch)
    assert (outcome.customer, outcome.time, outcome.a, outcome.skewed) == (customer, time_ms, amount, False)


def test_the_order_in_which_data_was_built_does_not_matter() -> None:
    one = {"amount": 1, "channel": "web", "extra": {"b": 1, "a": 2}}
    two = {"extra": {"a": 2, "b": 1}, "channel": "web", "amount": 1}
    assert purchase(data=one) == purchase(data=two)


def test_additional_fields_are_kept() -> None:
    assert json.loads(purchase(data={"amount": 1, "basket": [1, 2]}))["data"]["basket"] == [1, 2]


def test_typed_data_is_written_without_what_was_not_given() -> None:
    assert json.loads(purchase(data=PurchaseData(amount=2.0)))["data"] == {"amount": 2.0}


@pytest.mark.parametrize(
    ("parts", "code", "names"),
    [
        ({"data": {"amount": -1}}, "bad_field", "data.amount is -1"),
        ({"data": {}}, "missing_field", "data.amount is missing"),
        ({"data": {"amount": math.nan}}, "bad_field", "data.amount is nan"),
        ({"data": {"amount": 1, "x": [{"y": math.inf}]}}, "bad_field", "data.x[0].y is inf"),
        ({"data": {"amount": 10**40}}, "bad_field", ""),
        ({"data": {"amount": np.float64(1)}}, "bad_field", "float64"),
        ({"data": {"amount": 1, "x": object()}}, "bad_field", "object"),
        ({"data": {"amount": 1, "x": "y" * 70_000}}, "oversize", "at most 65536"),
        ({"data": 5}, "bad_field", "data is 5"),
        ({"id": ""}, "bad_field", "id is"),
        ({"id": "\ud800"}, "bad_field", ""),
        ({"id": "a\nb"}, "bad_field", "id holds"),
        ({"source": ""}, "bad_field", "source is"),
        ({"subject": None}, "missing_field", "subject is missing"),
        ({"subject": "x" * 129}, "bad_field", "subject is"),
        ({"time_ms": EARLIEST_MS - 1}, "impossible_time", "before 1990"),
        ({"time_ms": 10**20}, "bad_field", "time_ms is"),
    ],
)
def test_what_would_become_a_dead_letter_is_not_written(parts: Mapping[str, Any], code: str, names: str) -> None:
    with pytest.raises(InvalidTouchpoint) as caught:
        purchase(**parts)
    assert caught.value.rejected.code == code
    assert names in str(caught.value)
    str(caught.value).encode()


def test_an_unknown_type_is_not_written() -> None:
    with pytest.raises(InvalidTouchpoint, match='unknown_type: type is "purchased"; did you mean "purchase"'):
        event("purchased", id="1", source="s", subject="c", time_ms=EARLIEST_MS, data={})


def test_data_that_contains_itself_is_refused() -> None:
    data: dict[str, Any] = {"amount": 1}
    data["self"] = data
    with pytest.raises(InvalidTouchpoint):
        purchase(data=data)
