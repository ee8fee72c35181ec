"""Compiled sums of the effect learner: weighted outer products, row after row, lower triangle only."""

from __future__ import annotations

from typing import Any

from models.numerics.compiled import compiled


@compiled
def add_rows(rows: Any, weights: Any, outcomes: Any, precision: Any, response: Any) -> None:
    """precision += w u u', response += w y u, for each row u in turn.

    rows: shape (n, size). precision: (size, size), of which only the lower triangle is written. response: (size,).
    """
    size = rows.shape[1]
    for row in range(rows.shape[0]):
        weighted_outcome = weights[row] * outcomes[row]
        for i in range(size):
            value = rows[row, i]
            if value != 0.0:
                response[i] += weighted_outcome * value
                weighted = weights[row] * value
                for j in range(i + 1):
                    precision[i, j] += weighted * rows[row, j]
