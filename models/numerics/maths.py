"""Logarithm and exponential from additions, multiplications and shifts alone: the same bits on every CPU.

NumPy's and libm's choose other code, hence other last bits, on other CPUs. The polynomials are those of fdlibm
(``e_log.c``, ``e_exp.c``; Sun Microsystems 1993), whose error is below one unit in the last place.
"""

from __future__ import annotations

from math import frexp, inf, nan

import numpy as np

from models.numerics.compiled import compiled

_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_LN2 = 6.93147180559945286227e-01
_HALF_ROOT = 0.70710678118654752440

_L1 = 6.666666666666735130e-01
_L2 = 3.999999999940941908e-01
_L3 = 2.857142874366239149e-01
_L4 = 2.222219843214978396e-01
_L5 = 1.818357216161805012e-01
_L6 = 1.531383769920937332e-01
_L7 = 1.479819860511658591e-01

_P1 = 1.66666666666666019037e-01
_P2 = -2.77777777770155933842e-03
_P3 = 6.61375632143793436117e-05
_P4 = -1.65339022054652515390e-06
_P5 = 4.13813679705723846039e-08

_LEAST = -1074
_POWERS = np.array([2.0**k for k in range(_LEAST, 1024)])
"""Powers of two that a float64 holds."""


@compiled
def ln(x: float) -> float:
    """Natural logarithm; -inf at zero, nan below.

    >>> ln(1.0), ln(0.0)
    (0.0, -inf)
    """
    if x <= 0.0:
        return -inf if x == 0.0 else nan
    if x == inf:
        return x
    m, k = frexp(x)
    if m < _HALF_ROOT:
        m, k = 2.0 * m, k - 1
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = z * (_L1 + z * (_L2 + z * (_L3 + z * (_L4 + z * (_L5 + z * (_L6 + z * _L7))))))
    half = 0.5 * f * f
    return k * _LN2_HIGH - ((half - (s * (half + r) + k * _LN2_LOW)) - f)


@compiled
def _exp(high: float, low: float, k: int) -> float:
    """e^(high - low) * 2^k, for |high - low| of at most half of ln 2."""
    x = high - low
    t = x * x
    c = x - t * (_P1 + t * (_P2 + t * (_P3 + t * (_P4 + t * _P5))))
    y = 1.0 - ((low - (x * c) / (2.0 - c)) - high)
    if k < _LEAST + 53:
        return y * _POWERS[k + 53 - _LEAST] * _POWERS[-53 - _LEAST] if k >= _LEAST - 53 else 0.0
    if k > 1023:
        return y * 2.0 * _POWERS[1023 - _LEAST] if k == 1024 else inf
    power: float = _POWERS[k - _LEAST]
    return y * power


@compiled
def exp(x: float) -> float:
    """e^x.

    >>> exp(0.0), exp(-800.0), exp(800.0)
    (1.0, 0.0, inf)
    """
    if x != x:
        return x
    if x > 710.0:
        return inf
    if x < -746.0:
        return 0.0
    k = int(np.floor(x / _LN2 + 0.5))
    return _exp(x - k * _LN2_HIGH, k * _LN2_LOW, k)


@compiled
def exp2(x: float) -> float:
    """2^x, exact where x is whole.

    >>> exp2(-1.0), exp2(10.0)
    (0.5, 1024.0)
    """
    if x != x:
        return x
    if x > 1025.0:
        return inf
    if x < -1076.0:
        return 0.0
    k = int(np.floor(x + 0.5))
    return _exp((x - k) * _LN2, 0.0, k)
