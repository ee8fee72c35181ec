"""Publishes a file of JSON lines: progress, delivery report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import msgspec

from streams.client import Outcome, Refusal, Report, Sent, TouchpointPublisher, Undelivered
from streams.client.delivery import SHOWN
from streams.client.validation import checked
from streams.errors import EngineError
from streams.file_form import BOM

FLUSH_S = 5.0
"""For what is on its way when the user wants to stop, or Kafka takes nothing."""


OF_A_REPLAY = (
    "holds a replay (message.timestamp.type=CreateTime): log time moves only with the clock records that "
    "`retention replay` writes, so what is sent now is applied when a replay has come to its time, which may be never. "
    "To see events at work use topics of mode live (`retention topics create --mode live`, a worker with "
    "RETENTION_MODE=live), or put them into the log that is replayed"
)


class Watch(Protocol):
    """Shows how far a file is; a context manager.

    Implemented by BarWatch and PlainWatch (streams/cli/progress.py).
    """

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def moved(self, size: int, text: str) -> None:
        """So many more bytes were read; `text` sums up what became of the lines."""
        ...

    def write_line(self, text: str) -> None:
        """A line that stays."""
        ...


@dataclass(slots=True)
class Tally:
    """Counts outcomes and says each bad one at once; the first `SHOWN` of them are kept for the report."""

    write_line: Callable[[str], None]
    good: int = 0
    refused: int = 0
    not_delivered: int = 0
    outage: bool = False
    refusals: list[Refusal] = field(default_factory=list)
    undelivered: list[Undelivered] = field(default_factory=list)

    def __call__(self, outcome: Outcome) -> None:
        if isinstance(outcome, Sent):
            self.good += 1
            return
        self.write_line(str(outcome))
        if isinstance(outcome, Refusal):
            self.refused += 1
            if len(self.refusals) < SHOWN:
                self.refusals.append(outcome)
        else:
            self.not_delivered += 1
            self.outage |= outcome.passing
            if len(self.undelivered) < SHOWN:
                self.undelivered.append(outcome)

    def text(self, good: str) -> str:
        """The sums. good: what a good line is, as in ``sent``."""
        failed = f", {self.not_delivered:,} not delivered" if self.not_delivered else ""
        return f"{self.good:,} {good}, {self.refused:,} refused{failed}"


@dataclass(frozen=True, slots=True)
class Published:
    """The delivery report of a file. unread_from: the first line that was not sent because the user interrupted or
    Kafka took nothing any more; None when all were looked at."""

    report: Report
    unread_from: int | None = None
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Every line was sent."""
        return self.report.complete and self.unread_from is None

    def lines(self) -> list[str]:
        """For people."""
        report = self.report
        failed = f", {report.not_delivered:,} not delivered" if report.not_delivered else ""
        text = [f"{report.sent:,} sent to {report.topic}, {report.refused:,} refused{failed}"]
        if report.sent:
            shares = ", ".join(f"{number}: {count:,}" for number, count in sorted(report.partitions.items()))
            text.append(f"{report.events_per_second:,.0f} events/s in {report.seconds:,.2f} s; by partition {shares}")
        if not report.idempotent:
            text.append("this broker has no idempotent producers: a retry may have written an event twice")
        if self.unread_from is not None:
            why = "interrupted" if self.interrupted else "Kafka takes no events"
            text.append(f"{why}; send again what is named above, and from line {self.unread_from:,} on")
        return text

    def as_json(self) -> dict[str, Any]:
        """For machines: the publisher's report, and where the file stands."""
        file = {"complete": self.complete, "unread_from_line": self.unread_from, "interrupted": self.interrupted}
        return self.report.as_json() | file


def numbered(lines: Iterable[bytes], watch: Watch, text: Callable[[], str]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, from 1, while `watch` looks on."""
    for number, line in enumerate(lines, start=1):
        value = (line.removeprefix(BOM) if number == 1 else line).strip()
        if value:
            yield number, value
        watch.moved(len(line), text())


Events = Callable[[int, bytes, int], Iterable[bytes | Refusal]]
"""What a line holds, by its number, itself and the time (ms): events, and what of it is refused beforehand."""


def as_it_is(number: int, line: bytes, now: int) -> tuple[bytes]:
    """A line is one event."""
    return (line,)


def check_lines(
    lines: Iterable[bytes], watch: Watch, events: Events = as_it_is, show: Callable[[bytes], None] | None = None
) -> Tally:
    """Only validate. `good` counts the valid events. show: gets each of them."""
    tally = Tally(watch.write_line)
    with watch:
        for number, line in numbered(lines, watch, lambda: tally.text("valid")):
            for value in events(number, line, now_ms()):
                outcome = value if isinstance(value, Refusal) else checked(value, now_ms(), number)
                if isinstance(outcome, Refusal):
                    tally(outcome)
                    continue
                tally.good += 1
                if show is not None and isinstance(value, bytes):
                    show(value)
    return tally


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def publish_lines(
    lines: Iterable[bytes],
    watch: Watch,
    connect: Callable[[Callable[[Outcome], None]], TouchpointPublisher],
    events: Events = as_it_is,
) -> Published:
    """Publish every line that is a touchpoint. connect(on_outcome): makes the publisher; what it raises passes.

    A named error of a line is said, and ends the file there: what was sent before is still confirmed and reported.
    """
    tally = Tally(watch.write_line)
    publisher = connect(tally)
    number, stopped, interrupted = 0, False, False
    with watch:
        try:
            for number, line in numbered(lines, watch, lambda: tally.text("sent")):
                for value in events(number, line, now_ms()):
                    if isinstance(value, Refusal):
                        publisher.refuse(value)
                    else:
                        publisher.publish(value, line=number)
                if tally.outage:
                    # Every line now on its way would wait for the same timeout, and so would all that follow.
                    number, stopped = number + 1, True
                    break
        except KeyboardInterrupt:
            interrupted = True
        except EngineError as error:
            watch.write_line(str(error))
            stopped = True
        stopped |= interrupted
        report = publisher.close(FLUSH_S if stopped else None)
    report = replace(report, refusals=tuple(tally.refusals), undelivered=tuple(tally.undelivered))
    return Published(report, max(1, number) if stopped else None, interrupted)


def checked_as_json(tally: Tally) -> dict[str, Any]:
    """The report of `check_lines` for machines."""
    refused = [msgspec.to_builtins(refusal) for refusal in tally.refusals]
    return {"valid": tally.good, "refused": tally.refused, "refused_events": refused}
