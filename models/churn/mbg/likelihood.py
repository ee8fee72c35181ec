"""Likelihood of MBG/NBD with first and second derivatives, compiled.

Checked against differences; sums run row by row, so that their bits depend on nothing but the columns.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.numerics.compiled import compiled
from models.numerics.maths import exp, ln


@compiled
def gammas(z: float) -> tuple[float, float, float]:
    """ln Γ, digamma and trigamma at z > 0: recurrence up to 10, then Stirling's series (Abramowitz and Stegun 6.1.41,
    6.3.18, 6.4.12) to about the last digit."""
    product, below, curve = 1.0, 0.0, 0.0
    while z < 10.0:
        product *= z
        below += 1.0 / z
        curve += 1.0 / (z * z)
        z += 1.0
    i = 1.0 / z
    s = i * i
    tail = s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360360 - s / 156)))))
    value = (z - 0.5) * ln(z) - z + 0.91893853320467274178 + i * (1 / 12 - tail) - ln(product)
    tail = s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12)))))
    first = ln(z) - 0.5 * i - s * (1 / 12 - tail) - below
    tail = s * (1 / 30 - s * (1 / 42 - s * (1 / 30 - s * (5 / 66 - s * (691 / 2730 - s * 7 / 6)))))
    second = i + 0.5 * s + i * s * (1 / 6 - tail) + curve
    return value, first, second


class Sample(NamedTuple):
    """Customers as compiled code reads them.

    Attributes:
        x, last, age, back: by customer, shape (customers,), as in `models.churn.mbg.fit.Customers`; times in weeks.
        share: a customer's share of the whole weight; they add up to one.
        values, by_value: the different values of x, shape (values,), and their shares. Gamma functions are of x alone,
            and few customers differ in it.
    """

    x: NDArray[np.float64]
    last: NDArray[np.float64]
    age: NDArray[np.float64]
    back: NDArray[np.bool_]
    share: NDArray[np.float64]
    values: NDArray[np.float64]
    by_value: NDArray[np.float64]


@compiled
def objective(
    logs: Any,
    prior: Any,
    ridges: Any,
    window: float,
    sample: Any,
    gradient: Any,
    hessian: Any,
) -> float:
    """Negative log-likelihood of the mean customer, plus ridges · (logs - prior)², with its derivatives by `logs`.

    Args:
        logs: the log parameters (ln r, ln α, ln a, ln b), shape (4,).
        prior: medians of the prior, as logs, shape (4,).
        ridges: half the prior's precisions, a customer's share, shape (4,).
        window: weeks after a customer's age in which they came back or were silent.
        sample: a `Sample`.
        gradient: is filled, shape (4,).
        hessian: is filled, shape (4, 4).

    Returns:
        The value.

    A customer's likelihood is Γ(r+x)/Γ(r) α^r · Γ(a+b)/Γ(b) · Γ(b+x)/Γ(a+b+x+1) · (gone + alive), where
    gone = a (α+last)^-(r+x) and alive = (b+x) (α+age)^-(r+x). Of one who is silent for the `window` after their age,
    that holds at age + window. Of one who is back within it (`back`), the likelihood is what silence up to its end
    takes from silence up to its beginning: the gone cancel, alive remains. Sums are by the parameters, at first.
    """
    x, last, age, back, share, values, by_value = sample
    r, alpha, a, b = exp(logs[0]), exp(logs[1]), exp(logs[2]), exp(logs[3])
    fall = 0.0  # the log-likelihood
    g_r, g_alpha, g_a, g_b = 0.0, 0.0, 0.0, 0.0
    h_rr, h_ralpha, h_alpha, h_aa, h_ab, h_bb = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    cross = np.zeros((4, 4))

    at_r, at_b, at_both = gammas(r), gammas(b), gammas(a + b)
    for i in range(len(values)):
        n, w = values[i], by_value[i]
        rate, stay, stop = gammas(r + n), gammas(b + n), gammas(a + b + n + 1.0)
        fall += w * ((rate[0] - at_r[0]) + (stay[0] - at_b[0]) - (stop[0] - at_both[0]))
        g_r += w * (rate[1] - at_r[1])
        h_rr += w * (rate[2] - at_r[2])
        g_a -= w * (stop[1] - at_both[1])
        h_aa -= w * (stop[2] - at_both[2])
        g_b += w * ((stay[1] - at_b[1]) - (stop[1] - at_both[1]))
        h_bb += w * ((stay[2] - at_b[2]) - (stop[2] - at_both[2]))
        h_ab -= w * (stop[2] - at_both[2])

    log_alpha = ln(alpha)
    step = np.zeros(4)
    for i in range(len(x)):
        w, c = share[i], r + x[i]
        if back[i]:
            begin, end = alpha + age[i], alpha + age[i] + window
            span, slope_of, curve_of = (
                ln(end / begin),
                1.0 / end - 1.0 / begin,
                1.0 / (begin * begin) - 1.0 / (end * end),
            )
            k = 1.0 / (exp(c * span) - 1.0)
            kk = k * (1.0 + k)
            fall += w * (r * log_alpha + ln(b + x[i]) - c * ln(begin) + ln(1.0 - exp(-c * span)))
            g_r += w * (log_alpha - ln(begin) + k * span)
            g_alpha += w * (r / alpha - c / begin + k * c * slope_of)
            g_b += w / (b + x[i])
            h_bb -= w / ((b + x[i]) * (b + x[i]))
            cross[0, 0] -= w * kk * span * span
            h_ralpha += w * (1.0 / alpha - 1.0 / begin + k * slope_of - kk * span * c * slope_of)
            h_alpha += w * (
                c / (begin * begin) - r / (alpha * alpha) + k * c * curve_of - kk * c * c * slope_of * slope_of
            )
            continue
        early, late = alpha + last[i], alpha + age[i] + window
        log_early, log_late = ln(early), ln(late)
        gone, alive = logs[2] - c * log_early, ln(b + x[i]) - c * log_late
        high = max(gone, alive)
        odd = exp(min(gone, alive) - high)
        fall += w * (r * log_alpha + high + ln(1.0 + odd))
        p_gone = 1.0 / (1.0 + odd) if gone >= alive else odd / (1.0 + odd)
        p_alive = odd / (1.0 + odd) if gone >= alive else 1.0 / (1.0 + odd)
        g_r += w * (log_alpha - p_gone * log_early - p_alive * log_late)
        g_alpha += w * (r / alpha - c * (p_gone / early + p_alive / late))
        g_a += w * p_gone / a
        g_b += w * p_alive / (b + x[i])
        h_ralpha += w * (1.0 / alpha - p_gone / early - p_alive / late)
        h_alpha += w * (c * (p_gone / (early * early) + p_alive / (late * late)) - r / (alpha * alpha))
        h_aa -= w * p_gone / (a * a)
        h_bb -= w * p_alive / ((b + x[i]) * (b + x[i]))
        # The variance, over gone or alive, of the slope of the logarithm of the two.
        step[0], step[1] = log_late - log_early, c / late - c / early
        step[2], step[3] = 1.0 / a, -1.0 / (b + x[i])
        spread = w * p_gone * p_alive
        for j in range(4):
            for k in range(j + 1):
                cross[j, k] += spread * step[j] * step[k]

    cross[0, 0] += h_rr
    cross[1, 0] += h_ralpha
    cross[1, 1] += h_alpha
    cross[2, 2] += h_aa
    cross[3, 2] += h_ab
    cross[3, 3] += h_bb
    slope = (g_r * r, g_alpha * alpha, g_a * a, g_b * b)
    scale = (r, alpha, a, b)
    penalty = 0.0
    for j in range(4):
        off = logs[j] - prior[j]
        penalty += ridges[j] * off * off
        gradient[j] = 2.0 * ridges[j] * off - slope[j]
        for k in range(j + 1):
            hessian[j, k] = hessian[k, j] = -cross[j, k] * scale[j] * scale[k]
        hessian[j, j] += 2.0 * ridges[j] - slope[j]
    return penalty - fall
