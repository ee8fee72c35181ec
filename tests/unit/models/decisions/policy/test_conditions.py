"""Conditions hold by what is known; of what is not known every comparison is false."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decisions.policy.conditions import PERSON_FIELDS, fields_of, holds, of_data, sort_of
from models.decisions.policy.parts import Condition
from models.touchpoints.types.service import Nps
from models.touchpoints.union import EVENTS

KNOWN: dict[str, Any] = {"country": "NL", "spent": 40.0, "topics": ("tea", "coffee"), "cancelled": False}


def condition(plain: dict[str, Any]) -> Condition:
    return msgspec.convert(plain, Condition)


def true_of(field: str, op: str, value: Any) -> bool:
    return holds(condition({"field": field, "op": op, "value": value}), KNOWN.get)


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("country", "==", "NL", True),
        ("country", "==", "DE", False),
        ("country", "!=", "DE", True),
        ("country", "in", ["DE", "NL"], True),
        ("country", "in", ["DE"], False),
        ("country", "not in", ["DE"], True),
        ("country", "not in", ["NL"], False),
        ("country", "contains", "N", True),
        ("spent", ">", 40, False),
        ("spent", ">=", 40, True),
        ("spent", "<", 40.5, True),
        ("spent", "<=", 39, False),
        ("topics", "contains", "tea", True),
        ("topics", "contains", "te", False),
        ("cancelled", "==", False, True),
        ("spent", ">", "40", False),
    ],
)
def test_a_comparison(field: str, op: str, value: Any, expected: bool) -> None:
    assert true_of(field, op, value) is expected


@pytest.mark.parametrize("op", ["==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains"])
def test_a_comparison_with_what_is_not_known_is_false_and_its_negation_true(op: str) -> None:
    asked = {"field": "language", "op": op, "value": ["nl"] if op.endswith("in") else "nl"}
    assert not holds(condition(asked), KNOWN.get)
    assert holds(condition({"not": asked}), KNOWN.get)


plain = st.recursive(
    st.tuples(
        st.sampled_from(["country", "spent", "nothing"]), st.sampled_from(["==", "!="]), st.sampled_from(["NL", 40])
    ),
    lambda inner: st.tuples(st.sampled_from(["all", "any", "not"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)


def written(tree: Any) -> dict[str, Any]:
    if len(tree) == 3:
        return dict(zip(("field", "op", "value"), tree, strict=True))
    form, inner = tree
    return {form: written(inner[0]) if form == "not" else [written(one) for one in inner]}


def by_hand(tree: Any) -> bool:
    if len(tree) == 3:
        field, op, value = tree
        return field in KNOWN and (KNOWN[field] == value) == (op == "==")
    form, inner = tree
    if form == "not":
        return not by_hand(inner[0])
    return (all if form == "all" else any)(by_hand(one) for one in inner)


@given(plain)
def test_all_any_and_not_mean_what_they_say(tree: Any) -> None:
    assert holds(condition(written(tree)), KNOWN.get) == by_hand(tree)


def test_fields_of_a_touchpoint_are_read_from_its_data() -> None:
    raw = b'{"type":"nps","specversion":"1.0","id":"1","source":"s","time":"","subject":"c","data":{"score":3}}'
    nps = msgspec.json.decode(raw, type=Nps)
    low = condition({"field": "score", "op": "<=", "value": 6})
    assert holds(low, of_data(nps.data))
    assert not holds(condition({"field": "amount", "op": ">", "value": 0}), of_data(nps.data))


def test_every_field_that_may_be_named_can_be_compared() -> None:
    for name in EVENTS:
        assert all(sort_of(wanted) for wanted in fields_of(name).values())
    assert all(sort_of(wanted) for wanted in PERSON_FIELDS.values())
    assert "renews_at" not in fields_of("subscription_started")
