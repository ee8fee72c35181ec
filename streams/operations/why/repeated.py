"""Past decisions made again from the log, and held against what stands on the topics, byte by byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from models.engine.changes import NumberedOutput
from models.outputs import Decision
from streams.kafka.topic_reader import TopicReader
from streams.operations.why.outputs import of_customer

ROLES: Final = ("decisions", "triggers")
"""Where outputs about a customer stand: decisions, and triggers with their withdrawals."""
THERE, MISSING = "there", "missing"
LATER: Final = (2**63, True)
_Place = tuple[int, bool]
"""Offset, and whether at the record there (a timer rings before it)."""


class Public(NamedTuple):
    """What stands on a topic of one customer. whole_after: the place after which nothing is gone from it; None: nothing
    is gone at all."""

    values: list[bytes]
    whole_after: _Place | None = None


class Span(NamedTuple):
    """What is compared: what was said from `since` to `until` (log time, ms) or, of one decision, about it alone."""

    since: int
    until: int
    decision: Decision | None = None

    def has(self, told: Mapping[str, Any]) -> bool:
        if self.decision is None:
            return bool(self.since <= told["time"] <= self.until)
        trigger = self.decision.trigger
        return told["id"] == self.decision.id or (bool(trigger) and trigger in (told["id"], told.get("trigger")))


class OutputDifference(NamedTuple):
    """A field of an output, as on its topic and as made again; `field` "output" where one of the two is missing."""

    what: str
    id: str
    time: int
    field: str
    topic: Any
    repeated: Any


class Repeated(NamedTuple):
    """What came out. compared: outputs by what they are (decision, trigger, withdrawal). gone: so many were made again
    and can't be compared, since their topic has lost its beginning."""

    compared: Counter[str]
    differences: list[OutputDifference]
    gone: int


def public_of(topic: TopicReader, partition: int, customer: str, since: int, waiting: Iterable[bytes] = ()) -> Public:
    """What is public of a customer of a partition since a log time (ms), or waits in the shard's outbox, read before.

    Raises BrokerUnreachable, BrokerRefused.
    """
    values = [*(read.value for read in of_customer(topic, partition, customer, since)), *waiting]
    starts, ends = topic.bounds()
    if not starts.get(partition, 0):
        return Public(values)
    first = next(iter(topic.up_to(partition, starts[partition], ends[partition])), None)
    return Public(values, LATER if first is None else _place(_told(first.value)))


def compared(made: Sequence[NumberedOutput], public: Mapping[str, Public], span: Span, next_offset: int) -> Repeated:
    """What was made again of a customer, held against the topics.

    Args:
        made: from the beginning of the log to `next_offset`.
        public: by role.
        span: of it.
        next_offset: what was decided there or later was not made again.
    """
    counts, found, gone = Counter[str](), list[OutputDifference](), 0
    for role in ROLES:
        again = {output.id: output.value for output in made if output.role == role}
        met = set[str]()
        for value in public[role].values:
            told = _told(value)
            if not told or not span.has(told):
                continue
            ours = again.get(told["id"])
            if ours is None:
                if _place(told) < (next_offset, False):
                    found.append(_one(told, "output", THERE, MISSING))
                continue
            if told["id"] not in met:
                met.add(told["id"])
                counts[told["type"]] += 1
            found += [one for one in _fields(told, value, ours) if one not in found]
        for value in (again[name] for name in again if name not in met):
            told = _told(value)
            if not span.has(told):
                continue
            whole_after = public[role].whole_after
            if whole_after is not None and _place(told) <= whole_after:
                gone += 1
            else:
                found.append(_one(told, "output", MISSING, THERE))
    return Repeated(counts, found, gone)


def _fields(told: dict[str, Any], value: bytes, ours: bytes) -> list[OutputDifference]:
    if value == ours:
        return []
    again = _told(ours)
    names = [*told, *(name for name in again if name not in told)]
    different = [name for name in names if told.get(name) != again.get(name)]
    if not different:
        return [_one(told, "output", value.decode(errors="backslashreplace"), ours.decode())]
    return [_one(told, name, told.get(name), again.get(name)) for name in different]


def _one(told: dict[str, Any], field: str, topic: Any, repeated: Any) -> OutputDifference:
    return OutputDifference(told["type"], told["id"], told["time"], field, topic, repeated)


def _place(told: Mapping[str, Any]) -> _Place:
    at = told.get("at")
    return (at["offset"], not at["due"]) if at else (-1, False)


def _told(value: bytes) -> dict[str, Any]:
    """An output as plain data, also of another release; empty: it is none."""
    try:
        told = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return told if isinstance(told, dict) and {"type", "id", "time"} <= told.keys() else {}
