"""Customers' records as one array: for one batch only, or kept for as long as the loop runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rivals.expert_loop.arguments import Whole
from benchmarks.rivals.expert_loop.kernel import RECORD

BLANK = bytes(RECORD.itemsize)
WHOLE = f"V{RECORD.itemsize}"
CLEARANCE = 20_000
"""Rows that a batch may add at most."""


class Full(Exception):
    """More customers than there are rows: dropping the least recently used is not part of this loop."""


class Records:
    """rows: how many customers there is room for. kept: whether a record stays when its batch is done."""

    def __init__(self, rows: int, *, kept: bool) -> None:
        self.array: NDArray[Any] = np.zeros(rows, RECORD)
        self._kept = kept
        self._row_of: dict[str, int] = {}
        self._keys: list[bytes] = []

    def place(self, customers: Sequence[str]) -> tuple[Whole, list[bytes]]:
        """The row of each touchpoint's customer, and the keys of those that have to be loaded, in the order of rows.

        Raises Full.
        """
        if not self._kept:
            self._row_of, self._keys = {}, []
        known = len(self._keys)
        row_of = self._row_of
        rows = list(map(row_of.get, customers))
        for at in (at for at, row in enumerate(rows) if row is None) if None in rows else ():
            name = customers[at]
            if (row := row_of.get(name)) is None:
                row = row_of[name] = len(self._keys)
                self._keys.append(key_of(name.encode()))
            rows[at] = row
        if len(self._keys) > len(self.array) - CLEARANCE:
            raise Full(f"{len(self._keys):,} customers and room for {len(self.array):,}")
        return np.array(rows, np.int64), self._keys[known:]

    def fill(self, values: Sequence[bytes | None]) -> None:
        """The records that `place` asked for; None is a customer without one."""
        first = len(self._keys) - len(values)
        whole = b"".join(value or BLANK for value in values)
        self.array[first : len(self._keys)] = np.frombuffer(whole, RECORD)

    def packed(self, rows: Whole) -> list[bytes]:
        """Key and record of every customer in these rows, one behind the other."""
        touched = np.unique(rows)
        values = self.array[touched].view(WHOLE).tolist()
        return [part for row, value in zip(touched.tolist(), values, strict=True) for part in (self._keys[row], value)]


def key_of(customer: bytes) -> bytes:
    """Where the loop keeps a customer in Redis."""
    return b"{the-expert}:c:" + customer
