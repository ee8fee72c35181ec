"""Peer: River's default, StandardScaler | LogisticRegression, which learns each decision when its label is known."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from river import linear_model, preprocessing

from benchmarks.churn_refits import Estimates
from benchmarks.churn_table import FEATURES, Table


def river_default(table: Table) -> Estimates:
    model = preprocessing.StandardScaler() | linear_model.LogisticRegression()
    probabilities = np.full(len(table.ticks), np.nan)
    labels = table.churned.tolist()
    learned = 0
    learning = scoring = 0.0
    pending = np.flatnonzero(table.due)
    due = pending.tolist()
    known_at = (table.ticks[pending] + table.horizon).tolist()
    for tick in table.due_ticks():
        begun = perf_counter()
        while learned < len(due) and known_at[learned] <= tick:
            row = due[learned]
            model.learn_one(_named(table, row), labels[row])
            learned += 1
        learning += perf_counter() - begun
        begun = perf_counter()
        for row in np.flatnonzero(table.at(tick)).tolist():
            probabilities[row] = model.predict_proba_one(_named(table, row)).get(True, 0.5)
        scoring += perf_counter() - begun
    return Estimates(probabilities, learned, learning, 1e6 * scoring / max(len(due), 1))


def _named(table: Table, row: int) -> dict[str, float]:
    return dict(zip(FEATURES, table.features[row].tolist(), strict=True))
