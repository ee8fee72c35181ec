"""Bottom-k sample of customers, which stays uniform however long the log.

A bottom-k sketch: Cohen and Kaplan (2007), "Summarizing data using bottom-k sketches", PODC. Whoever is among the k
smallest at the end was so at every time before, so that nothing has to be kept of those who are not; and who is a
member depends on who was seen, not on when. Of each member the newest weekly example is kept: it holds all that
MBG/NBD reads of a customer, and who is likely to leave is estimated anew from it whenever the model changes.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from models.churn.snapshot import SnapshotRefused
from models.customer.layout import BASIS
from models.features.basis import TENURE_COLUMN
from models.numerics.float16 import from_float16, to_float16
from models.settings import DAY

SIZE: Final = 6_000
"""Customers: enough for the four parameters of MBG/NBD, and for the level to be known within a percent."""

SALT: Final = 0x6D62672F6E6264
"""Another number gives another sample."""


class Reservoir:
    """At most `size` customers, by rising hash, in columns of shape (members,). Two ids of one 64-bit hash would be one
    customer.

    bases: of the newest example, shape (members, width). observed_at: its time, ms. back: whether the customer was back
    within its window.
    """

    def __init__(self, size: int = SIZE, salt: int = SALT, width: int = BASIS) -> None:
        """width: numbers that are kept of a member, the basis first."""
        if size < 1 or not 0 <= salt < 2**64:
            raise ValueError(f"size {size} must be at least 1, and salt {salt} of 64 bits")
        self.size, self.salt, self.width = size, salt, width
        self.hashes: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self.bases: NDArray[np.float32] = np.empty((0, width), dtype=np.float32)
        self.observed_at: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.back: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.hashes)

    def observe(
        self,
        customers: Sequence[bytes],
        bases: NDArray[np.float32],
        observed_at: NDArray[np.int64],
        back: NDArray[np.bool_],
    ) -> None:
        """Weekly examples, in the order in which their labels became known: a later one replaces an earlier one."""
        if not customers:
            return
        salt = self.salt
        hashes = np.fromiter((xxh3_64_intdigest(customer, salt) for customer in customers), np.uint64, len(customers))
        # The first of equal hashes stays: the newest example is put first, and what is known already last.
        hashes = np.concatenate([hashes[::-1], self.hashes])
        kept, first = np.unique(hashes, return_index=True)
        kept, first = kept[: self.size], first[: self.size]
        self.bases = np.concatenate([bases[::-1], self.bases])[first]
        self.observed_at = np.concatenate([observed_at[::-1], self.observed_at])[first]
        self.back = np.concatenate([back[::-1], self.back])[first]
        self.hashes = kept

    def began(self) -> float:
        """The day (since the epoch) on which the members' story begins: of their first purchase days the earliest but
        one in a hundred, one at least. A few may bear dates from before there was a log, by a typo or an import."""
        first = np.sort(self.observed_at // DAY - np.rint(self.bases[:, TENURE_COLUMN].astype(np.float64)))
        return float(first[min(-(-len(first) // 100), len(first) - 1)])

    def snapshot(self) -> dict[str, Any]:
        """All of the reservoir as plain data: about 100 bytes a member as JSON."""
        return {
            "size": self.size,
            "salt": self.salt,
            "hashes": self.hashes.tolist(),
            "taken": self.observed_at.tolist(),
            "back": self.back.astype(int).tolist(),
            "bases": base64.b64encode(to_float16(self.bases).tobytes()).decode(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the reservoir of the snapshot. Raises SnapshotRefused, and stays as it was, when it does not fit."""
        if state.get("size") != self.size or state.get("salt") != self.salt:
            raise SnapshotRefused(
                f"a sample of size {state.get('size')!r} and salt {state.get('salt')!r}; this one has size {self.size} "
                f"and salt {self.salt}"
            )
        hashes = _whole_numbers(state, "hashes", 2**64)
        observed_at, back = (_whole_numbers(state, name, most) for name, most in (("taken", 2**53), ("back", 2)))
        if len(hashes) > self.size or any(len(column) != len(hashes) for column in (observed_at, back)):
            raise SnapshotRefused(
                f"columns of {[*map(len, (hashes, observed_at, back))]} customers, at most {self.size}"
            )
        if any(a >= b for a, b in pairwise(hashes)):
            raise SnapshotRefused("hashes must rise")
        bits = _bits(state.get("bases"), len(hashes), self.width)
        self.hashes, self.observed_at = np.array(hashes, dtype=np.uint64), np.array(observed_at, dtype=np.int64)
        self.back = np.array(back, dtype=np.bool_)
        self.bases = from_float16(bits).reshape(-1, self.width)


def _whole_numbers(state: dict[str, Any], name: str, end: int) -> list[int]:
    values = state.get(name)
    if not isinstance(values, list):
        raise SnapshotRefused(f"{name} must be a list of whole numbers")
    for value in values:
        if type(value) is not int or not 0 <= value < end:
            raise SnapshotRefused(f"{name} holds {value!r}; it must be a whole number from 0 to below {end}")
    return values


def _bits(text: Any, members: int, width: int) -> NDArray[np.uint16]:
    try:
        bits = np.frombuffer(base64.b64decode(text, validate=True), dtype="<u2")
    except (TypeError, ValueError) as error:
        raise SnapshotRefused(f"bases must be base64 of float16 numbers: {error}") from error
    if len(bits) != members * width or not np.isfinite(bits.view("<f2")).all():
        raise SnapshotRefused(f"bases must be {members} rows of {width} finite float16 numbers")
    return bits
