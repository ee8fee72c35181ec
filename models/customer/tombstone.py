"""The short stored form of a record in which nothing is left but what must be kept: an erasure, or an objection.

Twenty-four bytes and the tail in place of the slab: Redis' allocator has them in 48, or 64 with an objection.
In memory a tombstone is a record like any other, whose other fields are blank. Its flags and its tail are those of
version 4 of the record, which all releases read.
"""

from __future__ import annotations

import struct
from typing import Final

from models.customer.layout import DUE, ERASED, NEWEST, NO_CONSENT, SLAB
from models.customer.version_four import FOUR, down, up

TOMBSTONE: Final = 0xA1
"""First byte of the short form, where others have their `VERSION`."""

_SHORT = struct.Struct("<BxBBI2d")  # first byte, band, flags, check, newest time or that of the erasure, due
_HEAD = struct.Struct("<4BI")
_DOUBLE = struct.Struct("<d")


def _offset(name: str) -> int:
    fields = SLAB.fields
    if fields is None:
        raise ImportError("SLAB has no fields")
    return int(fields[name][1])


_NEWEST, _DUE = _offset("times") + 8 * NEWEST, _offset("times") + 8 * DUE
_LENGTH = _offset("tail_length")


def is_short(value: bytes) -> bool:
    """Whether a stored value is a tombstone."""
    return len(value) >= _SHORT.size and value[0] == TOMBSTONE


def whole(value: bytes) -> bytes:
    """A tombstone as the slab and the tail that it stands for."""
    _, band, flags, check, newest, due = _SHORT.unpack_from(value)
    tail = value[_SHORT.size :]
    slab = bytearray(SLAB.itemsize)
    _HEAD.pack_into(slab, 0, FOUR, 0, band, flags, check)
    _DOUBLE.pack_into(slab, _NEWEST, newest)
    _DOUBLE.pack_into(slab, _DUE, due)
    slab[_LENGTH : _LENGTH + 2] = len(tail).to_bytes(2, "little")
    return up(bytes(slab) + tail)


def shortened(value: bytes) -> bytes:
    """The short form of a record, slab and tail; the record itself where that would lose anything of it, or where there
    is nothing to keep."""
    if not value[3] & (ERASED | NO_CONSENT) and len(value) == SLAB.itemsize:
        return value
    former = down(value)
    _, _, band, flags, check = _HEAD.unpack_from(former)
    newest, due = _DOUBLE.unpack_from(former, _NEWEST)[0], _DOUBLE.unpack_from(former, _DUE)[0]
    short = _SHORT.pack(TOMBSTONE, band, flags, check, newest, due) + former[SLAB.itemsize :]
    return short if whole(short) == value else value
