"""What was said on the output topics, by place, in the order of the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.outputs import Decision, Trigger, Withdrawal
from streams.operations.audit.records import Line, Place, Said, Unread

_ORDER: Final[dict[object, int]] = {Decision: 0, Withdrawal: 1, Trigger: 2}


class SaidByPlace:
    """What was said on the output topics, by place, each place's in order of time: decisions first, triggers last."""

    def __init__(self, line: Line) -> None:
        self.unread = Unread()
        self._sources: list[_Ahead] = [
            _Ahead(self.unread.decisions(line.decisions)),
            _Ahead(self.unread.triggers(line.triggers)),
        ]

    def up_to(self, offset: int, after: int) -> Iterator[tuple[Place, list[Said]]]:
        """All that was said up to a place."""
        while waiting := [Place.of(source.next.at) for source in self._sources if source.next is not None]:
            place = min(waiting)
            if (place.offset, place.after) > (offset, after):
                return
            found: list[Said] = []
            for source in self._sources:
                while source.next is not None and Place.of(source.next.at) <= place:
                    found.append(source.next)
                    source.move()
            yield place, sorted(found, key=lambda one: (one.time, _ORDER[type(one)]))

    def left(self) -> int:
        """How much was said behind that."""
        left = 0
        for source in self._sources:
            while source.next is not None:
                left += 1
                source.move()
        return left


class _Ahead:
    """An iterator of which the next is known."""

    def __init__(self, values: Iterator[Said]) -> None:
        self._values = values
        self.next: Said | None = next(values, None)

    def move(self) -> None:
        self.next = next(self._values, None)
