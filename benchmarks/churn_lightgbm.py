"""Peer: gradient boosted trees, fitted again to all labels known so far (Ke et al. 2017, "LightGBM", NeurIPS 30)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.churn_refits import Estimates, Predict, refitted
from benchmarks.churn_table import Column, Table

SETTINGS: dict[str, Any] = {
    "n_estimators": 100,
    "learning_rate": 0.03,
    "num_leaves": 7,
    "min_child_samples": 200,
    "subsample": 0.8,
    "subsample_freq": 1,
    "colsample_bytree": 0.8,
    "reg_lambda": 5.0,
    "random_state": 1,
    "n_jobs": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
"""One configuration for all logs, the best of three tried: larger trees are worse on small logs."""


def lightgbm(table: Table) -> Estimates:
    from lightgbm import LGBMClassifier

    def fit(tick: int) -> Predict | None:
        known = table.known(tick)
        labels = table.churned[known]
        if not len(labels) or labels.all() or not labels.any():
            return None
        model = LGBMClassifier(**SETTINGS).fit(table.features[known], labels)

        def predict(rows: Sequence[int]) -> Column:
            # The trees themselves: scikit-learn's checks of a call cost more than its scores.
            return np.asarray(model.booster_.predict(table.features[rows]), dtype=np.float64)

        return predict

    return refitted(table, fit)
