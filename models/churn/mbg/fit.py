"""Fits MBG/NBD, a purchase-count model that anchors the level of churn without labels.

A customer buys at a rate λ while alive, and after each purchase, the first one included, leaves for good with
probability p; λ is Gamma(r, α) and p is Beta(a, b) over the customers. Batislam, Denizel and Filiztekin (2007),
"Empirical validation and comparison of models for customer base analysis", International Journal of Research in
Marketing 24; Hoppe and Wagner (2007), "Customer base analysis: the case for a central variant of the Betageometric/NBD
model", Marketing JRM 29.

All of a customer that counts are three numbers, in columns of shape (customers,): `x`, the purchases after the first
one, on different days; `last`, when the latest was (the papers' t_x), and `age`, how long ago the first was (their T),
both in weeks since the first purchase, 0 ≤ last ≤ age.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.churn.mbg.likelihood import Sample, objective
from models.numerics.compiled import compiled, inlined
from models.numerics.lanes import exp, ln

Column = NDArray[np.float64]


class MbgParameters(NamedTuple):
    """Shape and scale of the purchase rate, Gamma(r, alpha / week); shapes of the dropout probability, Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


class MbgPrior(NamedTuple):
    """What is believed of the parameters before any customer: their medians, and the standard deviation of the log of
    each (infinite: nothing)."""

    medians: MbgParameters
    spreads: tuple[float, float, float, float] = (0.4, 0.4, 2.0, 2.0)


PRIOR = MbgPrior(MbgParameters(r=0.5, alpha=6.5, a=0.4, b=1.0))
"""Of a horizon of 13 weeks."""

FLAT = PRIOR._replace(spreads=(inf, inf, inf, inf))
"""With it a fit is maximum likelihood within the bounds."""


def prior_of(horizon: float) -> MbgPrior:
    """The prior for a horizon in weeks: who states one states the time scale on which silence means something."""
    return PRIOR._replace(medians=PRIOR.medians._replace(alpha=0.5 * horizon))


LEAST_LOG, MOST_LOG = -8.0, 8.0
"""Bounds of the log parameters, which then neither overflow nor leave numbers of use."""

_MOST_STEPS = 100
_LAST_GAIN = 1e-12  # of the mean log-likelihood: the step that promises less is the last one, and exact to nine digits
_LONGEST = 2.0  # step per log parameter: the quadratic model is not good for more than that
_LEAST_DAMPING = 1e-5


class Customers(NamedTuple):
    """Customers of a fit, as columns of shape (customers,).

    Attributes:
        x: repeat purchases, a count.
        last: time of the last purchase, weeks since the first.
        age: weeks since the first purchase.
        back: whether a purchase came in the `window` after `age`; None where nothing after it is known.
        window: weeks.
        weights: by how many customers each row counts, by default 1.
    """

    x: ArrayLike
    last: ArrayLike
    age: ArrayLike
    back: ArrayLike | None = None
    window: float = 0.0
    weights: ArrayLike | None = None


def fit(
    customers: Customers, prior: MbgPrior = PRIOR, worth: float | None = None, start: MbgParameters | None = None
) -> MbgParameters:
    """Maximum a posteriori parameters, by Newton's method with exact derivatives on the log parameters.

    Args:
        customers: their order changes last digits only.
        prior: medians of the parameters, and spreads of their logs.
        worth: how many independent customers they count as all together, by default as many as they are. Customers
            share the weather, the season and our own campaigns, so that a week of all of them tells less than their
            number says (a tempered likelihood: Bissiri, Holmes and Walker 2016, "A general framework for updating
            belief distributions", JRSS B 78).
        start: parameters to begin at, such as those of the fit before.

    Equal arguments give equal bits on every CPU. Customers of no weight in all give the prior's medians.

    Raises:
        ValueError: columns of different lengths, or numbers that no customer has.
    """
    sample, weight = _sample_of(customers)
    if not weight:
        return prior.medians
    logs = np.array([min(max(ln(parameter), LEAST_LOG), MOST_LOG) for parameter in start or prior.medians])
    if not np.isfinite(logs).all():
        raise ValueError(f"a fit can't start at {start}")
    medians, ridges = _ridges(prior, weight if worth is None else worth)
    _minimise(logs, medians, ridges, customers.window, sample)
    return MbgParameters(*(exp(parameter) for parameter in logs.tolist()))


def log_likelihood(parameters: MbgParameters, customers: Customers) -> float:
    """Log-likelihood of the customers, summed. Raises ValueError as `derivatives` does."""
    return -derivatives(parameters, customers, FLAT)[0]


def derivatives(
    parameters: MbgParameters, customers: Customers, prior: MbgPrior = PRIOR, worth: float | None = None
) -> tuple[float, Column, Column]:
    """The negative log posterior, up to a constant, its gradient (4,) and Hessian (4, 4) by the log parameters.

    What covariance of the log parameters follows: `covariance`. Raises ValueError as `fit` does, and when there are no
    customers.
    """
    sample, weight = _sample_of(customers)
    if not weight:
        raise ValueError("there are no customers, or none of any weight")
    total = weight if worth is None else worth
    gradient, hessian = np.empty(4), np.empty((4, 4))
    logs = np.array([ln(parameter) for parameter in parameters])
    value = objective(logs, *_ridges(prior, total), customers.window, sample, gradient, hessian)
    return total * value, total * gradient, total * hessian


def covariance(
    parameters: MbgParameters, customers: Customers, prior: MbgPrior = PRIOR, worth: float | None = None
) -> Column:
    """Covariance (4, 4) of the log parameters about a fit: Laplace's approximation, the inverse of the Hessian.

    In no direction are the customers taken to make less sure than the prior alone: the Hessian's eigenvalues, in units
    of the prior's spreads, count as 1 at least. They are less where the likelihood bends the other way, as it may far
    from its peak, when many customers came after the fit or fell silent at once. The bare inverse has variances below
    zero then, or is none.

    prior: with finite spreads. Raises ValueError as `derivatives` does.
    """
    spreads = np.array(prior.spreads)
    units = np.outer(spreads, spreads)
    values, vectors = np.linalg.eigh(derivatives(parameters, customers, prior, worth)[2] * units)
    found: Column = (vectors / np.maximum(values, 1.0)) @ vectors.T * units
    return found


def _ridges(prior: MbgPrior, total: float) -> tuple[Column, Column]:
    """The prior as `objective` reads it: the logs of its medians, and half its precisions, a customer's share."""
    medians = np.array([ln(parameter) for parameter in prior.medians])
    return medians, np.array([0.5 / (spread * spread * total) for spread in prior.spreads])


@inlined
def silent_probability(x: float, last: float, age: float, horizon: float, parameters: Any) -> float:
    """Probability that a customer makes no purchase within `horizon` from now.

    The odds of being gone by now are R = a / (b + x) · ((α + age) / (α + last))^(r + x); a customer who is not gone
    stays silent with probability ((α + age) / (α + age + horizon))^(r + x). Finite for whatever a customer has, and
    never 0/0.

    Args:
        x: repeat purchases, a count.
        last: time of the last purchase, weeks since the first.
        age: weeks from the first purchase to now.
        horizon: weeks.
        parameters: (r, alpha, a, b), as MbgParameters or an array of shape (4,).

    Returns:
        The probability, in [0, 1].
    """
    r, alpha, a, b = parameters[0], parameters[1], parameters[2], parameters[3]
    odds = ln(a / (b + x)) + (r + x) * ln((alpha + age) / (alpha + last))
    silent = exp(-(r + x) * ln((alpha + age + horizon) / (alpha + age)))
    # R or 1 / R, the one of them that can't overflow.
    small = exp(-odds if odds > 0.0 else odds)
    gone, other = (1.0, small) if odds > 0.0 else (small, 1.0)
    return (gone + silent * other) / (gone + other)


def silent_probabilities(
    x: ArrayLike, last: ArrayLike, age: ArrayLike, horizon: float, parameters: MbgParameters
) -> Column:
    """`silent_probability` of many customers: the same bits.

    Args:
        x, last, age: as there, each of shape (customers,).
        horizon: weeks.
        parameters: of a fit.

    Returns:
        Probabilities, shape (customers,).

    Raises:
        ValueError: columns of different shapes.
    """
    counts, lasts, ages = _columns(x, last, age)
    out = np.empty(len(counts))
    _silent_probabilities(counts, lasts, ages, float(horizon), np.array(parameters, dtype=np.float64), out)
    return out


def _columns(*columns: ArrayLike) -> list[Column]:
    found = [np.ascontiguousarray(column, dtype=np.float64) for column in columns]
    shapes = [column.shape for column in found]
    if len(shapes[0]) != 1 or len(set(shapes)) > 1:
        raise ValueError(f"columns of different shapes: {shapes}")
    return found


@compiled
def _silent_probabilities(x: Any, last: Any, age: Any, horizon: float, parameters: Any, out: Any) -> None:
    for row in range(len(x)):
        out[row] = silent_probability(x[row], last[row], age[row], horizon, parameters)


def _sample_of(customers: Customers) -> tuple[Sample, float]:
    """Customers as `objective` reads them, and their weight in all."""
    size = np.shape(customers.x)
    weights = np.ones(size) if customers.weights is None else np.array(customers.weights, dtype=np.float64)
    counts, lasts, ages, shares = _columns(customers.x, customers.last, customers.age, weights)
    back = np.zeros(size, dtype=np.bool_) if customers.back is None else np.array(customers.back, dtype=np.bool_)
    if back.shape != counts.shape:
        raise ValueError(f"columns of different shapes: {[counts.shape, back.shape]}")
    if back.any() and not customers.window > 0.0:
        raise ValueError(f"nobody is back within a window of {customers.window}")
    possible = (counts >= 0.0) & (lasts >= 0.0) & (lasts <= ages) & (shares >= 0.0)
    possible &= np.isfinite(counts) & np.isfinite(ages) & np.isfinite(shares)
    if not possible.all():
        row = int(np.argmin(possible))
        numbers = [float(column[row]) for column in (counts, lasts, ages, shares)]
        raise ValueError(f"row {row} is no customer: x, last, age, weight = {numbers}")
    values, position = np.unique(counts, return_inverse=True)
    by_value = np.zeros(len(values))
    total = _share(shares, position, by_value)
    return Sample(counts, lasts, ages, back, shares, values, by_value), total


@compiled
def _share(weights: Any, position: Any, by_value: Any) -> float:
    """Weights to shares of their total, in place, and the shares by `position`. Gives the total."""
    total = 0.0
    for row in range(len(weights)):
        total += weights[row]
    for row in range(len(weights)):
        weights[row] = weights[row] / total if total > 0.0 else 0.0
        by_value[position[row]] += weights[row]
    return total


@compiled
def _newton_step(gradient: Any, hessian: Any, held: Any, damping: float, factor: Any, step: Any) -> bool:
    """Solve (hessian + damping) step = -gradient over what is not held, by Cholesky. False: not positive definite."""
    for j in range(4):
        for k in range(j + 1):
            entry = hessian[j, k] if not (held[j] or held[k]) else 0.0
            if j == k:
                entry = 1.0 if held[j] else entry + damping
            for m in range(k):
                entry -= factor[j, m] * factor[k, m]
            if j > k:
                factor[j, k] = entry / factor[k, k]
            elif entry > 1e-12:
                factor[j, j] = sqrt(entry)
            else:
                return False
    for j in range(4):
        entry = 0.0 if held[j] else -gradient[j]
        for m in range(j):
            entry -= factor[j, m] * step[m]
        step[j] = entry / factor[j, j]
    for back in range(4):
        j = 3 - back
        for m in range(j + 1, 4):
            step[j] -= factor[m, j] * step[m]
        step[j] /= factor[j, j]
    return True


@compiled
def _minimise(
    logs: Any,
    prior: Any,
    ridges: Any,
    window: float,
    sample: Any,
) -> None:
    """Damped Newton within the bounds (Levenberg-Marquardt's damping; Nocedal and Wright, Numerical Optimization,
    chapters 10 and 16), in place. A parameter at its bound with the slope against it is held for the step."""
    gradient, hessian, factor = np.zeros(4), np.zeros((4, 4)), np.zeros((4, 4))
    next_gradient, next_hessian = np.zeros(4), np.zeros((4, 4))
    step, trial, held = np.zeros(4), np.zeros(4), np.zeros(4, dtype=np.bool_)
    value = objective(logs, prior, ridges, window, sample, gradient, hessian)
    damping = 0.0
    for _ in range(_MOST_STEPS):
        for j in range(4):
            held[j] = (logs[j] <= LEAST_LOG and gradient[j] > 0.0) or (logs[j] >= MOST_LOG and gradient[j] < 0.0)
        if not _newton_step(gradient, hessian, held, damping, factor, step):
            damping = max(4.0 * damping, _LEAST_DAMPING)
            continue
        gain = 0.0
        for j in range(4):
            gain -= gradient[j] * step[j]
            trial[j] = min(max(logs[j] + min(max(step[j], -_LONGEST), _LONGEST), LEAST_LOG), MOST_LOG)
        found = objective(trial, prior, ridges, window, sample, next_gradient, next_hessian)
        if found > value and gain > _LAST_GAIN:
            damping = max(4.0 * damping, _LEAST_DAMPING)
            continue
        value = found
        for j in range(4):
            logs[j], gradient[j] = trial[j], next_gradient[j]
            for k in range(4):
                hessian[j, k] = next_hessian[j, k]
        if gain <= _LAST_GAIN and damping < _LEAST_DAMPING:
            return
        damping = damping / 8.0 if damping > _LEAST_DAMPING else 0.0
