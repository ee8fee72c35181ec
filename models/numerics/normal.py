"""The tail of the normal distribution, from the arithmetic of models.numerics.maths: the same bits on every CPU."""

from __future__ import annotations

import numpy as np

from models.numerics.compiled import compiled, inlined
from models.numerics.lanes import exp, ln

_HALF_ROOT = 0.70710678118654752440
_LN2 = 6.93147180559945286227e-01

# ln(e^(z²) erfc(z) / t) in 2t - 1, with t = 1 / (1 + z / 2): a Chebyshev fit on all of z >= 0, good to 1e-11. (Fits in
# 1 / (1 + z / 2): Shepherd and Laframboise 1981, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 <= x < inf",
# Mathematics of Computation 36.)
_TAIL = np.array(
    [
        -0.6717940840638894,
        0.6726432239564838,
        0.047343308019470336,
        -0.046895609485453994,
        -0.009872721153144148,
        0.008824933281983556,
        0.0017592649151421105,
        -0.002345825840322946,
        -0.00014798464933597197,
        0.0006739603547800043,
        -8.858317850433896e-05,
        -0.00017558776426380036,
        6.234283051706813e-05,
        3.469238698119379e-05,
        -2.0765523356905717e-05,
        -3.725151048465296e-06,
        3.1610673529235753e-06,
    ]
)


@inlined
def _fit(t: float) -> float:
    u = 2.0 * t - 1.0
    value = 0.0
    for i in range(_TAIL.shape[0] - 1, -1, -1):
        value = value * u + _TAIL[i]
    return value


@inlined
def upper_tail(x: float) -> float:
    """P(Z > x), to 1e-10 of itself; it underflows beyond 38.

    >>> round(upper_tail(0.0), 9), round(upper_tail(-1.0), 9)
    (0.5, 0.841344746)
    """
    z = abs(x) * _HALF_ROOT
    t = 1.0 / (1.0 + 0.5 * z)
    tail = 0.5 * t * exp(_fit(t) - z * z)
    return 1.0 - tail if x < 0.0 else tail


@compiled
def ln_upper_tail(x: float) -> float:
    """ln P(Z > x) of a standard normal Z, to 1e-10; it does not underflow.

    >>> round(ln_upper_tail(0.0), 9), round(ln_upper_tail(40.0), 6)
    (-0.693147181, -804.608442)
    """
    if x < 0.0:
        return ln(1.0 - exp(ln_upper_tail(-x)))
    z = x * _HALF_ROOT
    t = 1.0 / (1.0 + 0.5 * z)
    return _fit(t) + ln(t) - z * z - _LN2
