"""A change of a contract is named with its field where it breaks somebody, and only there."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.contracts.changes import breaks
from tests.support.contracts.files import documents

IN: dict[str, Any] = json.loads(documents()["touchpoints.schema.json"])
OUT: dict[str, Any] = json.loads(documents()["triggers.schema.json"])
DECISIONS: dict[str, Any] = json.loads(documents()["decisions.schema.json"])
Change = Callable[[dict[str, Any]], Any]


def found(of: dict[str, Any], change: Change, published: bool) -> list[str]:
    now = copy.deepcopy(of)
    change(now)
    assert now != of
    return breaks(of, now, published)


def put(kind: str, name: str, schema: Any) -> Change:
    return lambda now: now["$defs"][kind]["properties"].update({name: schema})


def drop(kind: str, name: str) -> Change:
    return lambda now: now["$defs"][kind]["properties"].pop(name)


def need(kind: str, name: str) -> Change:
    return lambda now: now["$defs"][kind]["required"].append(name)


def free(kind: str, name: str) -> Change:
    return lambda now: now["$defs"][kind]["required"].remove(name)


def without_type(index: int) -> Change:
    return lambda now: now["anyOf"].pop(index)


def with_type(now: dict[str, Any]) -> None:
    now["$defs"]["New"] = {"type": "object", "title": "New", "properties": {"type": {"enum": ["new"]}}}
    now["anyOf"].append({"$ref": "#/$defs/New"})


TEXT = {"type": "string", "default": ""}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (without_type(0), "purchase is gone"),
        (drop("PurchaseData", "channel"), "purchase.data.channel is gone"),
        (need("PurchaseData", "currency"), "purchase.data.currency is needed now"),
        (
            put("PurchaseData", "amount", {"type": "number", "minimum": 0, "maximum": 10}),
            "purchase.data.amount had max",
        ),
        (
            put("PurchaseData", "amount", {"type": "string"}),
            "purchase.data.amount was given as number and is now string",
        ),
        (put("PurchaseData", "channel", {"type": "string", "maxLength": 32, "minLength": 1}), "purchase.data.channel"),
        (put("CallData", "direction", {"enum": ["inbound"]}), "call.data.direction is no longer outbound"),
        (put("ChatData", "participants", {"type": "array", "minItems": 2}), "chat.data.participants had minItems"),
    ],
)
def test_a_touchpoint_that_would_be_refused_is_a_break(change: Change, named: str) -> None:
    lines = found(IN, change, published=False)
    assert any(line.startswith(named) for line in lines), lines


@pytest.mark.parametrize(
    "change",
    [
        with_type,
        put("PurchaseData", "colour", TEXT),
        free("PurchaseData", "amount"),
        put("PurchaseData", "amount", {"type": "number", "minimum": 0, "maximum": 1e15}),
        put("CallData", "direction", {"enum": ["inbound", "outbound", "sideways"]}),
        put("ChatData", "participants", {"type": "array", "items": {"type": "string"}}),
    ],
)
def test_what_widens_a_touchpoint_breaks_nothing(change: Change) -> None:
    assert found(IN, change, published=False) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (without_type(0), "trigger is gone"),
        (with_type, "new is new in a topic"),
        (drop("Trigger", "coupon"), "trigger.coupon is gone"),
        (free("Trigger", "channel"), "trigger.channel may be left out now"),
        (put("Trigger", "step", {"type": "number"}), "trigger.step was given as integer and is now number"),
        (put("Trigger", "at", {"anyOf": [{"$ref": "#/$defs/Position"}, {"type": "null"}]}), "trigger.at"),
        (drop("Position", "due"), "trigger.at.due is gone"),
        (put("Reason", "contribution", {"type": "string"}), "trigger.drivers[].contribution was given as number"),
    ],
)
def test_a_record_that_readers_do_not_expect_is_a_break(change: Change, named: str) -> None:
    lines = found(OUT, change, published=True)
    assert any(line.startswith(named) for line in lines), lines


@pytest.mark.parametrize("change", [put("Trigger", "mood", TEXT), need("Trigger", "country")])
def test_what_readers_may_pass_over_breaks_nothing(change: Change) -> None:
    assert found(OUT, change, published=True) == []


def test_of_a_document_with_one_record_a_field_that_goes_is_named() -> None:
    assert found(DECISIONS, drop("Decision", "gate"), published=True) == ["decision.gate is gone: somebody goes by it"]
