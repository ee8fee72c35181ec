"""MBG/NBD's probability of churn, of bases side by side: what anchors the mixture while labels are few."""

from __future__ import annotations

from typing import Any, Final

from models.churn.mbg.fit import silent_probability
from models.features.basis import DAYS_COLUMN, RECENCY_COLUMN, TENURE_COLUMN
from models.numerics.compiled import LANES, linked

_WEEK: Final = 7.0


@linked
def anchor(b: Any, horizon: float, parameters: Any, out: Any) -> None:
    """The probability of no purchase within the horizon.

    Args:
        b: bases, shape (BASIS, LANES).
        horizon: weeks.
        parameters: r, alpha, a, b, shape (4,).
        out: takes the probabilities, shape (LANES,).
    """
    for lane in range(LANES):
        recency, tenure = b[RECENCY_COLUMN, lane], b[TENURE_COLUMN, lane]
        last = max(tenure - recency, 0.0) / _WEEK
        age = max(tenure, tenure - recency, 0.0) / _WEEK
        more = max(b[DAYS_COLUMN, lane] - 1.0, 0.0)
        out[lane] = silent_probability(more, last, age, horizon, parameters)
