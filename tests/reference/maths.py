"""Logarithm and exponential, plainly: the mantissa and the exponent as the standard library takes them apart."""

from __future__ import annotations

from math import floor, frexp, inf, isnan, ldexp, nan

LN2_HIGH, LN2_LOW, LN2 = 6.93147180369123816490e-01, 1.90821492927058770002e-10, 6.93147180559945286227e-01
LOGARITHM = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
EXPONENTIAL = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)


def polynomial(z: float, factors: tuple[float, ...]) -> float:
    """Without a constant."""
    value = factors[-1]
    for factor in factors[-2::-1]:
        value = factor + z * value
    return z * value


def ln(x: float) -> float:
    if x <= 0.0 or isnan(x):
        return -inf if x == 0.0 else nan
    if x == inf:
        return x
    m, k = frexp(x)
    if m < 0.70710678118654752440:
        m, k = 2.0 * m, k - 1
    f = m - 1.0
    s = f / (2.0 + f)
    half = 0.5 * f * f
    r = polynomial(s * s, LOGARITHM)
    return k * LN2_HIGH - ((half - (s * (half + r) + k * LN2_LOW)) - f)


def exp_of(high: float, low: float, k: int) -> float:
    """e^(high - low) * 2^k."""
    x = high - low
    c = x - polynomial(x * x, EXPONENTIAL)
    y = 1.0 - ((low - (x * c) / (2.0 - c)) - high)
    try:
        return ldexp(y, k)
    except OverflowError:
        return inf


def exp(x: float) -> float:
    if isnan(x) or abs(x) > 800.0:
        return x if isnan(x) else (inf if x > 0.0 else 0.0)
    k = floor(x / LN2 + 0.5)
    return exp_of(x - k * LN2_HIGH, k * LN2_LOW, k)


def exp2(x: float) -> float:
    if isnan(x) or abs(x) > 1100.0:
        return x if isnan(x) else (inf if x > 0.0 else 0.0)
    k = floor(x + 0.5)
    return exp_of((x - k) * LN2, 0.0, k)
