"""Detects foreign event formats (schema registry, Kafka Connect, binary mode, batches), so that a refusal says what to
configure.

Detected only: the engine reads CloudEvents in structured JSON and nothing else, so that the same bytes are the same
event whoever reads them. Headers are no part of that: they are looked at where a record is refused, for the reason
alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

REGISTRY_HEAD: Final = 5
"""Bytes that serializers of Confluent's schema registry put before the value: a zero, and the schema's id."""
Headers = Sequence[tuple[str, bytes | None]]
"""Of a Kafka record, in order; a name may be there more than once."""
STRUCTURED: Final = b"application/cloudevents"
"""How the header `content-type` begins where the value holds the whole event."""
BINARY: Final = frozenset({"ce_type", "ce_id", "ce_source"})
"""Headers that CloudEvents' Kafka binding asks of every event in binary mode, besides `ce_specversion`."""
ENVELOPE: Final = frozenset({"schema", "payload"})
"""Both keys, and no other, of what Kafka Connect's JsonConverter writes with `schemas.enable=true`."""


def schema_id(value: bytes) -> int | None:
    """The schema's id of a value that was written with Confluent's schema registry, else None.

    Ids count up from 1, so the second byte is zero as well; text in UTF-16 has another one there.

    >>> schema_id(bytes([0, 0, 0, 0, 42]) + b'{"type":"purchase"}')
    42
    >>> schema_id('{"type":"purchase"}'.encode("utf-16-be")) is None
    True
    """
    if len(value) <= REGISTRY_HEAD or value[:2] != b"\0\0":
        return None
    return int.from_bytes(value[1:REGISTRY_HEAD]) or None


def registry(schema: int) -> str:
    """The reason for a value with the head of a schema registry."""
    return (
        f"the value begins with a zero byte and the schema id {schema}, as serializers of Confluent's schema registry "
        "write it; give plain JSON: on the producer a string or byte-array serializer instead of the registry's, in "
        "Kafka Connect org.apache.kafka.connect.json.JsonConverter with value.converter.schemas.enable=false"
    )


def without_type(event: Mapping[str, object]) -> str | None:
    """The reason for an object without a type, where it is recognised."""
    if event.keys() == ENVELOPE:
        return (
            "type is missing: this is Kafka Connect's envelope of schema and payload; give the payload alone: set "
            "value.converter.schemas.enable=false in the connector"
        )
    if "specversion" not in event:
        return (
            "type is missing, and specversion too; give a CloudEvent in structured mode: id, source, type, subject, "
            "time and data in the value. A producer that puts them into headers (ce_id, ce_type, ...) writes binary "
            "mode: set its encoding to structured"
        )
    return None


def binary_type(headers: Headers) -> bytes | None:
    """The event's type where these are the headers of a CloudEvent in binary mode, else None.

    >>> binary_type([("ce_type", b"purchase"), ("ce_id", b"7"), ("ce_source", b"/shop")])
    b'purchase'
    >>> binary_type([("ce_type", b"purchase"), ("trace", b"7")]) is None
    True
    """
    found = dict(headers)
    if not found.keys() >= BINARY or (found.get("content-type") or b"").startswith(STRUCTURED):
        return None
    return found["ce_type"] or b""


def binary_mode(shown: str) -> str:
    """The reason for an event in binary mode; `shown` is its type as a person reads it."""
    return (
        f"the headers ce_type ({shown}), ce_id and ce_source hold a CloudEvent in binary mode; give it in structured "
        "mode, with id, source, type, subject, time and data in the value: set the producer's encoding to structured"
    )


def batched(document: object) -> bool:
    """Whether this is CloudEvents' batch format: a list of events."""
    return isinstance(document, list) and bool(document) and isinstance(document[0], dict) and "type" in document[0]
