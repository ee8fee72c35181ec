"""An OpenAPI 3.1 document of a worker's HTTP side, and whether an answer is as it says."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, get_type_hints

import msgspec
from jsonschema import Draft202012Validator

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


class Reply(NamedTuple):
    """schema: the name of a component; empty: plain text."""

    about: str
    schema: str = ""


class Route(NamedTuple):
    """parameters: of the query, all needed, with their words. body: the component that is posted."""

    method: str
    path: str
    about: str
    replies: dict[int, Reply]
    parameters: Mapping[str, str] = MappingProxyType({})
    body: str = ""


ROUTES: Final = (
    Route("get", "/metrics", "Metrics for Prometheus.", {200: Reply("in the text format 0.0.4")}),
    Route(
        "get",
        "/health",
        "Whether the learner, a takeover and every shard that has work can go on.",
        {200: Reply("they can", "Health"), 503: Reply("what can't is named", "Health")},
    ),
    Route(
        "get",
        "/ready",
        "Whether an assignment has been taken over.",
        {200: Reply("it has", "Ready"), 503: Reply("before, and during a rebalance", "Ready")},
    ),
    Route(
        "get",
        "/valid",
        "Whether a trigger that is still held may be sent. Any worker answers for any customer.",
        {
            200: Reply("the answer; `valid` says it, `reason` why not", "Validity"),
            400: Reply("customer or trigger is missing", "Error"),
            503: Reply("nobody can say: marketing is not sent, all else is", "Error"),
        },
        {"customer": "the trigger's customer", "trigger": "its id"},
    ),
    Route(
        "post",
        "/may-contact",
        "Whether another sender may contact a customer now; with `reserve`, the contact is kept for them.",
        {
            200: Reply("the answer of the gates", "MayContact"),
            400: Reply("the question is none", "Error"),
            409: Reply("no policy is in force", "Error"),
            503: Reply("Redis or Kafka does not answer", "Error"),
            504: Reply("the shard has not come to it in time: ask again with the same id", "Error"),
        },
        body="MayContactQuestion",
    ),
)


def openapi() -> Schema:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "A worker of the retention engine",
            "version": "1",
            "description": "Listens on `metrics_host:metrics_port`. Asks nobody who they are: keep it inside a network "
            "whose members may know, or put a proxy in front of it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "http://{host}:{port}",
                "variables": {"host": {"default": "127.0.0.1"}, "port": {"default": "9100"}},
            }
        ],
        "paths": {route.path: {route.method: _operation(route)} for route in ROUTES},
        "components": {"schemas": components()},
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


def unlike(method: str, path: str, status: int, body: Any) -> list[str]:
    """In which ways an answer is not as the document says."""
    route = next((one for one in ROUTES if (one.method, one.path) == (method, path)), None)
    if route is None or status not in route.replies:
        return [f"{method} {path} with {status} is not in the document"]
    root = {"components": {"schemas": components()}, "$ref": f"#/components/schemas/{route.replies[status].schema}"}
    known = root["components"]["schemas"][route.replies[status].schema]["properties"]  # type: ignore[index]
    found = [f"{path} {one.json_path}: {one.message}" for one in Draft202012Validator(root).iter_errors(body)]
    return found + [f"{path}: {name} is not in the document" for name in body.keys() - known.keys()]


def _operation(route: Route) -> Schema:
    found: Schema = {"operationId": route.path.strip("/").replace("-", "_"), "summary": route.about}
    if route.parameters:
        found["parameters"] = [
            {"name": name, "in": "query", "required": True, "description": words, "schema": TEXT}
            for name, words in route.parameters.items()
        ]
    if route.body:
        found["requestBody"] = {"required": True, "content": _json(route.body)}
    found["responses"] = {
        str(status): {
            "description": reply.about,
            "content": _json(reply.schema) if reply.schema else {"text/plain": {"schema": TEXT}},
        }
        for status, reply in route.replies.items()
    }
    return found


def _json(component: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{component}"}}}


def _fields(kind: Any, asked: Any = None, **instead: Any) -> list[tuple[str, Any]]:
    """Of a named tuple, and of the question in what an answer repeats of it."""
    hints = get_type_hints(kind, include_extras=True) | instead
    repeated = ("customer", "purpose", "channel", "promotion") if asked else ()
    if asked:
        hints = {name: get_type_hints(asked, include_extras=True)[name] for name in repeated} | hints
    return [(name, hints[name]) for name in (*repeated, *kind._fields)]


_AGAINST: Final = msgspec.defstruct("Against", _fields(Against), kw_only=True)
