"""Serialisation of model versions: plain data with a schema hash and a checksum, never pickle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec
import xxhash
from msgspec import UNSET, UnsetType

Sealed = TypeVar("Sealed", bound=msgspec.Struct)


class SnapshotRefused(Exception):
    """These bytes are not a version of this model: corrupted, cut short, or from another model or release."""


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored: `checksum` covers `body`, `schema` names the learner that made it (`models.learning.schema`).

    scorer: of a version, names what must be equal to score with it; empty for the first format there was.
    """

    schema: str
    checksum: str
    body: msgspec.Raw
    scorer: str = ""


class Promotion(msgspec.Struct, frozen=True):
    """A change of champion: which model decides from the version of `boundary` on, whose place it took, and why."""

    champion: str
    former: str
    boundary: int
    by: Literal["evidence", "operator"]


class Version(msgspec.Struct, frozen=True):
    """A model version: named by the boundary at which it was published, and by the lineage that made it.

    quality: the prequential metrics so far. promotion: the last one there was. lineage: the schema of the learner that
    made it; unset for the application's first learner. It is told by where a version is stored, and not sealed.
    allowances: of the policy's budgets, what each shard may have taken in all of a period: by budget and start of the
    period (log time, ms) units, one for each shard. Unset while no policy has any. value: the value model and where its
    tiers begin (`models.learning.values`), which churn is scored without. Unset while no policy has a `[value]`.
    choice: what is known of the actions (`models.learning.choices`), which churn is scored without. Unset while no
    policy wants a learned choice, and until the first draw.
    """

    boundary: int
    learned: int
    model: dict[str, Any]
    quality: dict[str, Any]
    promotion: Promotion | None = None
    lineage: str | UnsetType = UNSET
    allowances: dict[str, dict[int, list[int]]] | UnsetType = UNSET
    value: dict[str, Any] | UnsetType = UNSET
    choice: dict[str, Any] | UnsetType = UNSET


def lineage_name(lineage: str | UnsetType) -> str:
    """Of a version or a shard's state: empty for the application's first learner."""
    return "" if isinstance(lineage, UnsetType) else lineage


def seal(content: msgspec.Struct, schema: str, scorer: str = "") -> bytes:
    """A version, or the learner's whole state, as stored. scorer: of a version, `models.learning.schema.scorer_schema`
    of its kind."""
    body = msgspec.json.encode(content)
    return msgspec.json.encode(Envelope(schema, xxhash.xxh3_128_hexdigest(body), msgspec.Raw(body), scorer))


def unseal(value: bytes, schema: str, kind: type[Sealed]) -> Sealed:
    """Inverse of `seal`, of what the learner of this schema made. Raises SnapshotRefused, naming what is wrong."""
    envelope = _opened(value, kind)
    if envelope.schema != schema:
        raise SnapshotRefused(
            f"schema is {envelope.schema!r}, this worker's model has {schema!r}: it is from another model, "
            "feature set or settings"
        )
    return _body(envelope, kind)


def unseal_to_score(value: bytes, scorer_schema: Callable[[str], str]) -> Version:
    """A version, whoever made it, if this release can score with it. Raises SnapshotRefused.

    scorer_schema: by kind of model, what this release reads.
    """
    envelope = _opened(value, Version)
    version = _body(envelope, Version)
    kind = str(version.model.get("kind"))
    if envelope.scorer != (mine := scorer_schema(kind)):
        raise SnapshotRefused(
            f"it is scored by {envelope.scorer or 'the first format'} of {kind}, this release scores by "
            f"{mine or 'the first format'}"
        )
    return version


def schema_in(value: bytes) -> str | None:
    """The schema of the learner that sealed this; None when that can't be read."""
    try:
        return msgspec.json.decode(value, type=Envelope).schema
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Named(msgspec.Struct, frozen=True):
    boundary: int | None


def boundary_in(value: bytes) -> int | None:
    """The last boundary that a sealed learner's state, or version, of any schema names; None when it can't be read."""
    try:
        return msgspec.json.decode(bytes(msgspec.json.decode(value, type=Envelope).body), type=_Named).boundary
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _opened(value: bytes, kind: type[msgspec.Struct]) -> Envelope:
    try:
        return msgspec.json.decode(value, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotRefused(f"not a sealed {kind.__name__}: {error}") from error


def _body(envelope: Envelope, kind: type[Sealed]) -> Sealed:
    what = kind.__name__
    if envelope.checksum != xxhash.xxh3_128_hexdigest(bytes(envelope.body)):
        raise SnapshotRefused(f"the checksum of the {what} does not fit its body: the bytes are damaged")
    try:
        return msgspec.json.decode(bytes(envelope.body), type=kind)
    except msgspec.DecodeError as error:
        raise SnapshotRefused(f"the body of the {what} can't be read: {error}") from error
