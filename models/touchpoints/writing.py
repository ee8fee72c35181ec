"""Encodes an event from its parts to the bytes that are published."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from models.touchpoints.diagnosis import Code, Rejected
from models.touchpoints.reading import read

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidTouchpoint(ValueError):
    """The event would become a dead letter. `rejected` has the code and the reason; mend the field that it names."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(f"{rejected.code}: {rejected.reason}")
        self.rejected = rejected


def event(
    type: str,
    *,
    id: str,
    source: str,
    subject: str | None,
    time_ms: int,
    data: Mapping[str, Any] | msgspec.Struct,
) -> bytes:
    """Return the event as it goes to Kafka; its key there is the subject in UTF-8.

    The same arguments give the same bytes: the keys of `data` are sorted.

    Args:
        type: the touchpoint's, such as ``purchase``.
        id: unique for the source.
        source: what tells of it, such as ``urn:shop``.
        subject: the customer; None where the event is about nobody (`clock`, and what operators choose).
        time_ms: when it happened, ms since the epoch.
        data: the type's own fields; additional ones are kept.

    Raises:
        InvalidTouchpoint: `read` would refuse it, or a number is not finite (JSON has none).
    """
    envelope: dict[str, Any] = {"type": type, "specversion": "1.0", "id": id, "source": source}
    if subject is not None:
        envelope["subject"] = subject
    try:
        envelope["time"] = _rfc3339(time_ms)
        plain = msgspec.to_builtins(data)
        _require_finite(plain, "data")
        envelope["data"] = msgspec.Raw(msgspec.json.encode(plain, order="deterministic"))
        value = msgspec.json.encode(envelope)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidTouchpoint(Rejected(Code.BAD_FIELD, f"can't be written as JSON: {error}")) from error
    outcome = read(value, None, time_ms)
    if isinstance(outcome, Rejected):
        raise InvalidTouchpoint(outcome)
    return value


def _rfc3339(time_ms: int) -> str:
    try:
        moment = _EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:
        raise ValueError(f"time_ms is {time_ms}; give milliseconds since 1970-01-01T00:00:00Z") from None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


def _require_finite(value: object, path: str) -> None:
    # msgspec writes NaN and infinities as null, which an optional field would take without a word.
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{path} is {value}; give a finite number, or leave it out")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _require_finite(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _require_finite(inner, f"{path}[{index}]")
