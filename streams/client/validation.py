"""Validates an event before it is sent, by the engine's own rules."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from models.touchpoints import RESERVED, Kind, Rejected, Touch, read

RESERVED_TYPE: Final = "reserved_type"
"""A code beside those of `models.touchpoints.Code`: such a record is well-formed, but only the engine writes it."""

WHOLE: Final = "event"
"""The field's name where the event as a whole is at fault."""

_REMEDY: Final = re.compile(r".*; ((?:give|did you mean|leave) .*)", re.DOTALL)
_FIELD: Final = re.compile(r"([A-Za-z_][\w.\[\]]*) (?:is|holds) (.*)", re.DOTALL)
_WRITING: Final = "can't be written as JSON: "


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """An event that the engine would not take; nothing of it was sent.

    line: as the caller counts, 0 if it does not. field: the path of what is at fault, ``event`` for the whole. value:
    as it stands in the event, in JSON, or what is wrong with it. reason: field, value and remedy in one sentence.
    """

    line: int
    code: str
    field: str
    value: str
    remedy: str
    reason: str
    event_id: str | None = None
    customer: str | None = None

    def __str__(self) -> str:
        text = self.reason if self.code == RESERVED_TYPE else f"{self.code}: {self.reason}"
        return f"line {self.line}: {text}" if self.line else text


def checked(value: bytes, now: int, line: int = 0) -> Touch | Refusal:
    """The touchpoint in `value`, or why it is refused. now: ms; an event may be up to an hour ahead of it."""
    touch = read(value, None, now)
    if isinstance(touch, Rejected):
        return refusal(touch, line)
    if touch.kind in RESERVED:
        name = Kind(touch.kind).type
        reason = f"type is {name!r}, which only the engine writes; leave the line out"
        return Refusal(line, RESERVED_TYPE, "type", f'"{name}"', "leave the line out", reason, touch.id)
    return touch


def refusal(rejected: Rejected, line: int = 0) -> Refusal:
    """A rejection, its reason taken apart."""
    field, value, remedy = parts(rejected.reason)
    code, reason = str(rejected.code), rejected.reason
    return Refusal(line, code, field, value, remedy, reason, rejected.event_id, rejected.customer)


def parts(reason: str) -> tuple[str, str, str]:
    """Field, value and remedy of a reason of `models.touchpoints`.

    >>> parts('data.amount is -5; give a number from 0 to 10')
    ('data.amount', '-5', 'give a number from 0 to 10')
    >>> parts('type is missing; give the type')
    ('type', 'missing', 'give the type')
    >>> parts('byte 3 is not UTF-8; give JSON in UTF-8')
    ('event', 'byte 3 is not UTF-8', 'give JSON in UTF-8')
    """
    # A value may hold the words of a remedy, so the last ones count.
    found = _REMEDY.fullmatch(reason)
    fault, remedy = (reason[: found.start(1) - 2], found[1]) if found else (reason, "")
    named = _FIELD.fullmatch(fault.removeprefix(_WRITING))
    return (named[1], named[2], remedy) if named else (WHOLE, fault, remedy)
