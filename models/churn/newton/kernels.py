"""Compiled arithmetic of online Newton learning: extended-Kalman steps in square-root form.

The covariance P of the weights is kept as R Rᵀ, with R upper triangular, and a step changes R (Carlson 1973, "Fast
triangular formulation of the square root filter", AIAA Journal 11). It is the same step as P −= k kᵀ q / s, at the
same cost; but P stays symmetric and no variance falls below zero, whatever the features. By subtraction one can: with
two nearly equal columns of 1e8 it does, and the weights come out fifty times too large.

R is packed column after column, rows 0 to j of column j from j (j + 1) / 2 on: a new feature is one more column.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from models.numerics.compiled import compiled
from models.numerics.maths import exp

LOGIT = 0
CLOGLOG = 1
"""Links: ln(p / (1 − p)), and the complementary log-log ln(−ln(1 − p))."""

MOST_LOGIT = 15.0
LEAST_CLOGLOG, MOST_CLOGLOG = -12.0, 2.5
"""Bounds of the linear predictor. With them p stays between 3e-7 and 1 − 3e-7 (logit), or 6e-6 and 1 − 5e-6."""

MOST = 1e100
"""Largest size of an input: its square, times anything that a state holds, is still a float64."""


@compiled
def probability(link: int, eta: float) -> float:
    """Probability of the class True at the linear predictor, which is clipped to the link's bounds."""
    if link == CLOGLOG:
        return 1.0 - exp(-exp(min(max(eta, LEAST_CLOGLOG), MOST_CLOGLOG)))
    return 1.0 / (1.0 + exp(-min(max(eta, -MOST_LOGIT), MOST_LOGIT)))


@compiled
def slope_and_curvature(link: int, eta: float, label: float) -> tuple[float, float]:
    """Of the log-likelihood of `label` (0 or 1): its derivative by eta, and its expected information at eta."""
    p = probability(link, eta)
    if link == CLOGLOG:
        e = exp(min(max(eta, LEAST_CLOGLOG), MOST_CLOGLOG))
        m = e * exp(-e)
        v = p * (1.0 - p)
        return (label - p) * m / v, m * m / v
    return label - p, p * (1.0 - p)


@compiled
def probabilities(link: int, etas: Any, out: Any) -> None:
    for row in range(etas.shape[0]):
        out[row] = probability(link, etas[row])


@compiled
def lay(row: Any, intercept: int, x: Any) -> None:
    """A row as the state sees it: the intercept's one (`intercept` is 1 or 0), the row, zeros for what it lacks."""
    if intercept:
        x[0] = 1.0
    for i in range(row.shape[0]):
        x[intercept + i] = row[i]
    for i in range(intercept + row.shape[0], x.shape[0]):
        x[i] = 0.0


@compiled
def linear(weights: Any, x: Any, offset: float) -> float:
    """offset + w·x, in the order of the state."""
    eta = offset
    for i in range(weights.shape[0]):
        eta += weights[i] * x[i]
    return eta


@compiled
def variance(root: Any, x: Any) -> float:
    """x′Px, never below zero."""
    found, at = 0.0, 0
    for j in range(x.shape[0]):
        part = 0.0
        for i in range(j + 1):
            part += root[at + i] * x[i]
        found += part * part
        at += j + 1
    return found


@compiled
def learn_row(
    link: int, weights: Any, root: Any, x: Any, label: float, offset: float, share: float, workspace: Any
) -> None:
    """One example, `share` times: w += k g / s and P −= k kᵀ q / s, where k = P x and s = 1 + q x·k.

    Args:
        link: which link function, see `slope_and_curvature`.
        weights: w, shape (size,); changed.
        root: the packed triangular root of P, shape (size · (size + 1) / 2,); changed.
        x: the row as laid out by `lay`, shape (size,).
        label: what came.
        offset: is added to w·x.
        share: how much of the example is learned, above zero.
        workspace: to calculate in, shape (size,).
    """
    g, q = slope_and_curvature(link, linear(weights, x, offset), label)
    newton_step(weights, root, x, g, q, share, workspace)


@compiled
def newton_step(weights: Any, root: Any, x: Any, g: float, q: float, share: float, workspace: Any) -> None:
    """The step of `learn_row`, whatever the likelihood: g is its slope, q its expected information, by w·x."""
    lift = sqrt(q * share)
    # After column j: s is 1 + q x′Px, and room is lift · P x, both as far as columns 0 to j make them.
    s, s_root, at = 1.0, 1.0, 0
    for j in range(weights.shape[0]):
        f = 0.0
        for i in range(j + 1):
            f += root[at + i] * x[i]
        f *= lift
        s += f * f
        s_root_now = sqrt(s)
        keep, take = s_root / s_root_now, f / (s_root * s_root_now)
        workspace[j] = 0.0
        for i in range(j + 1):
            r = root[at + i]
            root[at + i] = keep * r - take * workspace[i]
            workspace[i] += f * r
        s_root = s_root_now
        at += j + 1
    gain = g * share / (lift * s)
    for i in range(weights.shape[0]):
        weights[i] += gain * workspace[i]


@compiled
def learn_rows(
    link: int, weights: Any, root: Any, rows: Any, intercept: int, labels: Any, offsets: Any, shares: Any
) -> None:
    """`learn_row` for each row in order.

    Args:
        link, weights, root: as there.
        rows: shape (rows, any), without the intercept's one.
        intercept: 1 where the state has an intercept, 0 where it has none.
        labels: shape (rows,).
        offsets: one number a row, or none at all.
        shares: how much of each row is learned, one a row, or one for all; above zero.
    """
    x, workspace = np.empty(weights.shape[0]), np.empty(weights.shape[0])
    for row in range(rows.shape[0]):
        lay(rows[row], intercept, x)
        offset = offsets[row] if offsets.shape[0] else 0.0
        share = shares[row] if shares.shape[0] > 1 else shares[0]
        learn_row(link, weights, root, x, labels[row], offset, share, workspace)


@compiled
def linear_rows(weights: Any, rows: Any, intercept: int, offsets: Any, out: Any) -> None:
    """`linear` for each row.

    Args:
        weights: w, shape (size,).
        rows, intercept, offsets: as for `learn_rows`.
        out: is filled, shape (rows,).
    """
    x = np.empty(weights.shape[0])
    for row in range(rows.shape[0]):
        lay(rows[row], intercept, x)
        out[row] = linear(weights, x, offsets[row] if offsets.shape[0] else 0.0)


@compiled
def variance_rows(root: Any, rows: Any, intercept: int, size: int, out: Any) -> None:
    """`variance` for each row.

    Args:
        root: the packed triangular root of P, shape (size · (size + 1) / 2,).
        rows, intercept: as for `learn_rows`.
        size: of the state, with its intercept.
        out: is filled, shape (rows,).
    """
    x = np.empty(size)
    for row in range(rows.shape[0]):
        lay(rows[row], intercept, x)
        out[row] = variance(root, x)


@compiled
def widen(root: Any, added: Any) -> None:
    """P += diag(added), by Givens rotations (Golub and Van Loan, "Matrix Computations", 6.5): nothing is subtracted."""
    workspace = np.empty(added.shape[0])
    for k in range(added.shape[0]):
        for i in range(k):
            workspace[i] = 0.0
        workspace[k] = sqrt(added[k])
        for j in range(k, -1, -1):
            at = j * (j + 1) // 2
            a, b = root[at + j], workspace[j]
            if b == 0.0:
                continue
            long = sqrt(a * a + b * b)
            c, s = a / long, b / long
            for i in range(j):
                r = root[at + i]
                root[at + i] = c * r + s * workspace[i]
                workspace[i] = c * workspace[i] - s * r
            root[at + j] = long


@compiled
def square(root: Any, out: Any) -> None:
    """P = R Rᵀ into `out`, shape (size, size), both triangles from the same sums."""
    size = out.shape[0]
    for i in range(size):
        for j in range(i, size):
            entry = 0.0
            for column in range(j, size):
                at = column * (column + 1) // 2
                entry += root[at + i] * root[at + j]
            out[i, j] = entry
            out[j, i] = entry


@compiled
def first_refused(values: Any) -> int:
    """The index of the first value that is no number or larger than MOST; -1 when there is none."""
    for slot in range(values.shape[0]):
        if not -MOST <= values[slot] <= MOST:
            return slot
    return -1
