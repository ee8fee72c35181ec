"""Validation errors of input records: a stable code, and a reason naming field, value and remedy.

Only records that the decoder refused come here, so this may be slow; it is still a pure function of the record.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from difflib import get_close_matches
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from models.touchpoints import formats, limits
from models.touchpoints.kinds import RESERVED, Kind
from models.touchpoints.union import EVENTS


class Code(StrEnum):
    """Why a record became a dead letter. Consumers of dead letters rely on these words: add, never change."""

    EMPTY = "empty"
    OVERSIZE = "oversize"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_FIELD = "missing_field"
    BAD_FIELD = "bad_field"
    IMPOSSIBLE_TIME = "impossible_time"
    WRONG_PARTITION = "wrong_partition"  # found by the engine when it creates a customer's record
    UNKNOWN_MODEL = "unknown_model"  # found by the engine: an operator chose a model that does not learn here
    UNFIT_SETTINGS = "unfit_settings"  # found by the engine: an operator chose settings that make no sense together
    UNFIT_STOP = "unfit_stop"  # found by the engine: more is stopped than a shard keeps
    UNFIT_POLICY = "unfit_policy"  # found by the engine: an operator applied a policy that is none
    ENGINE_ERROR = "engine_error"  # the engine itself failed on this record


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A record that can't be applied. Customer, type and id as far as they could be read, else None.

    Where the subject can't be read the customer is the record's key, which by contract is the same. All strings are
    bounded and encode to UTF-8.
    """

    code: Code
    reason: str
    customer: str | None = None
    type: str | None = None
    event_id: str | None = None


_MAX_SHOWN: Final = 80
_MAX_DIGITS: Final = (
    400  # longer whole numbers are beyond any float; Python's own limit can be moved by the environment
)
# Possessive, and content with a missing end: else a text full of escaped quotes takes quadratic time.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[\]{}]")
_MISSING: Final = re.compile(r"missing required field `([^`]+)`")
_AT: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_TYPES: Final = tuple(name for name in EVENTS if Kind[name.upper()] not in RESERVED)
"""Types that anybody may publish."""
_STEP: Final = re.compile(r"[^.\[\]]+|\[\d+\]")


def nesting(value: bytes) -> int:
    """Return how deep arrays and objects are nested, leaving out brackets within strings."""
    depth = deepest = 0
    for bracket in _BRACKETS.finditer(_STRING.sub(b"", value)):
        if bracket[0] in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def diagnose(value: bytes | None, key: bytes | None, complaint: str) -> Rejected:
    """Say what is wrong with a record that was refused with `complaint`, the decoder's message."""
    customer = _customer_in(key)
    if not value:
        return Rejected(Code.EMPTY, "the record has no value; give an event as JSON", customer)
    if len(value) > limits.MAX_EVENT_BYTES:
        size = f"the event has {len(value)} bytes; give at most {limits.MAX_EVENT_BYTES}"
        return Rejected(Code.OVERSIZE, f"{size}, for instance a reference instead of the content", customer)
    if (schema := formats.schema_id(value)) is not None:
        return Rejected(Code.NOT_JSON, formats.registry(schema), customer)
    if nesting(value) > limits.MAX_NESTING:
        deep = f"the event is nested deeper than {limits.MAX_NESTING} levels; give a flat event"
        return Rejected(Code.NOT_JSON, deep, customer)
    try:
        event, repeated = _parse(value)
    except UnicodeDecodeError as error:
        return Rejected(Code.NOT_JSON, f"byte {error.start} is not UTF-8; give JSON in UTF-8", customer)
    except ValueError as error:
        return Rejected(
            Code.NOT_JSON, f"the event is not JSON: {_printable(str(error))}; give one JSON object", customer
        )
    if formats.batched(event):
        several = "the event is a list of events, CloudEvents' batch format; give each event as a record of its own"
        return Rejected(Code.NOT_AN_OBJECT, several, customer)
    if not isinstance(event, dict):
        return Rejected(Code.NOT_AN_OBJECT, f"the event is {_shown(event)}; give one JSON object", customer)
    code, reason = _fault(event, complaint, repeated)
    return Rejected(
        code,
        _printable(reason),
        _customer(event.get("subject")) or customer,
        _text(event.get("type"), limits.MAX_EVENT_ID),
        _text(event.get("id"), limits.MAX_EVENT_ID),
    )


def _customer(subject: object) -> str | None:
    """Return the subject where it can be a customer id; a shortened one could be somebody else's."""
    if isinstance(subject, str) and 0 < len(subject) <= limits.MAX_CUSTOMER and _printable(subject) == subject:
        return subject
    return None


def _customer_in(key: bytes | None) -> str | None:
    try:
        return _customer(key.decode()) if key else None
    except UnicodeDecodeError:
        return None


def _parse(value: bytes) -> tuple[object, set[str]]:
    """Parse strictly, but take numbers of any size: they are bad fields of a good document.

    Returns the document and the names that some object has more than once.
    """
    repeated: set[str] = set()

    def whole(digits: str) -> float:
        return int(digits) if len(digits) <= _MAX_DIGITS else math.copysign(math.inf, -1 if digits[0] == "-" else 1)

    def constant(name: str) -> object:
        raise ValueError(f"{name} is not a JSON number")

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            repeated.update(name for name, count in counts.items() if count > 1)
        return found

    document = json.loads(value.decode(), parse_int=whole, parse_constant=constant, object_pairs_hook=members)
    return document, repeated


def _fault(event: dict[str, Any], complaint: str, repeated: set[str]) -> tuple[Code, str]:
    if "type" not in event:
        if recognised := formats.without_type(event):
            return Code.MISSING_FIELD, recognised
        return Code.MISSING_FIELD, 'type is missing; give the touchpoint\'s type, such as "purchase"'
    name = event["type"]
    if not isinstance(name, str):
        return Code.BAD_FIELD, f'type is {_shown(name)}; give the touchpoint\'s type, such as "purchase"'
    if name not in EVENTS:
        near = _nearest(name[:_MAX_SHOWN])
        remedy = f'did you mean "{near}"?' if near else f"give one of {', '.join(_TYPES)}"
        return Code.UNKNOWN_TYPE, f"type is {_shown(name)}; {remedy}"
    at = _AT.search(complaint)
    steps = _STEP.findall(at[1]) if at else []
    missing = _MISSING.search(complaint)
    if missing:
        steps.append(missing[1])
    # The decoder may have seen another of the values than the one we would show.
    if twice := next((step for step in ("type", *steps) if step in repeated), None):
        return Code.BAD_FIELD, f"{twice} is given more than once; give each field once"
    if missing:
        return Code.MISSING_FIELD, f"{_joined(steps)} is missing; give {_expected(name, tuple(steps))}"
    if steps:
        return (
            Code.BAD_FIELD,
            f"{_joined(steps)} is {_shown(_found(event, steps))}; give {_expected(name, tuple(steps))}",
        )
    return Code.NOT_JSON, f"the event can't be decoded: {complaint}; give well-formed JSON in UTF-8"  # a lone surrogate


@lru_cache(maxsize=256)  # a producer that has a name wrong has it wrong in every record
def _nearest(name: str) -> str | None:
    """The type of touchpoint that was perhaps meant."""
    return next(iter(get_close_matches(name, EVENTS, n=1)), None)


def _joined(steps: list[str]) -> str:
    return ".".join(steps).replace(".[", "[")


def _found(document: object, steps: list[str]) -> object:
    for step in steps:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.startswith("["):
            document = document[int(step[1:-1])]
    return document


def _text(value: object, limit: int) -> str | None:
    return _printable(value[:limit]) if isinstance(value, str) and value else None


def _shown(value: object) -> str:
    # In JSON's own notation: what the publisher wrote. repr() would change with Python's Unicode tables.
    text = json.dumps(value, ensure_ascii=False)
    return _printable(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@cache
def _expected(type_name: str, path: tuple[str, ...]) -> str:
    """Describe what belongs at `path` of this type of event."""
    wanted: inspect.Type = inspect.type_info(EVENTS[type_name])
    optional = False
    for step in path:
        wanted, _ = _bare(wanted)
        if isinstance(wanted, inspect.StructType):
            field = next(field for field in wanted.fields if field.encode_name == step)
            wanted, optional = field.type, not field.required
        elif isinstance(wanted, inspect.VarTupleType):
            wanted, optional = wanted.item_type, False
    return _described(wanted) + (", or leave it out" if optional else "")


def _bare(wanted: inspect.Type) -> tuple[inspect.Type, str | None]:
    """Return the type within a choice with null and within annotations, and its own description where it has one."""
    if isinstance(wanted, inspect.UnionType):
        wanted = next(choice for choice in wanted.types if not isinstance(choice, inspect.NoneType))
    if isinstance(wanted, inspect.Metadata):
        return wanted.type, (wanted.extra_json_schema or {}).get("description")
    return wanted, None


def _described(wanted: inspect.Type) -> str:
    wanted, description = _bare(wanted)
    if description:
        return description
    match wanted:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=low, le=high):
            return f"a whole number from {low} to {high}, written without a decimal point"
        case inspect.FloatType(ge=low, le=high):
            return f"a number from {low:,.0f} to {high:,.0f}"
        case inspect.StrType(min_length=low, max_length=high):
            return f"a string of {f'{low} to' if low else 'at most'} {high:,} characters"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(f'"{value}"' for value in values) if len(values) > 1 else f'"{values[0]}"'
        case inspect.DateType():
            return 'a date such as "1990-05-01"'
        case inspect.DateTimeType():
            return 'an RFC 3339 time with its offset, such as "2024-05-01T12:00:00Z"'
        case inspect.VarTupleType(item_type=item, min_length=low, max_length=high):
            return f"a list of {f'{low} to' if low else 'at most'} {high} items, each {_described(item)}"
        case inspect.StructType(fields=fields):
            required = [field.encode_name for field in fields if field.required]
            return "an object" + (f" with {', '.join(required)}" if required else "")
    raise TypeError(f"no description for {type(wanted).__name__}; add one beside the others")
