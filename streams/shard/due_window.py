"""In-memory cache of a shard's earliest timers, kept true by the shard's own commits.

Most pieces of the line have few due items or none. Asking the store each time costs a round trip and more than the
items are worth; so a few thousand are read at once, and the shard's own commits keep them true. It lives as long as the
ownership does.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Awaitable, Callable, Mapping
from math import inf

Item = tuple[float, bytes]
"""(timer position, customer)."""

MOST_WINDOWS = 4
"""The shard's own commits may add so many windows' worth before it shrinks to one."""
LAST = float(2**62)
"""Beyond every timer position."""


class DueWindow:
    """A stretch of the due set's beginning.

    read(up_to, limit): the store's first `limit` members with a position of at most `up_to`, in order. size(): how many
    to read at once, 250 bytes of memory each.
    """

    def __init__(self, read: Callable[[float, int], Awaitable[list[Item]]], size: Callable[[], int]) -> None:
        self._read, self._size = read, size
        self._items: list[Item] = []  # in order; some have been replaced by a later one in `_positions`
        self._positions: dict[bytes, float] = {}
        self._until = -inf  # every member of the due set before this position is here

    async def before(self, position: float, most: int) -> list[Item]:
        """The first `most` members before `position`, in order."""
        found = self._first(position, most)
        if len(found) < most and position > self._until:
            await self._fill()
            found = self._first(position, most)
        if len(found) < most and position > self._until:  # more than a window's worth is wanted, or due at one moment
            return await self._read(position - 1, most)
        return found

    def committed(self, dues: Mapping[bytes, float | None]) -> None:
        """What a commit has written to the due set. None: the customer has left it."""
        for customer, position in dues.items():
            if position is not None and position < self._until:
                self._positions[customer] = position
                insort(self._items, (position, customer))
            else:
                self._positions.pop(customer, None)
        if len(self._items) > MOST_WINDOWS * (size := self._size()):
            self._shrink(size)

    def _first(self, position: float, most: int) -> list[Item]:
        """The first `most` members here before `position`. All there are, unless they are fewer and the window ends
        before `position`."""
        self._forget()
        found: list[Item] = []
        for item in self._items:
            if item[0] >= position or len(found) == most:
                break
            if self._positions.get(item[1]) == item[0] and (not found or found[-1] != item):
                found.append(item)
        return found

    async def _fill(self) -> None:
        size = self._size()
        items = await self._read(LAST, size)
        # Of the last position there may be more than were read.
        self._until = items[-1][0] if len(items) == size else inf
        self._items = [item for item in items if item[0] < self._until]
        self._positions = {customer: position for position, customer in self._items}

    def _shrink(self, size: int) -> None:
        """Back to one window: a shard that begins with an empty due set would otherwise end with all of it here."""
        items = sorted((position, customer) for customer, position in self._positions.items())
        if len(items) > size:
            self._until = items[size][0]
        self._items = [item for item in items if item[0] < self._until]
        self._positions = {customer: position for position, customer in self._items}

    def _forget(self) -> None:
        """Drop what has been overtaken at the front."""
        passed = 0
        for position, customer in self._items:
            if self._positions.get(customer) == position:
                break
            passed += 1
        del self._items[:passed]
