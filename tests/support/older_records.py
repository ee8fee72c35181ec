"""An invented version of the record before the oldest that is read: all but the first byte is packed, its size is
another."""

from __future__ import annotations

import zlib

from models.customer.versions import STEPS, Step

OLDEST = min(STEPS)
OLDER = OLDEST - 1


def _up(value: bytes) -> bytes:
    return bytes((OLDEST,)) + zlib.decompress(value[1:])


def _down(value: bytes) -> bytes:
    return bytes((OLDER,)) + zlib.compress(value[1:])


STEP = Step(_up, _down)
