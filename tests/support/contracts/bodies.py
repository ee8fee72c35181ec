"""The bodies of a worker's HTTP side, as components of its OpenAPI document."""

from __future__ import annotations

import inspect
from typing import Any, Final, get_type_hints

import msgspec

from streams.operations.may_contact import Against, Answer, Question
from streams.operations.valid import Validity
from tests.support.contracts.schemas import Schema, plain_schemas
from tests.support.policy_docs import told_of

NUMBER: Final[Schema] = {"type": "number"}
TEXT: Final[Schema] = {"type": "string"}
WAIT: Final[Schema] = {
    "type": "object",
    "properties": {"shard": {"type": ["integer", "string"]}, "seconds": NUMBER, "reason": TEXT, "error": TEXT},
    "required": ["shard", "seconds", "reason"],
}
STATE: Final[Schema] = {
    "type": "object",
    "properties": {"state": TEXT, "seconds": NUMBER, "reason": TEXT},
    "required": ["state", "seconds"],
}
HEALTH: Final[Schema] = {
    "type": "object",
    "description": "What stands still is named, with the reason.",
    "properties": {
        "healthy": {"type": "boolean"},
        "stalled": {"type": "array", "items": WAIT, "description": "shards that have work and don't move"},
        "shards": {"type": "object", "additionalProperties": STATE, "description": "by number"},
        "parked": {"type": "array", "items": WAIT, "description": "over a named error"},
        "takeover": {"type": "array", "items": WAIT, "description": "what a takeover waits for"},
        "learner": {"type": "string", "description": "why it stands still, or how far it is"},
        "topic": {"type": "string", "description": "the trouble with the input topic"},
    },
    "required": ["healthy", "stalled", "shards"],
}
READY: Final[Schema] = {
    "type": "object",
    "properties": {
        "ready": {"type": "boolean"},
        "shards": {"type": "array", "items": {"type": "integer"}, "description": "that this worker owns"},
        "reason": {"type": "string", "description": "why it is not ready"},
    },
    "required": ["ready", "shards"],
}
ERROR: Final[Schema] = {
    "type": "object",
    "properties": {"error": TEXT, "remedy": {"type": ["string", "null"]}},
    "required": ["error"],
}


def components() -> dict[str, Schema]:
    """The bodies, by name."""
    answer, against, question, validity = (
        msgspec.defstruct("MayContact", _fields(Answer, gates=tuple[_AGAINST, ...], asked=Question), kw_only=True),
        _AGAINST,
        Question,
        msgspec.defstruct("Validity", _fields(Validity), kw_only=True),
    )
    _, found = plain_schemas([answer, against, question, validity])
    for name, kind in {"MayContact": Answer, "Against": Against, "Validity": Validity}.items():
        about, words = told_of(inspect.cleandoc(kind.__doc__ or ""), kind._fields)
        found[name]["description"] = about
        for field, text in words.items():
            found[name]["properties"][field]["description"] = text
    found["MayContactQuestion"] = found.pop("Question") | {"title": "MayContactQuestion"}
    for empty in ("policy", "reservation"):
        found["MayContact"]["properties"][empty]["type"] = ["string", "null"]
    for schema in found.values():
        # The answers have all their fields; a question may leave out what has a default.
        if schema["title"] != "MayContactQuestion":
            schema["required"] = list(schema["properties"])
            for field in schema["properties"].values():
                field.pop("default", None)
    text = msgspec.json.encode(found).decode().replace("#/$defs/", "#/components/schemas/")
    return msgspec.json.decode(text) | {"Health": HEALTH, "Ready": READY, "Error": ERROR}  # type: ignore[no-any-return]


def _fields(kind: Any, asked: Any = None, **instead: Any) -> list[tuple[str, Any]]:
    """Of a named tuple, and of the question in what an answer repeats of it."""
    hints = get_type_hints(kind, include_extras=True) | instead
    repeated = ("customer", "purpose", "channel", "promotion") if asked else ()
    if asked:
        hints = {name: get_type_hints(asked, include_extras=True)[name] for name in repeated} | hints
    return [(name, hints[name]) for name in (*repeated, *kind._fields)]


_AGAINST: Final = msgspec.defstruct("Against", _fields(Against), kw_only=True)
