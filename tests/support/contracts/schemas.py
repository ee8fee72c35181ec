"""JSON Schemas (2020-12) of the touchpoints and of the outputs, from the structs and their docstrings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Union

import msgspec
from msgspec import Struct, structs

from models.outputs import DeadLetter, Decision, StopOrder, Trigger, Unsent, Withdrawal
from models.outputs.control import ControlMember
from models.touchpoints import EVENTS, RESERVED, Kind
from models.touchpoints.envelope import CustomerEvent
from tests.support.policy_docs import told

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TOUCHPOINTS: Final[dict[str, type[CustomerEvent]]] = {
    name: event  # type: ignore[misc]
    for name, event in EVENTS.items()
    if Kind[name.upper()] not in RESERVED
}
"""Types that anybody may publish, each with its struct."""
TRIGGERS: Final = (Trigger, Withdrawal, StopOrder, Unsent)
"""What stands in the triggers topic."""
MS: Final = "ms since 1970-01-01T00:00:00Z, log time"
TIMES: Final = frozenset(
    {"time", "expires_at", "not_before", "valid_until", "until", "timestamp", "due", "late", "since"}
)
"""Fields of outputs that hold such a time."""
PRINTABLE: Final = "^[^\\x00-\\x1f]*$"
"""Of source, id and subject: no control characters; in what the regular expressions of all languages have in common."""
ENVELOPE: Final = {
    "specversion": "the version of CloudEvents",
    "id": "of the fact (an order, a case), unique for the source; the same source and id count once",
    "source": "what tells of it, as a URI reference such as https://shop.example/orders",
    "type": "the touchpoint's",
    "subject": "the customer's id; in UTF-8 also the record's key",
    "time": "when it happened, RFC 3339 with its offset, at most an hour ahead of the broker's clock",
    "data": "the type's own fields; others are passed over",
    "datacontenttype": "application/json, or left out",
    "dataschema": "passed over",
}


def touchpoints() -> Schema:
    """Of an event of any type that may be published."""
    root, defs = _components([Union[tuple(TOUCHPOINTS.values())]])  # noqa: UP007 - made of a list
    for event in TOUCHPOINTS.values():
        _enveloped(defs[event.__name__], defs)
    return _document("A touchpoint", "A CloudEvent 1.0 in structured JSON: what a customer did.", root[0], defs)


def envelope() -> Schema:
    """What all touchpoints share; `data` is that of the type."""
    _, defs = _components([CustomerEvent])
    found = defs["CustomerEvent"]
    found["properties"]["type"] = {"enum": sorted(TOUCHPOINTS)}
    found["properties"]["data"] = {"type": "object"}
    found["required"] = sorted({*found["required"], "type"}, key=list(ENVELOPE).index)
    _enveloped(found, {})
    return {"$schema": DIALECT, **found, "title": "The envelope of a touchpoint"}


def triggers() -> Schema:
    """Of a record in the triggers topic."""
    return _outputs("A record of the triggers topic", TRIGGERS)


def decisions() -> Schema:
    """Of a record in the decisions topic."""
    return _outputs("A record of the decisions topic", (Decision,))


def dead_letters() -> Schema:
    """Of a record in the dead letters topic."""
    return _outputs("A record of the dead letters topic", (DeadLetter,))


def control() -> Schema:
    """Of a row in the topic of the control group's members."""
    return _outputs("A row of the topic of the control group's members", (ControlMember,))


FILES: Final = {
    "envelope": envelope,
    "touchpoints": touchpoints,
    "triggers": triggers,
    "decisions": decisions,
    "dead_letters": dead_letters,
    "control": control,
}


def plain_schemas(types: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """The schemas of types, and those that they refer to, with the words of their docstrings."""
    return _components(types)


def _outputs(title: str, types: tuple[type[Struct], ...]) -> Schema:
    root, defs = _components([Union[types]])  # noqa: UP007
    for schema in defs.values():
        for name, field in schema.get("properties", {}).items():
            if name in TIMES:
                field.setdefault("description", MS)
    about = "A field that has its default is left out. Readers pass over fields that they don't know."
    return _document(title, about, root[0], defs)


def _document(title: str, about: str, root: Schema, defs: dict[str, Schema]) -> Schema:
    return {"$schema": DIALECT, "title": title, "description": about, **root, "$defs": defs}


def _components(types: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    kinds = list(types)
    root, defs = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    found = {kind.__name__: kind for kind in _structs(kinds)}
    for name, schema in defs.items():
        if name in found:
            _worded(schema, found[name])
    return list(root), dict(defs)


def _structs(types: Iterable[Any]) -> set[type[Struct]]:
    """All structs that the types hold."""
    found: set[type[Struct]] = set()
    waiting = [*types]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, Struct):
            if one not in found:
                found.add(one)
                waiting.extend(field.type for field in structs.fields(one))
        else:
            waiting.extend(getattr(one, "__args__", ()))
    return found


def _worded(schema: Schema, kind: type[Struct]) -> None:
    """Put the docstring's words where they belong: about the whole, and of each field."""
    schema.pop("description", None)
    if kind.__doc__ is None:
        return
    about, words = told(kind)
    schema["description"] = about
    for name, field in schema["properties"].items():
        if name in words:
            field["description"] = words[name]


def _enveloped(schema: Schema, defs: dict[str, Schema]) -> None:
    """Add what the decoder leaves to later rules, and the words of the attributes."""
    properties = schema["properties"]
    for name in ("id", "source", "subject"):
        properties[name]["pattern"] = PRINTABLE
    properties["time"]["format"] = "date-time"
    properties["datacontenttype"] = {"type": "string"}
    properties["dataschema"] = {"type": "string"}
    for name, words in ENVELOPE.items():
        properties[name]["description"] = words
    schema["properties"] = {name: properties[name] for name in ENVELOPE}
    data = defs.get(properties["data"].get("$ref", "").rpartition("/")[2])
    if data is not None:
        schema.setdefault("description", data["description"])
