"""Decodes a record of the triggers topic: a trigger, a withdrawal, an order to drop, a marker; or names what it is."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import msgspec

from models.outputs import StopOrder, Trigger, Unsent, Withdrawal
from models.timeline.stop_types import Stop
from streams.errors import EngineError

Readable = Trigger | Withdrawal | Unsent | StopOrder
_decoder: Final[msgspec.json.Decoder[Readable]] = msgspec.json.Decoder(Readable)
_ORDER: Final = b'{"type":"stopped"'
_SHOWN: Final = 120


class Unreadable(NamedTuple):
    """A record that is neither trigger nor withdrawal: where it lies, its bytes, and what the decoder says."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    reason: str

    def __str__(self) -> str:
        start = (self.value or b"")[:_SHOWN]
        more = "…" if len(self.value or b"") > _SHOWN else ""
        return f"{self.topic}[{self.partition}]@{self.offset} is no trigger: {self.reason}; it begins {start!r}{more}"


class UnreadableTrigger(EngineError):
    """A record of the triggers topic is no trigger, and no `on_unreadable` was given. `record` has it."""

    remedy = (
        "find out who writes to the topic (the engine alone should), or upgrade this client if the engine is newer; to "
        "go on past such records give TriggerConsumer an on_unreadable, which gets each of them"
    )

    def __init__(self, record: Unreadable) -> None:
        super().__init__(str(record))
        self.record = record


def stop_in(record: Any) -> Stop | None:
    """The stop of an order in a record; None: it is none, as its beginning tells at a glance."""
    if not (record.value or b"").startswith(_ORDER):
        return None
    order = trigger_in(record)
    if not isinstance(order, StopOrder):
        return None
    return Stop(order.number, order.purposes, order.actions, order.countries, order.kinds, order.by, order.why)


def trigger_in(record: Any) -> Readable | Unreadable:
    """What a record of kafka-python's consumer holds. Fields that this release does not know are left out."""
    try:
        return _decoder.decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = re.sub(r"\s+", " ", str(error))
        return Unreadable(record.topic, record.partition, record.offset, record.key, record.value, reason)
