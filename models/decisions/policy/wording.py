"""What a key of the policy file takes, in words: for whoever wrote another value, and for its reference."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta, Struct, structs

MAX_SHOWN = 80


def bare(wanted: Any) -> tuple[Any, Meta]:
    """A type without its annotations and without None, and its bounds."""
    meta = Meta()
    while True:
        if get_origin(wanted) is Annotated:
            inner, *notes = get_args(wanted)
            meta = next((note for note in notes if isinstance(note, Meta)), meta)
            wanted = inner
        elif get_origin(wanted) in (Union, UnionType) and type(None) in get_args(wanted):
            rest = [choice for choice in get_args(wanted) if choice is not type(None)]
            if len(rest) > 1:
                return wanted, meta
            [wanted] = rest
        else:
            return wanted, meta


def takes(wanted: Any) -> str:
    """What a key of this type takes.

    >>> takes(Literal["risk", "touchpoint"])
    'one of "risk", "touchpoint"'
    """
    inner, meta = bare(wanted)
    if meta.description:
        return meta.description
    origin = get_origin(inner)
    if origin is Literal:
        return one_of(get_args(inner))
    if origin is tuple:
        items = f"a list, each {takes(get_args(inner)[0])}"
        return f"{items}; {_length(meta)} in all" if meta.max_length or meta.min_length else items
    if origin is dict:
        return f"a table of named values, each {takes(get_args(inner)[1])}"
    if origin in (Union, UnionType):
        alone = "text, a number, true or false"
        return f"{alone}, or a list of these" if any(get_origin(one) is tuple for one in get_args(inner)) else alone
    if isinstance(inner, type) and issubclass(inner, Struct):
        needed = [field.encode_name for field in structs.fields(inner) if field.required]
        return "a table" + (f" with {', '.join(needed)}" if needed else "")
    return _plain(inner, meta)


def _plain(inner: Any, meta: Meta) -> str:
    if inner is bool:
        return "true or false"
    if inner is datetime:
        return "a time with its offset, such as 2026-12-01T00:00:00Z"
    if inner is str:
        return "text" if meta.max_length is None else f"text of {_length(meta)} characters"
    if inner in (int, float):
        kind = "a whole number" if inner is int else "a number"
        if meta.gt is not None and meta.lt is not None:
            return f"{kind} above {meta.gt:g} and below {meta.lt:g}"
        return kind if meta.ge is None else f"{kind} from {_number(meta.ge)} to {_number(meta.le)}"
    raise TypeError(f"no words for {inner!r}; add them beside the others")


def _number(value: float | None) -> str:
    return "any" if value is None else f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _length(meta: Meta) -> str:
    low, high = meta.min_length or 0, meta.max_length
    if high is None:
        return f"at least {low}"
    return f"{low} to {high}" if low else f"at most {high}"


def one_of(names: Any) -> str:
    """Names to choose from.

    >>> one_of(["email", "push"])
    'one of "email", "push"'
    """
    known = [json.dumps(name, ensure_ascii=False) for name in names]
    return f"one of {', '.join(known)}" if len(known) > 1 else (known[0] if known else "nothing: there is none")


def shown(value: object) -> str:
    """A value as the file has it, or nearly, and not too long."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
