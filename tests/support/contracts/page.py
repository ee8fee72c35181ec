"""The tables of docs/contracts.md: every touchpoint with its example, every output, every route over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from models.touchpoints import FAMILY, Family, Kind
from tests.support.contracts.http_page import over_http
from tests.support.contracts.schemas import (
    TOUCHPOINTS,
    TRIGGERS,
    Schema,
    dead_letters,
    decisions,
    envelope,
    touchpoints,
    triggers,
)
from tests.support.touchpoint_examples import LINES

DOCS: Final = Path(__file__).resolve().parents[3] / "docs"
PAGE: Final = DOCS / "contracts.md"
BEGIN: Final = "<!-- from here on made by `python -m tests.support.contracts` -->\n"
WORDS: Final = {
    Family.COMMERCE: "Purchases, payments, subscriptions",
    Family.ENGAGEMENT: "Visits, searches, messages",
    Family.CONVERSATION: "Conversations",
    Family.SOCIAL: "Mentions, reviews, referrals",
    Family.SERVICE: "Cases and scores",
    Family.DIRECTED: "What customers say about themselves",
    Family.LOYALTY: "Loyalty programmes",
    Family.CAMPAIGN: "Campaigns, and what became of triggers",
}


def page() -> str:
    """The file as it should be: what is written by hand, and the reference."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[0] + BEGIN + "\n" + "\n".join(_reference()) + "\n"


def _reference() -> Iterator[str]:
    shared = envelope()
    yield "## The envelope\n\nWhat every touchpoint carries around its `data`.\n"
    yield from _table(shared, shared)
    document = touchpoints()
    yield "\n## Touchpoints\n\n| type | |\n|---|---|"
    for name in TOUCHPOINTS:
        yield f"| [`{name}`](#{name}) | {document['$defs'][TOUCHPOINTS[name].__name__]['description']} |"
    for family in Family:
        yield f"\n### {WORDS[family]}"
        for name, event in TOUCHPOINTS.items():
            if FAMILY[Kind[name.upper()]] == family:
                yield from _touchpoint(name, document["$defs"][event.__name__], document)
    events = {event.__name__ for event in TOUCHPOINTS.values()}
    parts = [name for name in document["$defs"] if name not in events and not name.endswith("Data")]
    if parts:
        yield "\n### Parts of these"
    for name in parts:
        yield f"\n#### {name}\n\n{document['$defs'][name].get('description', '')}\n"
        yield from _table(document["$defs"][name], document)
    yield "\n## Outputs\n\nA field that has its default is left out. Times are ms since 1970-01-01T00:00:00Z."
    for found, names in (
        (triggers(), [kind.__name__ for kind in TRIGGERS]),
        (decisions(), ["Decision"]),
        (dead_letters(), ["DeadLetter"]),
    ):
        for name in [*names, *(other for other in found["$defs"] if other not in names)]:
            if name == "Position" and "Trigger" not in names:
                continue  # told once
            schema = found["$defs"][name]
            yield f"\n### {name}\n\n{schema.get('description', '')}\n"
            yield from _table(schema, found)
    yield from over_http(_table)


def _touchpoint(name: str, schema: Schema, document: Schema) -> Iterator[str]:
    yield f"\n#### {name}\n\n{schema['description']}\n"
    data = document["$defs"][schema["properties"]["data"]["$ref"].rpartition("/")[2]]
    if data["properties"]:
        yield from _table(data, document, needed="data" in schema["required"])
        yield ""
    yield f"```json\n{json.dumps(json.loads(LINES[name]), ensure_ascii=False)}\n```"


def _table(schema: Schema, document: Schema, needed: bool = True) -> Iterator[str]:
    yield "| field | takes | without it | |\n|---|---|---|---|"
    for name, field in schema["properties"].items():
        default = "needed" if name in schema.get("required", ()) and needed else _default(field)
        yield f"| `{name}` | {_takes(field, document)} | {default} | {field.get('description', '')} |"


def _default(field: Schema) -> str:
    value = field.get("default")
    return "–" if value is None or value in ("", (), [], {}) else f"`{msgspec.json.encode(value).decode()}`"


def _takes(field: Schema, document: Schema) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if not name.endswith("Data") else "an object"
    if "anyOf" in field:
        return " or ".join(_inner(one, document) for one in field["anyOf"] if one.get("type") != "null")
    if "enum" in field:
        values = field["enum"]
        return ", ".join(f"`{value}`" for value in values) if len(values) <= 12 else "a type, see below"
    if isinstance(field.get("type"), list):
        return " or ".join(_takes({**field, "type": one}, document) for one in field["type"] if one != "null")
    match field.get("type"):
        case "string":
            return _text(field)
        case "integer" | "number":
            whole = "a whole number" if field["type"] == "integer" else "a number"
            bounds = _bounds(field.get("minimum"), field.get("maximum"))
            return f"{whole} {bounds}" if bounds else whole
        case "boolean":
            return "true or false"
        case "array" if "prefixItems" in field:
            return "a list of " + " and ".join(_takes(one, document) for one in field["prefixItems"])
        case "array":
            return f"a list, each {_inner(field['items'], document)}"
        case "object":
            inner: Any = field.get("additionalProperties")
            return f"an object, each value {_inner(inner, document)}" if isinstance(inner, dict) else "an object"
    raise TypeError(f"no words for {field}; add them beside the others")


def _inner(field: Schema, document: Schema) -> str:
    """Within another: its own words say most."""
    return str(field.get("description") or _takes(field, document))


def _text(field: Schema) -> str:
    if field.get("format") == "date-time":
        return "a time, RFC 3339 with its offset"
    if "format" in field:
        return f"a text: {field['format']}"
    if field.get("contentEncoding") == "base64":
        return "base64"
    low, high = field.get("minLength"), field.get("maxLength")
    if low == high and low is not None:
        return f"a text of {low} characters"
    return "a text" if high is None else f"a text of {f'{low} to' if low else 'at most'} {high:,} characters"


def _bounds(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    return f"from {low:,.0f} to {high:,.0f}" if low is not None and high is not None else f"from {low:,.0f} on"
