"""What the tiers of the pyramid hold: customers, their value, what is at risk, and what they spent.

Sums alone, by tier, so that parts of the customers add up: a log's end gives them, and so can shards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.value.pyramid import value_of


class Worth(NamedTuple):
    """Customers at one moment, in columns of shape (customers,).

    tiers: 0 the highest. values: expected net spend of the horizon. if_kept: the same, if they buy again within it.
    probabilities: of churn. spent: net spend of the horizon before.
    """

    tiers: NDArray[np.int64]
    values: NDArray[np.float64]
    if_kept: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    spent: NDArray[np.float64]


class Tier(NamedTuple):
    """One tier, from the highest down.

    from_value: where it begins, in the currency of the log. customers: how many. value, spent: sums. at_risk: what is
    lost of their value if those leave who are expected to, Σ p · worth if kept. churn: Σ p, the customers who are
    expected to leave. value and at_risk are margins where a margin was given.
    """

    from_value: float
    customers: int
    value: float
    at_risk: float
    churn: float
    spent: float


def tiers_of(worth: Worth, cuts: Sequence[int], margin: float = 1.0) -> list[Tier]:
    """The tiers of customers.

    Args:
        worth: the customers.
        cuts: lowest buckets of all tiers but the lowest, from the top (`models.value.pyramid.Histogram.cuts`).
        margin: what is left of a unit of spend, from 0 to 1.
    """
    found = []
    for tier, cut in enumerate([*cuts, 0]):
        rows = worth.tiers == tier
        p, kept = worth.probabilities[rows], worth.if_kept[rows]
        found.append(
            Tier(
                value_of(cut),
                int(rows.sum()),
                margin * float(worth.values[rows].sum()),
                margin * float((p * kept).sum()),
                float(p.sum()),
                float(worth.spent[rows].sum()),
            )
        )
    return found
