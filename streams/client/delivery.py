"""Delivery outcomes of published events, and the report."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from streams.client.validation import Refusal
from streams.errors import EngineError

SHOWN = 1_000
"""Refusals and undelivered events that a report lists as JSON; the counts are of all."""


class Sent(msgspec.Struct, frozen=True, gc=False):
    """The broker has the event, on every replica in sync."""

    line: int
    event_id: str
    customer: str
    partition: int
    offset: int


class Undelivered(msgspec.Struct, frozen=True, gc=False):
    """The broker did not confirm the event within the delivery timeout, or refused it.

    It may have been written all the same. `value` is the event as it was given: publish it again, its id makes that
    safe. passing: the cause goes away by itself (the broker is away), so the next event would suffer the same.
    """

    line: int
    event_id: str
    customer: str
    value: bytes
    reason: str
    passing: bool

    def __str__(self) -> str:
        text = f"not delivered: {self.reason}; send it again, its id makes that safe"
        return f"line {self.line}: {text}" if self.line else f"{self.event_id}: {text}"


class Waiting(NamedTuple):
    """An event on its way. since: monotonic s. answer: the producer's future."""

    line: int
    event_id: str
    customer: str
    value: bytes
    since: float
    answer: Any

    def undelivered(self, error: BaseException) -> Undelivered:
        reason = str(error) or type(error).__name__
        # A producer that we closed ourselves says so by an error that is not marked as passing.
        passing = getattr(error, "retriable", False) or "closed" in reason
        return Undelivered(self.line, self.event_id, self.customer, self.value, reason, passing)


Outcome = Sent | Refusal | Undelivered


class Callbacks:
    """Outcomes on their way to a callback, which may publish in turn: told at the outermost call only, never while the
    events that wait are gone through."""

    def __init__(self, callback: Callable[[Outcome], None]) -> None:
        self._callback = callback
        self._pending: deque[Outcome] = deque()
        self._busy = False

    def add(self, outcome: Outcome) -> None:
        self._pending.append(outcome)

    def deliver(self) -> None:
        """What is added meanwhile waits for the next call: a callback that publishes again what can never be sent is
        told of it once per call, not for ever. What the callback raises passes; the rest is told with the next call."""
        if self._busy:
            return
        self._busy = True
        try:
            for _ in range(len(self._pending)):
                self._callback(self._pending.popleft())
        finally:
            self._busy = False


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the events so far. Every event that was given is in exactly one of the four counts.

    waiting: accepted, not yet confirmed; 0 after `close`. partitions: sent events by partition. seconds: from the first
    event to the last outcome. idempotent: a retry of the client's writes no event twice. refusals, undelivered: those
    not taken before (`TouchpointPublisher.take_report`); empty when a callback was given.
    """

    topic: str
    idempotent: bool
    sent: int
    refused: int
    not_delivered: int
    waiting: int
    partitions: Mapping[int, int]
    seconds: float
    refusals: tuple[Refusal, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()

    @property
    def complete(self) -> bool:
        """Every event was sent."""
        return not (self.refused or self.not_delivered or self.waiting)

    @property
    def events_per_second(self) -> float:
        """Sent events per second; 0 before the first."""
        return self.sent / self.seconds if self.seconds > 0 else 0.0

    def as_json(self) -> dict[str, Any]:
        """For machines: the counts, and the first `SHOWN` of what was refused or not delivered, without the values."""
        return {
            "topic": self.topic,
            "idempotent": self.idempotent,
            "sent": self.sent,
            "refused": self.refused,
            "not_delivered": self.not_delivered,
            "waiting": self.waiting,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.events_per_second, 1),
            "partitions": {str(number): count for number, count in sorted(self.partitions.items())},
            "refused_events": [msgspec.to_builtins(refusal) for refusal in self.refusals[:SHOWN]],
            "not_delivered_events": [
                {"line": one.line, "event_id": one.event_id, "customer": one.customer, "reason": one.reason}
                for one in self.undelivered[:SHOWN]
            ],
        }


class ReportFull(EngineError):
    """So many events were refused or not delivered that keeping more of them would not be bounded any more."""

    remedy = "take them with take_report(), or give the publisher a callback with on_outcome="


class NotAllDelivered(EngineError):
    """A `with` block ended, and some of its events were refused or not delivered. `report` has them."""

    remedy = "look at .report: mend what was refused, publish again what was not delivered; or call close() yourself"

    def __init__(self, report: Report) -> None:
        first = next((str(one) for one in (*report.refusals, *report.undelivered)), "")
        super().__init__(
            f"{report.topic}: {report.sent} sent, {report.refused} refused, {report.not_delivered} not delivered"
            + (f"; the first: {first}" if first else "")
        )
        self.report = report
