"""The customer pyramid at the end of a log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from models.settings import DAY
from models.simulation.value import Valued
from models.value.pyramid import SHARES, Histogram
from models.value.tiers import Tier, Worth, tiers_of
from streams.history.evaluation.run import Prepared
from streams.history.evaluation.values import Placing, values


class Pyramid(NamedTuple):
    """What `retention pyramid` tells, wherever it comes from.

    time: of which it is, ms. horizon_days: that values look ahead, and spend back. tiers: from the highest down.
    histogram: of the customers' values. cuts: lowest buckets of all tiers but the lowest.
    """

    time: int
    horizon_days: float
    tiers: list[Tier]
    histogram: Histogram
    cuts: list[int]


def pyramid_of_log(
    prepared: Prepared,
    on_tick: Callable[[Valued], None],
    shares: Sequence[float] = SHARES,
    margin: float = 1.0,
    discount: float = 0.0,
) -> Pyramid:
    """The pyramid at a log's last tick.

    Args:
        prepared: the log.
        on_tick: hears of each tick.
        shares: of the customers, from the top, of all tiers but the lowest; rising.
        margin: what is left of a unit of spend.
        discount: continuous rate a year.

    Raises:
        NothingToEvaluate: the log is over before its first tick.
    """
    placing = Placing(shares)
    found = values(prepared, on_tick, discount=discount)
    for valued in found.ticks:
        placed, _ = placing.place(valued)
    last, horizon = found.ticks[-1], prepared.settings.horizon
    at = np.full(len(last.customers), last.tick)
    spent = found.spending.net(last.customers, at - horizon, at)
    worth = Worth(placed, last.values, last.if_kept, last.probabilities, spent)
    tiers = tiers_of(worth, placing.cuts, margin)
    return Pyramid(last.tick, horizon / DAY, tiers, placing.histogram, placing.cuts)
