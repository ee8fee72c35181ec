"""Serialisation of model versions: plain data with a schema hash and a checksum, never pickle."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec
import xxhash

Sealed = TypeVar("Sealed", bound=msgspec.Struct)


class SnapshotRefused(Exception):
    """These bytes are not a version of this model: corrupted, cut short, or from another model or release."""


class Envelope(msgspec.Struct, frozen=True):
    """What is stored: `checksum` covers `body`, `schema` names model, features and settings (`schema_of`)."""

    schema: str
    checksum: str
    body: msgspec.Raw


class Promotion(msgspec.Struct, frozen=True):
    """A change of champion: which model decides from the version of `boundary` on, whose place it took, and why."""

    champion: str
    former: str
    boundary: int
    by: Literal["evidence", "operator"]


class Version(msgspec.Struct, frozen=True):
    """A model version: named by the boundary at which it was published. `quality` holds the prequential metrics so far.
    `promotion`: the last one there was."""

    boundary: int
    learned: int
    model: dict[str, Any]
    quality: dict[str, Any]
    promotion: Promotion | None = None


def seal(content: msgspec.Struct, schema: str) -> bytes:
    """A version, or the learner's whole state, as stored."""
    body = msgspec.json.encode(content)
    return msgspec.json.encode(Envelope(schema, xxhash.xxh3_128_hexdigest(body), msgspec.Raw(body)))


def unseal(value: bytes, schema: str, kind: type[Sealed]) -> Sealed:
    """Inverse of `seal`. Raises SnapshotRefused, naming what is wrong."""
    what = kind.__name__
    try:
        envelope = msgspec.json.decode(value, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotRefused(f"not a sealed {what}: {error}") from error
    if envelope.schema != schema:
        raise SnapshotRefused(
            f"schema is {envelope.schema!r}, this worker's model has {schema!r}: it is from another model, "
            "feature set or settings"
        )
    if envelope.checksum != xxhash.xxh3_128_hexdigest(bytes(envelope.body)):
        raise SnapshotRefused(f"the checksum of the {what} does not fit its body: the bytes are damaged")
    try:
        return msgspec.json.decode(bytes(envelope.body), type=kind)
    except msgspec.DecodeError as error:
        raise SnapshotRefused(f"the body of the {what} can't be read: {error}") from error
