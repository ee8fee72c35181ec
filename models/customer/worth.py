"""What a record holds of its customer's value, beside slab and tail: only while a policy has a `[value]`.

It lies between the two, so that the records of a batch stay columns: the highest bit of the tail's length says that it
is there. A customer of whom there is nothing to hold has none, and the bytes of one without a policy's `[value]` are
what they would be if there were no values at all.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from models.customer.layout import SLAB, VERSION

WORTH: Final = np.dtype(
    [
        ("net", "<f8"),  # bought less returned since the pending example of churn was observed, within its horizon
        ("spent_0", "<u2"),  # gross spend a purchase day as of each pending example (`models.value.columns`), by kind:
        ("spent_1", "<u2"),  # one more than the bits of float16; 0: the example was begun without
        ("returned_0", "<u2"),  # what was returned a purchase day, likewise, its bits alone
        ("returned_1", "<u2"),
        ("bucket", "<u2"),  # one more than the bucket of the value; 0: it is not known
        ("tier", "u1"),  # one more than the tier, whose highest is 0; 0: none. The upper four bits: `HELD`
        ("counted", "u1"),  # the class among whose customers the bucket is counted
    ]
)
"""Of a customer, in the order of the fields; packed."""
FIELDS: Final = ("net", "spent_0", "spent_1", "returned_0", "returned_1", "bucket", "tier", "counted")
"""Its names in order. Lanes have the same (`models.engine.lanes.LANE`)."""
WORTH_BYTES: Final = WORTH.itemsize
NOTHING: Final = bytes(WORTH_BYTES)
HELD: Final = 4
"""By so many bits the tier at which the open episode opened stands above the tier, one more than that is; 0: none is
held, since the policy's levels of risk go by no tier, or no episode is open."""
HAS_WORTH: Final = 0x80
"""In the last byte of the slab, the higher one of the tail's length."""

_FORM = struct.Struct("<d5H2B")
_LAST = SLAB.itemsize - 1
if _FORM.size != WORTH_BYTES or WORTH.names != FIELDS:
    raise ImportError(f"a worth has {_FORM.size} bytes in plain Python and {WORTH_BYTES} in columns")


class Worth:
    """The same of one customer, in plain Python; fields as in `FIELDS`, and what is held beside the tier."""

    __slots__ = (*FIELDS, "held")

    def __init__(self) -> None:
        self.net = 0.0
        self.spent_0 = self.spent_1 = self.returned_0 = self.returned_1 = self.bucket = self.tier = self.counted = 0
        self.held = 0

    @classmethod
    def of(cls, stored: bytes) -> Worth:
        """From `NOTHING`, or what `split` gives."""
        found = cls()
        for name, value in zip(FIELDS, _FORM.unpack(stored), strict=True):
            setattr(found, name, value)
        found.tier, found.held = found.tier & (1 << HELD) - 1, found.tier >> HELD
        return found

    @property
    def level_tier(self) -> int:
        """By whose levels of risk the customer goes, where they go by the tier; 0: none."""
        return self.held - 1 if self.held else self.tier

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Worth) and self.pack() == other.pack()

    def pack(self) -> bytes:
        *others, tier, counted = (getattr(self, name) for name in FIELDS)
        return _FORM.pack(*others, tier | self.held << HELD, counted)


def split(value: bytes) -> tuple[bytes, bytes]:
    """A stored record, not a tombstone, without the part, and the part; empty: it has none."""
    end = _LAST + 1 + WORTH_BYTES
    if len(value) < end or value[0] != VERSION or not value[_LAST] & HAS_WORTH:
        return value, b""
    slab = value[:_LAST] + bytes((value[_LAST] & ~HAS_WORTH & 0xFF,))
    return slab + value[end:], value[_LAST + 1 : end]


def joined(value: bytes, worth: bytes) -> bytes:
    """Inverse of `split`; a part that holds nothing is left out."""
    if not worth or worth == NOTHING:
        return value
    return b"".join((value[:_LAST], bytes((value[_LAST] | HAS_WORTH,)), worth, value[_LAST + 1 :]))
