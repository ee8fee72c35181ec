"""From a Kafka record to what the engine reads of it: a `Touch`, or a `Rejected` with the reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import DecodeError, Struct
from msgspec.json import Decoder
from xxhash import xxh3_64_intdigest

from models.touchpoints import limits
from models.touchpoints.diagnosis import Code, Rejected, diagnose, nesting
from models.touchpoints.payload import Payload
from models.touchpoints.union import Event

Record = tuple[bytes | None, bytes | None, int]  # value, key, the record's timestamp in ms


class Touch(Struct, frozen=True, gc=False):
    """One touchpoint as the engine reads it.

    `a`, `b` and `sentiment` are the kind's numbers: the table is in `models.touchpoints.payload`.
    """

    kind: int  # a `Kind`
    time: int  # event time in ms, the record's timestamp when it lay after that
    skewed: bool  # the event time lay after the record's timestamp
    id: str
    id_hash: int  # 64 bits of source and id, which together identify a CloudEvent
    customer: str  # empty for clock records
    a: float
    b: float
    sentiment: float  # -1 to 1, NaN when not known
    data: Payload


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BACKSLASH: Final = ord("\\")
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_decode: Final = Decoder[Event](Event).decode


def read(value: bytes | None, key: bytes | None, timestamp: int) -> Touch | Rejected:
    """Read one record. `timestamp` is the Kafka record's, in ms.

    A pure function of its arguments that never raises, whatever the bytes (except RecursionError, when called from
    within a few hundred frames of Python's limit). The key is only used to name the customer of an event whose subject
    can't be read.
    """
    if not value or len(value) > limits.MAX_EVENT_BYTES:
        return diagnose(value, key, "")
    if _too_deep(value):
        return diagnose(value, key, "")
    try:
        event = _decode(value)
    except (DecodeError, UnicodeDecodeError) as error:
        return diagnose(value, key, str(error))
    except RecursionError:
        if nesting(value) > limits.MAX_NESTING:
            return diagnose(value, key, "")
        raise  # the caller's stack is all but used up: not the record's fault

    # JSON can only hold these characters escaped, so most events need no second look. A NUL in source or id would make
    # two different pairs one identity; none of them has a place in a name that is shown in logs and terminals.
    if _BACKSLASH in value:
        for name, text in (("subject", event.subject), ("source", event.source), ("id", event.id)):
            if control := _CONTROL.search(text):
                reason = f"{name} holds the control character U+{ord(control[0]):04X}; give printable characters only"
                return _refused(Code.BAD_FIELD, reason, event)

    since = event.time - _EPOCH
    time = since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000
    skewed = time > timestamp
    if skewed:
        if time > timestamp + limits.MAX_AHEAD_MS:
            ahead = f"{(time - timestamp) / 3_600_000:,.1f} hours ahead of the record's timestamp ({timestamp} ms)"
            remedy = "give the time at which it happened, and check the producer's clock"
            return _refused(Code.IMPOSSIBLE_TIME, f"time is {event.time.isoformat()}, {ahead}; {remedy}", event)
        time = timestamp
    if time < limits.EARLIEST_MS:
        remedy = "give the time at which it happened, from 1990-01-01T00:00:00Z on"
        return _refused(Code.IMPOSSIBLE_TIME, f"time is {event.time.isoformat()}, before 1990; {remedy}", event)

    identity = xxh3_64_intdigest(f"{event.source}\x00{event.id}".encode())
    a, b, sentiment = event.data.numbers()
    return Touch(event.kind, time, skewed, event.id, identity, event.subject, a, b, sentiment, event.data)


def read_batch(records: Sequence[Record]) -> list[Touch | Rejected]:
    """Read records one by one, in order.

    Joining them into one document to decode would let two broken records pass for one good one.
    """
    return [read(value, key, timestamp) for value, key, timestamp in records]


def _refused(code: Code, reason: str, event: Event) -> Rejected:
    return Rejected(code, reason, event.subject or None, event.kind.type, event.id)


def _too_deep(value: bytes) -> bool:
    # A well-formed document of twice the limit's length can't exceed it, and a longer one seldom has so many brackets;
    # only what is left pays for the exact count. The malformed ones are caught in `read`.
    if len(value) <= 2 * limits.MAX_NESTING or value.count(b"{") + value.count(b"[") <= limits.MAX_NESTING:
        return False
    return nesting(value) > limits.MAX_NESTING
