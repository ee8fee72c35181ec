"""The beginning of a shard's due set, kept in memory by its only writer.

Most pieces of the line have few due items or none. Asking the store each time costs a round trip and more than the
items are worth; so a few thousand are read at once, and the shard's own commits keep them true. It lives as long as the
ownership does.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Awaitable, Callable, Mapping
from math import inf

Item = tuple[float, bytes]
"""(due place, customer)."""

SIZE = 4_096
"""Items read at once: about a megabyte of memory, and a read in many pieces."""
MOST_WINDOWS = 4
"""The shard's own commits may add so many windows' worth before it is cut back to one."""
LAST = float(2**62)
"""Beyond every due place."""


class DueWindow:
    """read(up_to, limit): the store's first `limit` members with a place of at most `up_to`, in order."""

    def __init__(self, read: Callable[[float, int], Awaitable[list[Item]]], size: int = SIZE) -> None:
        self._read, self._size = read, size
        self._items: list[Item] = []  # in order; some have been overtaken by a later word in `_places`
        self._places: dict[bytes, float] = {}
        self._until = -inf  # every member of the due set before this place is here

    async def before(self, place: float, most: int) -> list[Item]:
        """The first `most` members before `place`, in order."""
        if place > self._until:
            await self._fill()
        if place > self._until:  # more than a window's worth is due at one moment
            return await self._read(place - 1, most)
        self._forget()
        found: list[Item] = []
        for item in self._items:
            if item[0] >= place or len(found) == most:
                break
            if self._places.get(item[1]) == item[0] and (not found or found[-1] != item):
                found.append(item)
        return found

    def committed(self, dues: Mapping[bytes, float | None]) -> None:
        """What a commit has written to the due set. None: the customer has left it."""
        for customer, place in dues.items():
            if place is not None and place < self._until:
                self._places[customer] = place
                insort(self._items, (place, customer))
            else:
                self._places.pop(customer, None)
        if len(self._items) > MOST_WINDOWS * self._size:
            self._shrink()

    async def _fill(self) -> None:
        items = await self._read(LAST, self._size)
        # Of the last place there may be more than were read.
        self._until = items[-1][0] if len(items) == self._size else inf
        self._items = [item for item in items if item[0] < self._until]
        self._places = {customer: place for place, customer in self._items}

    def _shrink(self) -> None:
        """Back to one window: a shard that begins with an empty due set would otherwise end with all of it here."""
        items = sorted((place, customer) for customer, place in self._places.items())
        if len(items) > self._size:
            self._until = items[self._size][0]
        self._items = [item for item in items if item[0] < self._until]
        self._places = {customer: place for place, customer in self._items}

    def _forget(self) -> None:
        """Drop what has been overtaken at the front."""
        passed = 0
        for place, customer in self._items:
            if self._places.get(customer) == place:
                break
            passed += 1
        del self._items[:passed]
