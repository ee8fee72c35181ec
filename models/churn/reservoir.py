"""A sample of customers that stays a fair one however long the log: the k with the smallest salted hashes.

A bottom-k sketch: Cohen and Kaplan (2007), "Summarizing data using bottom-k sketches", PODC. Whoever is among the k
smallest at the end was so at every time before, so a member's purchases are complete though nothing is kept of those
who are not members; and who is a member depends on who was seen, not on when.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappush, heapreplace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from models.churn.snapshot import SnapshotRefused

SIZE = 3_000
"""Customers: enough for the four parameters of MBG/NBD, whose standard errors then lie near a tenth of their size."""

SALT = 0x6D62672F6E6264
"""Another number gives another sample."""

DAYS_A_WEEK = 7.0

_MOST_HASH = 2**64 - 1
_MOST = 2**31 - 1  # days, and purchase days


class Sample(NamedTuple):
    """The members by their hash, as MBG/NBD reads them (`models.churn.mbg`): purchase days after the first one, weeks
    from the first to the last, weeks from the first to now. Each of shape (members,)."""

    x: NDArray[np.float64]
    last: NDArray[np.float64]
    age: NDArray[np.float64]


class Reservoir:
    """At most `size` customers, each with three whole numbers. The same members and numbers in whatever order, and
    however often, the same observations come. Two ids of one 64-bit hash would be one customer.

    >>> sample = Reservoir(2)
    >>> for customer in (b"a", b"b", b"c"):
    ...     sample.observe(customer, x=1, first_day=0, last_day=7)
    >>> len(sample), sample.columns(now_day=14).age.tolist()
    (2, [2.0, 2.0])
    """

    def __init__(self, size: int = SIZE, salt: int = SALT) -> None:
        if size < 1 or not 0 <= salt <= _MOST_HASH:
            raise ValueError(f"size {size} must be at least 1, and salt {salt} of 64 bits")
        self.size, self.salt = size, salt
        self._members: dict[int, tuple[int, int, int]] = {}
        self._largest: list[int] = []  # a heap of negative hashes: its first is the member to go next

    def __len__(self) -> int:
        return len(self._members)

    def observe(self, customer: bytes, x: int, first_day: int, last_day: int) -> None:
        """A customer as now known: `x` purchase days after the first; the first and the last, in days since the epoch.

        A customer only ever becomes older, newer and more frequent: what an earlier observation had more of is kept.
        Raises ValueError for what no customer is.
        """
        if not (0 <= x <= _MOST and -_MOST <= first_day <= last_day <= _MOST):
            raise ValueError(f"no customer has x {x}, first day {first_day}, last day {last_day}")
        self._observe(xxh3_64_intdigest(customer, self.salt), x, first_day, last_day)

    def observe_many(
        self,
        customers: Sequence[bytes],
        x: NDArray[np.integer[Any]],
        first_days: NDArray[np.integer[Any]],
        last_days: NDArray[np.integer[Any]],
    ) -> None:
        """`observe` of columns, shape (customers,)."""
        columns = (x.tolist(), first_days.tolist(), last_days.tolist())
        for customer, n, first, last in zip(customers, *columns, strict=True):
            self.observe(customer, n, first, last)

    def _observe(self, key: int, x: int, first: int, last: int) -> None:
        members, largest = self._members, self._largest
        if len(members) == self.size and key > -largest[0]:
            return
        if (known := members.get(key)) is not None:
            members[key] = (max(x, known[0]), min(first, known[1]), max(last, known[2]))
            return
        if len(members) < self.size:
            heappush(largest, -key)
        else:
            del members[-heapreplace(largest, -key)]
        members[key] = (x, first, last)

    def columns(self, now_day: float) -> Sample:
        """The members at a time, in days since the epoch; one whose last purchase is later than that is as of then."""
        numbers = np.array([self._members[key] for key in sorted(self._members)], dtype=np.float64).reshape(-1, 3)
        x, first, last = (np.ascontiguousarray(column) for column in numbers.T)
        return Sample(x, (last - first) / DAYS_A_WEEK, (np.maximum(last, now_day) - first) / DAYS_A_WEEK)

    def snapshot(self) -> dict[str, Any]:
        """All of the reservoir as plain data, columns by rising hash: about 35 bytes a member as JSON."""
        keys = sorted(self._members)
        rows = [self._members[key] for key in keys]
        x, first_days, last_days = ([row[i] for row in rows] for i in range(3))
        return {
            "size": self.size,
            "salt": self.salt,
            "hashes": keys,
            "x": x,
            "first_days": first_days,
            "last_days": last_days,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the reservoir of the snapshot. Raises SnapshotRefused, and stays as it was, when it does not fit."""
        if state.get("size") != self.size or state.get("salt") != self.salt:
            raise SnapshotRefused(
                f"a sample of size {state.get('size')!r} and salt {state.get('salt')!r}; this one has size {self.size} "
                f"and salt {self.salt}"
            )
        hashes = _whole_numbers(state, "hashes", 0, _MOST_HASH)
        rows = [
            _whole_numbers(state, name, least, _MOST)
            for name, least in (("x", 0), ("first_days", -_MOST), ("last_days", -_MOST))
        ]
        if len(hashes) > self.size or any(len(row) != len(hashes) for row in rows):
            raise SnapshotRefused(f"columns of {[len(hashes), *map(len, rows)]} customers, at most {self.size} each")
        if any(a >= b for a, b in pairwise(hashes)):
            raise SnapshotRefused("hashes must rise")
        members = dict(zip(hashes, zip(*rows, strict=True), strict=True))
        if any(first > last for _, first, last in members.values()):
            raise SnapshotRefused("a customer's first day is after the last")
        self._members = members
        self._largest = [-key for key in hashes]
        heapify(self._largest)


def _whole_numbers(state: dict[str, Any], name: str, least: int, most: int) -> list[int]:
    values = state.get(name)
    if not isinstance(values, list):
        raise SnapshotRefused(f"{name} must be a list of whole numbers")
    for value in values:
        if type(value) is not int or not least <= value <= most:
            raise SnapshotRefused(f"{name} holds {value!r}; it must be a whole number from {least} to {most}")
    return values
