"""What another policy would have brought, from decisions whose chances are known.

Three estimates from rows of (what was done, its chance, what came), with the target policy's own chance of what was
done: inverse propensity scores (IPS), the same divided by the mean weight (SNIPS; Swaminathan and Joachims 2015, "The
self-normalized estimator for counterfactual learning", NeurIPS), and doubly robust (DR; Dudík, Langford and Li 2011,
"Doubly robust policy evaluation and learning", ICML) with an expectation that knows earlier rows only. A policy that
does what was hardly ever done can't be judged: the effective number of rows says so.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_SHARE: Final = 0.05
LEAST_ROWS: Final = 200
"""Effective rows, as a share of all and in number, below which there is no overlap: a few heavy rows decide."""
MOST_UNSUPPORTED: Final = 0.01
"""Of a target policy's chances on what had no chance in the log: above it nothing is estimated."""
FAR: Final = 3.0
"""Standard errors by which the mean weight may miss one. More says that chances are not those of the draw."""


class Value(NamedTuple):
    """Of a target policy, what a row brings; with standard errors.

    ess: effective rows, (sum of weights)² over the sum of their squares. mean_weight: one, but for chance, where the
    log's chances are true and the target does nothing that had none. unsupported: the target's mean chance of what had
    none in the log.
    """

    ips: float
    ips_se: float
    snips: float
    snips_se: float
    dr: float
    dr_se: float
    ess: float
    mean_weight: float
    mean_weight_se: float
    unsupported: float
    n: int

    @property
    def overlap(self) -> bool:
        """Whether it can be judged at all."""
        return self.ess >= max(LEAST_SHARE * self.n, LEAST_ROWS) and self.unsupported <= MOST_UNSUPPORTED

    @property
    def fits(self) -> bool:
        """Whether the mean weight is one, as far as can be told."""
        return abs(self.mean_weight - 1.0) <= FAR * self.mean_weight_se + 1e-12


def weights(chosen: Floats, propensities: Floats) -> Floats:
    """chosen: the target's chance of what was done, shape (rows,). propensities: the log's."""
    found: Floats = chosen / propensities
    return found


def value(
    weighed: Floats,
    rewards: Floats,
    expected: Floats,
    expected_done: Floats,
    unsupported: float = 0.0,
) -> Value:
    """Columns of shape (rows,), of at least one row.

    Args:
        weighed: the target's chance of what was done over the log's.
        rewards: what came.
        expected: what the target is expected to bring, by earlier rows: the sum of its chances times expectations.
        expected_done: what was expected of what was done.
    """
    n = len(rewards)
    total, squares = float(weighed.sum()), float((weighed * weighed).sum())
    gained = weighed * rewards
    corrected = expected + weighed * (rewards - expected_done)
    if total > 0.0:
        snips = float(gained.sum()) / total
        snips_se = float(np.sqrt((weighed * weighed * (rewards - snips) ** 2).sum())) / total
    else:
        snips = snips_se = float("nan")
    return Value(
        *_mean(gained),
        snips,
        snips_se,
        *_mean(corrected),
        total * total / squares if squares > 0.0 else 0.0,
        *_mean(weighed),
        unsupported,
        n,
    )


def difference(one: Floats, other: Floats, rewards: Floats) -> tuple[float, float]:
    """SNIPS of one policy less that of another on the same rows, and its standard error. one, other: their weights.

    Much of the chance is the same in both, so that it is surer than their two errors say.
    """
    parts = []
    for weighed in (one, other):
        total = float(weighed.sum())
        if total <= 0.0:
            return float("nan"), float("nan")
        mean = float((weighed * rewards).sum()) / total
        parts.append((mean, weighed * (rewards - mean) / total))
    (first, moved), (second, moved_too) = parts
    return first - second, float(np.sqrt(((moved - moved_too) ** 2).sum()))


def _mean(values: Floats) -> tuple[float, float]:
    n = len(values)
    mean = float(values.mean())
    return mean, float(np.sqrt(((values - mean) ** 2).sum() / n / max(n - 1, 1)))
