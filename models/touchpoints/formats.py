"""Detects foreign event formats (schema registry, Kafka Connect, batches), so that a refusal says what to configure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REGISTRY_HEAD: Final = 5
"""Bytes that serializers of Confluent's schema registry put before the value: a zero, and the schema's id."""
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
            "type is missing, and specversion too; give a CloudEvent: in structured mode specversion, id, source, "
            "type, subject, time and data in the value; in binary mode data in the value and the rest in the headers "
            "ce_specversion, ce_id, ce_source, ce_type, ce_subject and ce_time"
        )
    return None


def batched(document: object) -> bool:
    """Whether this is CloudEvents' batch format: a list of events."""
    return isinstance(document, list) and bool(document) and isinstance(document[0], dict) and "type" in document[0]
