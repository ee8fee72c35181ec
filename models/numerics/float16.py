"""Conversion of numbers to float16 bits, in columns (NumPy) and one by one (compiled)."""

from __future__ import annotations

from math import frexp
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.numerics.compiled import compiled

MOST_FLOAT16: Final = 65_504.0
"""The largest float16. A number beyond it is stored as this."""


def to_float16(numbers: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Numbers as the bits of float16, which is how a pending example is stored."""
    return np.asarray(np.clip(numbers, -MOST_FLOAT16, MOST_FLOAT16).astype("<f2").view("<u2"))


def from_float16(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Inverse of `to_float16`, as float32."""
    return np.asarray(bits.view("<f2").astype("<f4"))


_LEAST = 2.0**-14
"""The smallest number with a full mantissa."""
_BIAS = 15
_MANTISSA = 1_024


@compiled
def float16_bits(value: float) -> int:
    """The nearest float16's bits, ties to even; the largest one for what is beyond it.

    >>> float16_bits(1.0), float16_bits(-2.5), float16_bits(1e9)
    (15360, 49408, 31743)
    """
    wide = np.float64(value)
    sign = 0x8000 if wide < 0.0 else 0
    size = min(abs(wide), MOST_FLOAT16)
    part, exponent = frexp(size)
    if size < _LEAST:
        return sign | int(np.rint(size * 2.0**24))
    mantissa = int(np.rint(part * (2 * _MANTISSA)))
    # A mantissa that is rounded up to the next power of two carries into the exponent by itself.
    return sign | ((exponent - 1 + _BIAS) * _MANTISSA + mantissa - _MANTISSA)
