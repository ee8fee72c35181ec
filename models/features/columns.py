"""Features of the churn model as columns, computed from a matrix of bases.

Only elementwise NumPy functions on contiguous float64 columns are used: a row's bits then do not depend on the other
rows. (A matrix product's do: in its last bits, on the number of rows.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.features.basis import COLUMNS

Matrix = NDArray[np.float64]

FEATURES = (
    "recency",
    "tenure",
    "frequency",
    "single_purchase",
    "overdue",
    "overdue_late",
    "purchases_14",
    "purchases_28",
    "purchases_56",
    "purchases_112",
    "purchases_224",
    "amount_trend",
    "amount",
    "engagement",
    "conversation",
    "service",
    "open_cases",
    "sentiment",
)
"""Names of the features, in the order of the columns. `overdue` is log recency against the log of the customer's own
shrunk mean gap; amounts, counts and recencies enter as bounded logs (Schmittlein, Morrison & Colombo 1987 for
recency/frequency; the shrinkage adds one gap of 28 days)."""

_AT = {name: i for i, name in enumerate(COLUMNS)}


def features_of(bases: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """Columns of features, each of shape (rows,), from bases of shape (rows, BASIS)."""
    wide = np.ascontiguousarray(bases.T, dtype=np.float64)

    def column(name: str) -> NDArray[np.float64]:
        return np.asarray(wide[_AT[name]])

    days = column("purchase_days")
    recency = np.log(column("recency_days") / 7.0 + 0.5)
    own_gap = np.log((column("gap_sum") + 28.0) / (7.0 * days))
    overdue = recency - own_gap
    return [
        recency,
        np.log(column("tenure_days") / 7.0 + 0.5),
        np.log(days),
        (days <= 1.0).astype(np.float64),
        overdue,
        np.maximum(overdue - 0.5, 0.0),
        *(np.log(column(name) + 0.05) for name in FEATURES[6:11]),
        column("amount_last") - column("amount_ewma"),
        column("amount_ewma"),
        np.log1p(column("engagement")),
        np.log1p(column("conversation")),
        np.log1p(column("service")),
        column("open_cases") + 0.0,
        column("sentiment") + 0.0,
    ]
