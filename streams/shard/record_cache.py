"""LRU cache of customer records, valid because the shard is their only writer.

A load then asks the store for the others alone. Write-through, bounded, and gone with the ownership; nothing is in it
that was not committed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice


class RecordCache:
    """Two generations of at most `most()` // 2 customers each: when the young one is full it becomes the old one.

    As good as least recently used for customers who come back, at the price of a dictionary's look-up. `most` is asked
    at each commit, and what is too much by then is dropped; 0: nothing is kept. A record takes about half a kilobyte.
    """

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

    def find(self, customers: Sequence[bytes]) -> list[bytes | None]:
        """The newest record of each, None where it is not here."""
        found = list(map(self._young.get, customers))
        if self._old:
            old = self._old.get
            for row, value in enumerate(found):
                if value is None:
                    found[row] = old(customers[row])
        return found

    def committed(self, records: Mapping[bytes, bytes], removed: Sequence[bytes] = ()) -> None:
        """What a commit has written, and whose records it has removed."""
        half = self._most() // 2
        if len(self._old) > half:
            self._old = dict(islice(self._old.items(), len(self._old) - half, None))
        if not half:
            return
        for customer in removed:
            self._young.pop(customer, None)
            self._old.pop(customer, None)
        self._young.update(records)
        if len(self._young) >= half:
            self._old, self._young = self._young, {}
