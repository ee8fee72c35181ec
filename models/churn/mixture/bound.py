"""A bound of the risk between two moments of one silence: what saves most customers a closer look."""

from __future__ import annotations

from typing import Any, Final

from models.churn.mixture.probability import (
    SHARE_OF_DIRECT,
    Mixture,
    Workspace,
    hazard_of,
    logit_of_none,
    pooled,
)
from models.features.columns import LOG_RECENCY, RENEWAL, SPREAD, WIDTH
from models.numerics.compiled import LANES, inlined, linked

_ROUNDING: Final = 1e-6
"""Of probabilities, from bases being float32."""
_MOST_OVERSHOOT: Final = 1.0
_CURVATURE: Final = 0.1
"""The most by which `renewal`, which has one peak, is higher within a stretch than at both its ends; and that share of
the square of how many of a gap's standard deviations the stretch is long. Both rounded up from what there can be."""


@inlined
def overshoot(before: float, after: float, spread: float) -> float:
    """An upper bound of how far `renewal` may be, between two logs of recency, above its values at both."""
    gaps = (after - before) / spread
    return min(_CURVATURE * gaps * gaps, _MOST_OVERSHOOT)


@linked
def highest_probability(mixture: Mixture, here: Workspace, there: Workspace, out: Any) -> None:
    """Upper bounds, into `out`, shape (LANES,), of the probability between two moments, a week apart at most.

    All features but one are monotone in silence: each counts with that of its two values which makes for more risk.

    Args:
        mixture: the scorer.
        here, there: what was scored at the two moments (`score`). The sums of `there` are calculated in.
    """
    sums = there.sums
    cumulated, correction = sums[2], sums[3]
    for lane in range(LANES):
        cumulated[lane], correction[lane] = 0.0, 0.0
    least = min(mixture.hazard[RENEWAL], 0.0)
    for group in range(mixture.rolls.shape[0]):
        x, y = here.features[group], there.features[group]
        for lane in range(LANES):
            sums[0, lane], sums[1, lane] = 0.0, 0.0
        for i in range(0, WIDTH, 2):
            w, v = mixture.hazard[i], mixture.hazard[i + 1]
            for lane in range(LANES):
                sums[0, lane] += min(w * x[i, lane], w * y[i, lane])
                sums[1, lane] += min(v * x[i + 1, lane], v * y[i + 1, lane])
        for lane in range(LANES):
            over = overshoot(x[LOG_RECENCY, lane], y[LOG_RECENCY, lane], x[SPREAD, lane])
            eta = sums[0, lane] + (sums[1, lane] + least * over)
            cumulated[lane] += mixture.widths[group] * hazard_of(eta)
    x, y = here.features[0], there.features[0]
    for i in range(WIDTH):
        w = mixture.direct[i]
        for lane in range(LANES):
            correction[lane] += max(w * x[i, lane], w * y[i, lane])
    most = max(mixture.direct[RENEWAL], 0.0)
    for lane in range(LANES):
        correction[lane] += most * overshoot(x[LOG_RECENCY, lane], y[LOG_RECENCY, lane], x[SPREAD, lane])
    for lane in range(LANES):
        learners = logit_of_none(cumulated[lane]) + SHARE_OF_DIRECT * correction[lane]
        by_mbg = max(here.anchors[lane], there.anchors[lane])
        out[lane] = pooled(learners, by_mbg, mixture.blend) + _ROUNDING
