"""Which sending of a form is the same word once more, and which one counts anew because something else was said since.

A browser's *back* brings a form that was sent before: off, on, and the first form once more must end off. What was said
by another instance meanwhile is not seen here, so that a word is the same for a minute alone.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

SAME_MS: Final = 60_000
"""As long a word that is said once more is the same: a double click, or a try after a fault."""
MOST_KEPT: Final = 20_000
"""Customers whose last word is remembered."""


class _Last(NamedTuple):
    word: str
    turn: str
    since: int


class Turns:
    """Of one process."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, _Last] = OrderedDict()

    def turn(self, customer: str, word: str, now: int) -> str:
        """What makes a word's id: the same for one that is only repeated. word: what tells it from others. now: ms."""
        last = self._last.pop(customer, None)
        if last is None or not 0 <= now - last.since < SAME_MS:
            found = _Last(word, str(now // SAME_MS), now)
        elif last.word == word:
            found = last
        else:
            found = _Last(word, f"{now} ms", now)
        self._last[customer] = found
        if len(self._last) > MOST_KEPT:
            self._last.popitem(last=False)
        return found.turn
