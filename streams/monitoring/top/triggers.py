"""Follows the triggers topic in a thread of its own, so that an absent broker does not hold up the live view."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import Self

import msgspec

from models.outputs import StopOrder, Trigger, Unsent, Withdrawal
from streams.config import Config
from streams.errors import EngineError
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import Read, TopicReader
from streams.monitoring.top.view import TriggerRow
from streams.text import printable

WAIT_S = 0.5
RETRY_S = 5.0
STOP_S = 1.0
KEPT = 100
"""More than a terminal shows; what comes between two looks beyond it is counted by the workers' metrics anyway."""

_decode = msgspec.json.Decoder(Trigger | Withdrawal | Unsent | StopOrder).decode


def row(value: bytes) -> TriggerRow:
    """A record of the triggers topic; one of another release is shown as what it is."""
    try:
        trigger = _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):  # the latter for text that is no UTF-8
        return TriggerRow(0, "?", "not a trigger of this release", "", None, (printable(repr(value[:60])),))
    if isinstance(trigger, Withdrawal):
        return TriggerRow(trigger.time, trigger.customer, "withdrawal", "", None, (trigger.reason, trigger.trigger))
    if isinstance(trigger, Unsent):
        return TriggerRow(trigger.time, trigger.customer, "unsent", "", None, (trigger.reason, trigger.trigger))
    if isinstance(trigger, StopOrder):
        return TriggerRow(trigger.time, "", "stopped", "", None, (f"stop {trigger.number}", trigger.why))
    if trigger.policy:  # its risk and what drives that are the decision's
        asked = (f"{trigger.purpose}, asked by {trigger.moment} {trigger.level}".rstrip(),)
        return TriggerRow(
            trigger.time,
            trigger.customer,
            trigger.action,
            trigger.channel,
            None,
            asked,
            trigger.expires_at,
            trigger.kind,
        )
    return TriggerRow(
        trigger.time,
        trigger.customer,
        trigger.action,
        trigger.channel,
        trigger.probability,
        tuple(reason.text for reason in trigger.drivers),
        trigger.expires_at,
    )


def _text_of(error: Exception) -> str:
    known = isinstance(error, EngineError)
    return printable(str(error).partition(" | remedy: ")[0] if known else f"{type(error).__name__}: {error}")


class TriggerTail:
    """Follows the triggers topic from its last records, read_committed, in a thread of its own; a context manager."""

    def __init__(self, config: Config) -> None:
        self._connection, self._topic = kafka_connection(config), config.topic("triggers")
        self._seen: dict[int, int] = {}  # partition to the newest offset taken, so that a new connection repeats none
        self._new: deque[TriggerRow] = deque(maxlen=KEPT)
        self._end, self._begun = threading.Event(), threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._follow, name="triggers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(STOP_S)  # it is a daemon: a broker that hangs does not hold up the end

    @property
    def trouble(self) -> str:
        """Why the topic can't be read at the moment, "" when it can."""
        return self._trouble

    def begun(self, timeout_s: float) -> bool:
        """Wait until the last records are read, or can't be."""
        return self._begun.wait(timeout_s)

    def new(self) -> list[TriggerRow]:
        """What has come since the last call, oldest first."""
        found = []
        while self._new:
            found.append(self._new.popleft())
        return found

    def _follow(self) -> None:
        while not self._end.is_set():
            try:
                with TopicReader(self._connection, self._topic) as reader:
                    self._take(reader.last(KEPT))
                    self._trouble = ""
                    self._begun.set()
                    while not self._end.is_set():
                        self._take(reader.new(WAIT_S))
            except Exception as error:  # noqa: BLE001  # whatever it is: it is shown, and must not end the thread unseen
                self._trouble = _text_of(error)
                self._begun.set()
                self._end.wait(RETRY_S)

    def _take(self, records: Iterable[Read]) -> None:
        for record in records:
            if record.offset > self._seen.get(record.partition, -1):
                self._seen[record.partition] = record.offset
                self._new.append(row(record.value))
