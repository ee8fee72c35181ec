"""Logarithm and exponential from additions, multiplications and shifts alone: the same bits on every CPU.

NumPy's and libm's choose other code, hence other last bits, on other CPUs. The polynomials are those of fdlibm
(``e_log.c``, ``e_exp.c``; Sun Microsystems 1993), whose error is below one unit in the last place. There is no branch
and no table in them, exponents are read and written as bits: of a loop over numbers side by side the compiler makes
code that computes several at once, with the same bits.
"""

from __future__ import annotations

from math import inf, nan

import numpy as np

from models.numerics.compiled import compiled, inlined

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

_FRACTION_BITS = np.uint64(52)
_FRACTION = np.uint64((1 << 52) - 1)
_HALF = np.uint64(1022 << 52)
"""The bits of 0.5: with those of a fraction, a number from 0.5 to 1."""
_BIAS = np.uint64(1023)
_LEAST_NORMAL = 2.0**-1022
_INTO_NORMAL = 2.0**54
_WHOLE = 1.5 * 2.0**52
"""Added to a whole number, it leaves that one in the sum's last bits."""
_WHOLE_BITS = np.uint64(0x4338000000000000)


@compiled
def ln(x: float) -> float:
    """Natural logarithm; -inf at zero, nan below.

    >>> ln(1.0), ln(0.0)
    (0.0, -inf)
    """
    small = x < _LEAST_NORMAL
    bits = np.float64(x * _INTO_NORMAL if small else x).view(np.uint64)
    m: float = np.uint64((bits & _FRACTION) | _HALF).view(np.float64)
    low = m < _HALF_ROOT
    exponent: float = np.uint64((bits >> _FRACTION_BITS) | _WHOLE_BITS).view(np.float64) - _WHOLE
    k = exponent - 1022.0 - (54.0 if small else 0.0) - (1.0 if low else 0.0)
    f = (2.0 * m if low else m) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = z * (_L1 + z * (_L2 + z * (_L3 + z * (_L4 + z * (_L5 + z * (_L6 + z * _L7))))))
    half = 0.5 * f * f
    y = k * _LN2_HIGH - ((half - (s * (half + r) + k * _LN2_LOW)) - f)
    y = y if x > 0.0 else (-inf if x == 0.0 else nan)
    return inf if x == inf else y


@inlined
def _exp(high: float, low: float, k: float) -> float:
    """e^(high - low) * 2^k, for |high - low| of at most half of ln 2, and k a whole number from -1076 to 1024."""
    x = high - low
    t = x * x
    c = x - t * (_P1 + t * (_P2 + t * (_P3 + t * (_P4 + t * _P5))))
    y = 1.0 - ((low - (x * c) / (2.0 - c)) - high)
    # In two steps at both ends: the first is exact, the second rounds once.
    small, large = k < -1021.0, k > 1023.0
    first = k + 53.0 if small else (k - 1.0 if large else k)
    second = 2.0**-53 if small else (2.0 if large else 1.0)
    bits = np.float64(first + _WHOLE).view(np.uint64)
    power: float = np.uint64((bits + _BIAS) << _FRACTION_BITS).view(np.float64)
    return y * power * second


@compiled
def exp(x: float) -> float:
    """e^x.

    >>> exp(0.0), exp(-800.0), exp(800.0)
    (1.0, 0.0, inf)
    """
    x = 710.0 if x > 710.0 else (-746.0 if x < -746.0 else x)
    k = np.floor(x / _LN2 + 0.5)
    return _exp(x - k * _LN2_HIGH, k * _LN2_LOW, k)


@compiled
def exp2(x: float) -> float:
    """2^x, exact where x is whole.

    >>> exp2(-1.0), exp2(10.0)
    (0.5, 1024.0)
    """
    x = 1024.0 if x > 1024.0 else (-1076.0 if x < -1076.0 else x)
    k = np.floor(x + 0.5)
    return _exp((x - k) * _LN2, 0.0, k)
