"""Expected purchase days of a horizon: the next one by the churn model's silence curve, what follows it by MBG/NBD.

With the churn model's groups of ticks g, their widths and their features x_g (models.churn.mixture.probability), the
probability that silence lasts beyond group g is

    S_g = exp(-f Σ_{k <= g} width_k exp(w·x_k)),    f so that S at the horizon is the model's own probability of churn,

which brings in MBG/NBD's share, the direct learner and the level. Whoever buys in group g, at its middle u_g, is from
then on as MBG/NBD sees a customer who has just bought:

    n = Σ_g (S_{g-1} - S_g) (1 + M(x + 1, t_x = T = T + u_g; H - u_g)).

So the count is times the chance that they stay, by construction. M is the conditional expectation of MBG/NBD (Batislam,
Denizel and Filiztekin 2007): the rate is integrated exactly, P(alive) is 1 / (1 + R), and the expectation over the
dropout probability p ~ Beta(a, b + x + 1) is taken over the two points that have its mean, variance and skewness (a
Gauss rule of two nodes), in place of the Gaussian hypergeometric function: within half a percent of the integral at 91
days (tests/unit/models/value/test_value.py).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.probability import DAYS_A_WEEK, Mixture, Workspace, dot, hazard_of, quadrature
from models.features.basis import DAYS_COLUMN, RECENCY_COLUMN, TENURE_COLUMN
from models.numerics import maths
from models.numerics.compiled import LANES, compiled, inlined
from models.numerics.lanes import exp, ln

DAYS_A_YEAR: Final = 365.25
_LEAST_LEAVING, _MOST_LEAVING = 1e-6, 0.9999
_MOST_LOG_ODDS = 50.0
_LEAST_PROBABILITY = 1e-12


class Course(NamedTuple):
    """The horizon ahead in the churn model's groups of ticks, arrays of shape (groups,).

    widths: ticks. middles: weeks until the middle of each. now, later: what a purchase then, and what follows it until
    the horizon's end, is worth today (1 without a discount). horizon: weeks, shape (1,).
    """

    widths: NDArray[np.float64]
    middles: NDArray[np.float64]
    now: NDArray[np.float64]
    later: NDArray[np.float64]
    horizon: NDArray[np.float64]


def course_of(horizon_days: float, tick_days: float = DAYS_A_WEEK, discount: float = 0.0) -> Course:
    """The course of a horizon.

    Args:
        horizon_days, tick_days: as of the churn model's `quadrature`.
        discount: continuous rate a year. What follows a purchase is discounted to the middle of the time left.
    """
    widths, _ = quadrature(horizon_days, tick_days)
    ends = np.cumsum(widths)
    middles = (ends - 0.5 * widths) * tick_days / DAYS_A_WEEK
    weeks = horizon_days / DAYS_A_WEEK
    rate = discount * DAYS_A_WEEK / DAYS_A_YEAR
    now = [maths.exp(-rate * at) for at in middles.tolist()]
    later = [maths.exp(-rate * (at + 0.5 * (weeks - at))) for at in middles.tolist()]
    return Course(widths, middles, np.array(now), np.array(later), np.array([weeks]))


class Leaving(NamedTuple):
    """The two points of the dropout probability and the weight of the greater one, each of shape (LANES,)."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    weight: NDArray[np.float64]


@compiled
def two_points(b: Any, more: float, parameters: Any, points: Leaving) -> None:
    """The two-point rule of Beta(a, b + x + more), x the repeat purchase days of each lane of the bases `b`."""
    a = parameters[2]
    for lane in range(LANES):
        c = parameters[3] + max(b[DAYS_COLUMN, lane] - 1.0, 0.0) + more
        total = a + c
        mean = a / total
        sd = np.sqrt(mean * (1.0 - mean) / (total + 1.0))
        half = (c - a) * np.sqrt(total + 1.0) / ((total + 2.0) * np.sqrt(a * c))
        root = np.sqrt(half * half + 1.0)
        points.high[lane] = min(mean + sd * (half + root), _MOST_LEAVING)
        points.low[lane] = max(mean + sd * (half - root), _LEAST_LEAVING)
        points.weight[lane] = (root - half) / (2.0 * root)


@inlined
def bought(shape: float, p: float, ratio: float) -> float:
    """E[purchases | alive, p] of a Gamma(shape) rate: (1 - (1 + p ratio)^-shape) / p. ratio: time over α + T."""
    return (1.0 - exp(-shape * ln(1.0 + p * ratio))) / p


@compiled
def expected_by_mbg(b: Any, weeks: float, parameters: Any, points: Leaving, out: Any) -> None:
    """E[purchase days within so many weeks] by MBG/NBD alone, as the customers stand.

    Args:
        b: bases, shape (BASIS, LANES).
        weeks: from now on.
        parameters: r, alpha, a, b of the fit, shape (4,).
        points: to calculate in.
        out: takes the counts, shape (LANES,).
    """
    r, alpha, a = parameters[0], parameters[1], parameters[2]
    two_points(b, 1.0, parameters, points)
    for lane in range(LANES):
        x = max(b[DAYS_COLUMN, lane] - 1.0, 0.0)
        last = max(b[TENURE_COLUMN, lane] - b[RECENCY_COLUMN, lane], 0.0) / DAYS_A_WEEK
        age = max(b[TENURE_COLUMN, lane] / DAYS_A_WEEK, last)
        log_odds = ln(a / (parameters[3] + x)) + (r + x) * ln((alpha + age) / (alpha + last))
        ratio = weeks / (alpha + age)
        few, many = bought(r + x, points.high[lane], ratio), bought(r + x, points.low[lane], ratio)
        gone = exp(min(log_odds, _MOST_LOG_ODDS))
        out[lane] = (many + points.weight[lane] * (few - many)) / (1.0 + gone)


@compiled
def expected_visits(
    mixture: Mixture, work: Workspace, course: Course, parameters: Any, points: Leaving, out: Any, room: Any
) -> None:
    """E[purchase days of the horizon], from customers whom the churn model has scored in `work`.

    Args:
        mixture: the churn model.
        work: as `models.churn.mixture.probability.score` has left it. Its sums are calculated in.
        course: of the same horizon.
        parameters: r, alpha, a, b of MBG/NBD, shape (4,).
        points: to calculate in.
        out: takes the counts, shape (LANES,).
        room: to calculate in, shape (3, LANES).
    """
    r, alpha, a, beta = parameters[0], parameters[1], parameters[2], parameters[3]
    weeks = course.horizon[0]
    factor, cumulated, before = room[0], room[1], room[2]
    # After the next purchase there is one repeat day more.
    two_points(work.bases, 2.0, parameters, points)
    for lane in range(LANES):
        p = min(max(work.probabilities[lane], _LEAST_PROBABILITY), 1.0 - _LEAST_PROBABILITY)
        factor[lane] = -ln(p) / work.cumulated[lane]
        cumulated[lane], before[lane], out[lane] = 0.0, 1.0, 0.0
    for group in range(course.widths.shape[0]):
        dot(mixture.hazard, work.features[group], work.sums)
        middle, rest = course.middles[group], weeks - course.middles[group]
        for lane in range(LANES):
            cumulated[lane] += factor[lane] * course.widths[group] * hazard_of(work.sums[0, lane])
            after = exp(-cumulated[lane])
            x = max(work.bases[DAYS_COLUMN, lane] - 1.0, 0.0) + 1.0
            last = max(work.bases[TENURE_COLUMN, lane] - work.bases[RECENCY_COLUMN, lane], 0.0)
            age = max(work.bases[TENURE_COLUMN, lane], last) / DAYS_A_WEEK + middle
            ratio = rest / (alpha + age)
            few, many = bought(r + x, points.high[lane], ratio), bought(r + x, points.low[lane], ratio)
            # Just bought: the odds of being gone by now are those of leaving after a purchase.
            more = (many + points.weight[lane] * (few - many)) / (1.0 + a / (beta + x))
            out[lane] += (before[lane] - after) * (course.now[group] + course.later[group] * more)
            before[lane] = after
