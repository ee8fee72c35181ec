"""Features of the churn model, computed from bases one row after the other: a row's bits do not depend on others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.features.basis import COLUMNS
from models.maths import ln

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

_WIDTH = len(FEATURES)
_RECENCY, _TENURE, _DAYS, _GAP_SUM = map(COLUMNS.index, ("recency_days", "tenure_days", "purchase_days", "gap_sum"))
_DECAYED, _LAST, _EWMA = map(COLUMNS.index, ("purchases_14", "amount_last", "amount_ewma"))
_ENGAGEMENT, _CONVERSATION, _SERVICE = map(COLUMNS.index, ("engagement", "conversation", "service"))
_CASES, _SENTIMENT = map(COLUMNS.index, ("open_cases", "sentiment"))


@compiled
def feature_row(basis: Any, features: Any) -> None:
    """Write the features of one basis, shape (BASIS,), into `features`, shape (len(FEATURES),) of float64."""
    days = np.float64(basis[_DAYS])
    recency = ln(np.float64(basis[_RECENCY]) / 7.0 + 0.5)
    overdue = recency - ln((np.float64(basis[_GAP_SUM]) + 28.0) / (7.0 * days))
    features[0] = recency
    features[1] = ln(np.float64(basis[_TENURE]) / 7.0 + 0.5)
    features[2] = ln(days)
    features[3] = 1.0 if days <= 1.0 else 0.0
    features[4] = overdue
    features[5] = max(overdue - 0.5, 0.0)
    for i in range(5):
        features[6 + i] = ln(np.float64(basis[_DECAYED + i]) + 0.05)
    features[11] = np.float64(basis[_LAST]) - np.float64(basis[_EWMA])
    features[12] = basis[_EWMA]
    features[13] = ln(1.0 + np.float64(basis[_ENGAGEMENT]))
    features[14] = ln(1.0 + np.float64(basis[_CONVERSATION]))
    features[15] = ln(1.0 + np.float64(basis[_SERVICE]))
    features[16] = basis[_CASES]
    features[17] = basis[_SENTIMENT]


@compiled
def _feature_rows(bases: Any, features: Any) -> None:
    for row in range(bases.shape[0]):
        feature_row(bases[row], features[row])


def features_of(bases: NDArray[np.float32]) -> NDArray[np.float64]:
    """Features of shape (rows, len(FEATURES)) from bases of shape (rows, BASIS)."""
    features = np.empty((len(bases), _WIDTH))
    _feature_rows(np.ascontiguousarray(bases), features)
    return features
