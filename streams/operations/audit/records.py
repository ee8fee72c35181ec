"""What is on the topics, in the order of each partition, and a place in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from models.outputs import Decision, Position, StopOrder, Trigger, Unsent, Withdrawal

SECOND: Final = 1_000
DAY: Final = 86_400_000


class Place(NamedTuple):
    """A place in the line of a partition: `after` 0 is a due item before the record at `offset`, 1 at the record."""

    partition: int
    offset: int
    after: int

    @classmethod
    def of(cls, at: Position) -> Place:
        return cls(at.partition, at.offset, 0 if at.due else 1)

    def __str__(self) -> str:
        return f"{self.partition}[{self.offset}]" + ("" if self.after else " before it")


class Arrival(NamedTuple):
    """A record of the touchpoints topic. timestamp: ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Line:
    """One partition: its touchpoints, and the values of its records on the two output topics, each in topic order."""

    partition: int
    touchpoints: Iterable[Arrival]
    triggers: Iterable[bytes]
    decisions: Iterable[bytes]


Said = Trigger | Withdrawal | Decision
_trigger: Final = msgspec.json.Decoder(Trigger | Withdrawal | Unsent | StopOrder)
_decision: Final = msgspec.json.Decoder(Decision)


class Unread:
    """How many records could not be read: markers of the publisher, or of a newer release."""

    def __init__(self) -> None:
        self.records = 0

    def triggers(self, values: Iterable[bytes]) -> Iterator[Trigger | Withdrawal]:
        """The triggers and withdrawals among the values."""
        for value in values:
            try:
                found = _trigger.decode(value)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.records += 1
                continue
            if isinstance(found, Trigger | Withdrawal):
                yield found

    def decisions(self, values: Iterable[bytes]) -> Iterator[Decision]:
        """The decisions among the values."""
        for value in values:
            try:
                yield _decision.decode(value)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.records += 1


class Known(NamedTuple):
    """What is known of the engine's settings, and `since`: as of `audit`."""

    lateness: int
    since: int
    leaves: tuple[int, int]
    alive: str
    silence: int
