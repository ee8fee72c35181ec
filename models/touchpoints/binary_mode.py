"""CloudEvents in binary mode: attributes in headers (`ce_id`, `ce_type`, ...), data as the value; read as one event.

CloudEvents' Kafka binding, 1.0.2, section 3.2. Every reader of the input makes the same structured event of such a
record, and goes by that alone: dead letters, exports and the auditor show it as if it had been published so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import msgspec

from models.touchpoints.reading import beyond_limits

Headers = Sequence[tuple[str, bytes | None]]
"""Of a Kafka record, in order; of a name that is there more than once the last counts."""
PREFIX: Final = "ce_"
CONTENT_TYPE: Final = "content-type"
STRUCTURED: Final = b"application/cloudevents"
"""How the content type begins where the value holds the whole event, or a batch of them."""
NEEDED: Final = frozenset({"ce_type", "ce_id", "ce_source"})
"""Headers by which binary mode is recognised. Without them a record is what its value says."""
DATA: Final = "data"


def structured(value: bytes | None, headers: Headers) -> bytes | None:
    """The event in structured mode, if these are headers of binary mode; else the value as it is.

    Data that is no JSON becomes a text, which no type of touchpoint takes: the refusal shows it.

    >>> binary = [("ce_type", b"visit"), ("ce_id", b"7"), ("ce_source", b"/shop")]
    >>> structured(b'{"seconds":9}', binary)
    b'{"type":"visit","id":"7","source":"/shop","data":{"seconds":9}}'
    >>> structured(b'{"seconds":9}', [("trace", b"7")])
    b'{"seconds":9}'
    """
    found = dict(headers)
    if not found.keys() >= NEEDED or (found.get(CONTENT_TYPE) or b"").startswith(STRUCTURED) or _whole(value):
        return value
    given = {
        name.removeprefix(PREFIX): text
        for name, text in found.items()
        if name.startswith(PREFIX) and text is not None and name != PREFIX + DATA
    }
    if content_type := found.get(CONTENT_TYPE):
        given["datacontenttype"] = content_type
    event = msgspec.json.encode({name: _text(text) for name, text in given.items()})
    if not value or (given and value == event):
        return event
    head = event[:-1] + (b',"data":' if given else b'"data":')
    if given and value.startswith(head):
        return value  # made of these headers before; `_whole` knows it only where they have a version
    return head + msgspec.json.encode(_data(value)) + b"}"


def _whole(value: bytes | None) -> bool:
    """Whether the value is an event by itself, and the headers say the same once more."""
    if not value or b'"specversion"' not in value or beyond_limits(value):
        return False
    try:
        event = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(event, dict) and event.keys() >= {"specversion", "type"}


def _data(value: bytes) -> msgspec.Raw | str:
    if beyond_limits(value):
        return msgspec.Raw(value)  # the event is refused for its size or depth, before it is parsed
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return value.decode("utf-8", "replace")
    return msgspec.Raw(value)


def _text(text: bytes) -> msgspec.Raw | str:
    """What is not UTF-8 becomes lone surrogates, which no decoder takes: two ids must not become one."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return msgspec.Raw(json.dumps(text.decode("utf-8", "surrogateescape")).encode())
