"""What the customers of a log spent and sent back, and when: what values are compared with, and learn from."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.settings import DAY
from models.touchpoints import Kind, Rejected, read
from streams.history.events import ANY_TIME, TimedEvent

SIGN = {int(Kind.PURCHASE): 1.0, int(Kind.RETURN): -1.0}


class LogSpending:
    """Purchases and returns by customer, in the log's order: a `models.simulation.value.Spending`.

    A return counts in the window in which it comes, whenever what is sent back was bought. end: of the log, as far as
    this is about spending: the end of the last day (UTC) of a purchase, since a log may tell days alone.
    """

    def __init__(self, events: Iterable[TimedEvent]) -> None:
        times, who, amounts = array("q"), array("q"), array("d")
        self._numbers: dict[bytes, int] = {}
        self.end = 0
        for event in events:
            touch = read(event.value, None, ANY_TIME)
            if isinstance(touch, Rejected) or (sign := SIGN.get(touch.kind)) is None:
                continue
            if touch.kind == Kind.PURCHASE:
                self.end = max(self.end, (event.time // DAY + 1) * DAY)
            times.append(event.time)
            who.append(self._numbers.setdefault(event.key, len(self._numbers)))
            amounts.append(sign * touch.a)
        numbers = np.array(who, dtype=np.int64)
        # By customer, then time: a window of a customer is then a stretch of the running sum.
        order = np.lexsort((np.array(times, dtype=np.int64), numbers))
        self._who, self._times = numbers[order], np.array(times, dtype=np.int64)[order]
        self._sums = np.concatenate([[0.0], np.cumsum(np.array(amounts)[order])])
        self._starts = np.searchsorted(self._who, np.arange(len(self._numbers) + 1))

    def net(
        self, customers: Sequence[bytes], since: NDArray[np.int64], until: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What each customer bought in [since, until), less what they sent back, shape (customers,). Times in ms."""
        first, last = self._stretches(customers, since, until)
        return np.asarray(self._sums[last] - self._sums[first])

    def silent(
        self, customers: Sequence[bytes], since: NDArray[np.int64], until: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether each customer neither bought nor sent back anything in [since, until), shape (customers,)."""
        first, last = self._stretches(customers, since, until)
        return np.asarray(first == last)

    def _stretches(
        self, customers: Sequence[bytes], since: NDArray[np.int64], until: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each customer's purchases and returns of [since, until) begin and end in the columns."""
        first, last = np.zeros(len(customers), dtype=np.int64), np.zeros(len(customers), dtype=np.int64)
        for row, (name, begin, end) in enumerate(zip(customers, since.tolist(), until.tolist(), strict=True)):
            number = self._numbers.get(name)
            if number is not None:
                a, b = self._starts[number], self._starts[number + 1]
                first[row], last[row] = np.searchsorted(self._times[a:b], [begin, end]) + a
        return first, last
