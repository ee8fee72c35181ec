"""Decodes a Kafka record into a `Touch`, or a `Rejected` with the reason.

This module has the rules, one record at a time; `models.touchpoints.columns` reads a whole batch by them.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder
from msgspec.structs import replace
from xxhash import xxh3_64_intdigest

from models.touchpoints import limits
from models.touchpoints.diagnosis import Code, Rejected, diagnose, nesting
from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Payload
from models.touchpoints.times import milliseconds, moment, settle
from models.touchpoints.types.identities import IdentityMergedData, LoopbackData, TouchpointForwarded
from models.touchpoints.types.shared_moments import SharedMomentData
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
    customer: str  # empty for clock records and choices of a model
    a: float
    b: float
    sentiment: float  # -1 to 1, NaN when not known
    data: Payload


class Accepted(NamedTuple):
    """A record that keeps every rule: its event, the event time in ms as `Touch` has it, and whether it was skewed."""

    event: Event
    time: int
    skewed: bool


SURELY_FLAT: Final = 2 * limits.MAX_NESTING
"""A well-formed document of at most so many bytes can't be nested deeper than the limit."""

LAST_CONTROL: Final = 0x1F
"""No source, id or subject holds a character from U+0000 to this one."""

FORWARDED: Final = b'{"type":"%s",' % Kind.TOUCHPOINT_FORWARDED.type.encode()
"""How a record begins that holds another one, and may be so much larger."""
_BACKSLASH: Final = ord("\\")
_CONTROL: Final = re.compile(f"[\\x00-\\x{LAST_CONTROL:02x}]")
id_hash: Final = xxh3_64_intdigest
decode: Final = Decoder[Event](Event).decode


def read(value: bytes | None, key: bytes | None, timestamp: int) -> Touch | Rejected:
    """Read one record. `timestamp` is the Kafka record's, in ms.

    A pure function of its arguments that never raises, whatever the bytes (except RecursionError, when called from
    within a few hundred frames of Python's limit). The key is only used to name the customer of an event whose subject
    can't be read.
    """
    outcome = examine(value, key, timestamp)
    if isinstance(outcome, Rejected):
        return outcome
    event, time, skewed = outcome
    (identity,) = identities([event])
    a, b, sentiment = event.data.numbers()
    return Touch(event.kind, time, skewed, event.id, id_hash(identity), event.subject, a, b, sentiment, event.data)


def examine(value: bytes | None, key: bytes | None, timestamp: int) -> Accepted | Rejected:
    """Apply every rule to one record. Arguments and errors are those of `read`."""
    if value is None or beyond_limits(value):
        return diagnose(value, key, "")
    try:
        event = decode(value)
    except (DecodeError, UnicodeDecodeError) as error:
        return diagnose(value, key, str(error))
    except RecursionError:
        if nesting(value) > limits.MAX_NESTING:
            return diagnose(value, key, "")
        raise  # the caller's stack is all but used up: not the record's fault

    # JSON can only hold control characters escaped, so most events need no second look.
    if _BACKSLASH in value and (stray := stray_control(event)):
        name, control = stray
        reason = f"{name} holds the control character U+{ord(control):04X}; give printable characters only"
        return _refused(Code.BAD_FIELD, reason, event)

    if isinstance(event, TouchpointForwarded):
        return _unwrapped(event, timestamp)

    try:
        at = moment(event.time)
    except ValidationError as error:
        return diagnose(value, key, f"{error} - at `$.time`")
    stated = milliseconds(at)
    time, skewed, too_far, too_early = settle(stated, timestamp)
    if too_far:
        ahead = f"{(stated - timestamp) / 3_600_000:,.1f} hours ahead of the record's timestamp ({timestamp} ms)"
        remedy = "give the time at which it happened, and check the producer's clock"
        return _refused(Code.IMPOSSIBLE_TIME, f"time is {at.isoformat()}, {ahead}; {remedy}", event)
    if too_early:
        remedy = "give the time at which it happened, from 1990-01-01T00:00:00Z on"
        return _refused(Code.IMPOSSIBLE_TIME, f"time is {at.isoformat()}, before 1990; {remedy}", event)
    return Accepted(event, time, skewed)


def _unwrapped(outer: TouchpointForwarded, timestamp: int) -> Accepted | Rejected:
    """The touchpoint that was forwarded, as one of the customer who its own is now."""
    try:
        inner = b64decode(outer.data.event, validate=True)
    except ValueError as error:
        return _refused(Code.BAD_FIELD, f"data.event is no base64: {error}", outer)
    outcome = examine(inner, None, timestamp)
    if isinstance(outcome, Rejected):
        return _refused(outcome.code, f"data.event: {outcome.reason}", outer)
    event = outcome.event
    if not isinstance(event, CustomerEvent) or isinstance(event.data, LoopbackData):
        reason = f"data.event is of type {event.kind.type}; only what a customer does is forwarded"
        return _refused(Code.BAD_FIELD, reason, outer)
    return outcome._replace(event=replace(event, subject=outer.subject))


def came_from(value: bytes | None) -> LoopbackData | None:
    """What a record between shards says of its way; None: it can't be decoded."""
    if value is None or beyond_limits(value):
        return None
    try:
        data = decode(value).data
    except (DecodeError, UnicodeDecodeError):
        return None
    return data if isinstance(data, LoopbackData) else None


def beyond_limits(value: bytes) -> bool:
    """Whether a value is empty, too long or nested too deep to be decoded. Malformed ones may be deep all the same."""
    if not value or len(value) > limits.MAX_EVENT_BYTES:
        forwarded = bool(value) and value.startswith(FORWARDED) and len(value) <= limits.MAX_FORWARDED_BYTES
        if not forwarded:
            return True
    # A long document seldom has so many brackets; only what is left pays for the exact count.
    if len(value) <= SURELY_FLAT or value.count(b"{") + value.count(b"[") <= limits.MAX_NESTING:
        return False
    return nesting(value) > limits.MAX_NESTING


def stray_control(event: Event) -> tuple[str, str] | None:
    """Return the name of an attribute, or of a field that names a customer, that holds a control character, and the
    character.

    A NUL in source or id would make two different pairs one identity; none of them has a place in a name that is
    shown in logs and terminals.
    """
    data = event.data
    others = [("data.into", data.into)] if isinstance(data, IdentityMergedData) else []
    others += [("data.path", one) for one in data.path] if isinstance(data, LoopbackData) else []
    others += [("data.by", data.by)] if isinstance(data, SharedMomentData) else []
    for name, text in (("subject", event.subject), ("source", event.source), ("id", event.id), *others):
        if control := _CONTROL.search(text):
            return name, control[0]
    return None


def identities(events: Iterable[Event]) -> list[bytes]:
    """Return what identifies each event: its source and id, which a NUL keeps apart."""
    return [f"{event.source}\x00{event.id}".encode() for event in events]


def _refused(code: Code, reason: str, event: Event) -> Rejected:
    return Rejected(code, reason, event.subject or None, event.kind.type, event.id)
