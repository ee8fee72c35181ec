"""Numbers as the bits of float16, compiled: what NumPy does in columns (`models.numerics.float16.halves`), of one
number."""

from __future__ import annotations

from math import frexp
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.numerics.compiled import compiled

MOST_HALF: Final = 65_504.0
"""The largest float16. A snapshot's number beyond it is stored as this."""


def halves(numbers: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Numbers as the bits of float16, which is how a snapshot is stored."""
    return np.asarray(np.clip(numbers, -MOST_HALF, MOST_HALF).astype("<f2").view("<u2"))


def from_halves(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Inverse of `halves`, as float32."""
    return np.asarray(bits.view("<f2").astype("<f4"))


_LEAST = 2.0**-14
"""The smallest number with a full mantissa."""
_BIAS = 15
_MANTISSA = 1_024


@compiled
def half_bits(value: float) -> int:
    """The nearest float16's bits, ties to even; the largest one for what is beyond it.

    >>> half_bits(1.0), half_bits(-2.5), half_bits(1e9)
    (15360, 49408, 31743)
    """
    wide = np.float64(value)
    sign = 0x8000 if wide < 0.0 else 0
    size = min(abs(wide), MOST_HALF)
    part, exponent = frexp(size)
    if size < _LEAST:
        return sign | int(np.rint(size * 2.0**24))
    mantissa = int(np.rint(part * (2 * _MANTISSA)))
    # A mantissa that is rounded up to the next power of two carries into the exponent by itself.
    return sign | ((exponent - 1 + _BIAS) * _MANTISSA + mantissa - _MANTISSA)
