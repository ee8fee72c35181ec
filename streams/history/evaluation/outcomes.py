"""The outcomes of a log, and the predictions that they are compared with."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.definition import LEAVING, SIGNS
from models.settings import DAY, EngineSettings
from models.simulation.evaluation import Predictions
from models.touchpoints import Kind, Rejected, read
from streams.history.events import ANY_TIME, TimedEvent

SILENT, SIGN, LEFT, FORGOTTEN = range(4)
"""A customer's last sign within a while: none, of staying, of leaving, or the wish to be forgotten."""


class Signs:
    """What customers said of staying, and when: every sign of it, every leave taken, in the log's order.

    first: time (ms) of the first sign of staying, None without any. end: of the log, as far as this is about staying:
    the end of the last day (UTC) of any of them, since a log may tell days alone.
    """

    def __init__(self, events: Iterable[TimedEvent], settings: EngineSettings) -> None:
        means: dict[int, int] = {
            **dict.fromkeys(SIGNS[settings.alive], SIGN),
            **dict.fromkeys(LEAVING[settings.alive], LEFT),
            Kind.ERASE_REQUESTED: FORGOTTEN,
        }
        self.first: int | None = None
        self.end = 0
        self._numbers: dict[bytes, int] = {}
        forgotten: set[bytes] = set()
        times, who, kinds = array("q"), array("q"), array("b")
        for event in events:
            touch = read(event.value, None, ANY_TIME)
            if isinstance(touch, Rejected) or event.key in forgotten or (kind := means.get(touch.kind)) is None:
                continue
            if kind == FORGOTTEN:  # whatever they do later, the engine remembers nothing of it
                forgotten.add(event.key)
            else:
                self.end = max(self.end, (event.time // DAY + 1) * DAY)
            if kind == SIGN and self.first is None:
                self.first = event.time
            times.append(event.time)
            who.append(self._numbers.setdefault(event.key, len(self._numbers)))
            kinds.append(kind)
        kinds.append(SILENT)  # stands at -1
        self._times, self._who = np.array(times), np.array(who)
        self._kinds = np.array(kinds)

    def last_signs(self, customers: Sequence[bytes], tick: int, horizon: int) -> NDArray[np.int8]:
        """What each customer said last in the `horizon` from `tick` on (both in ms): SILENT, SIGN, LEFT, FORGOTTEN."""
        first, end = np.searchsorted(self._times, [tick, tick + horizon])
        last = np.full(len(self._numbers), -1)
        np.maximum.at(last, self._who[first:end], np.arange(first, end))
        return np.asarray(self._kinds[last[self.numbers(customers)]])

    def numbers(self, customers: Sequence[bytes]) -> NDArray[np.int64]:
        """Each customer's number, from 0 on in the order of their first sign."""
        return np.fromiter((self._numbers[customer] for customer in customers), np.int64, len(customers))

    def days(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The days (since the epoch) on which customers gave a sign of staying, rising, customer after customer; and by
        a customer's number where theirs begin, with the number of all of them at the end."""
        stayed = self._kinds[:-1] == SIGN
        who, days = np.unique(np.stack((self._who[stayed], self._times[stayed] // DAY)), axis=1)
        return days, np.searchsorted(who, np.arange(len(self._numbers) + 1))


class Table(NamedTuple):
    """Decisions with what came, in columns of shape (decisions,): tick (ms), probability, churned."""

    ticks: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    churned: NDArray[np.bool_]


NO_DECISIONS: Final = Table(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=np.bool_))


def decided(predictions: Sequence[Predictions], signs: Signs, settings: EngineSettings) -> Table:
    """The decisions that were due: customers active within the horizon who have not left, at ticks whose horizon lies
    in the log.

    What came is what a learner's label says: who gave a sign within the horizon and left after it has churned, who left
    and came back has stayed. Of who was forgotten within it nothing came that the engine knows: no decision.
    """
    parts = [NO_DECISIONS]
    for predicted in predictions:
        if predicted.tick + settings.horizon > signs.end:
            continue
        due = np.flatnonzero((predicted.recency <= settings.horizon) & ~predicted.left)
        kinds = signs.last_signs([predicted.customers[row] for row in due.tolist()], predicted.tick, settings.horizon)
        due, kinds = due[kinds != FORGOTTEN], kinds[kinds != FORGOTTEN]
        parts.append(Table(np.full(len(due), predicted.tick), predicted.probabilities[due], kinds != SIGN))
    return Table(*map(np.concatenate, zip(*parts, strict=True)))
