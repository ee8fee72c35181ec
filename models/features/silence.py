"""Raw features moved in time: as they will be after more days without activity, or were before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.customer.layout import HALF_LIVES_PURCHASE
from models.features.basis import COLUMNS, RECENCY_COLUMN, TENURE_COLUMN
from models.features.columns import TOUCH_HALF_LIVES
from models.numerics.compiled import compiled
from models.numerics.maths import exp2

_DECAYED, _TOUCHED = COLUMNS.index("purchases_14"), COLUMNS.index("open_cases")
_CASE_AGE = COLUMNS.index("oldest_case_days")
_HALF_LIVES, _TOUCH_HALF_LIVES = np.array(HALF_LIVES_PURCHASE), np.array(TOUCH_HALF_LIVES)


@compiled
def roll(basis: Any, days: float, out: Any) -> None:
    """Write into `out` what `basis` will be in `days`, both of shape (BASIS,)."""
    for i in range(basis.shape[0]):
        out[i] = basis[i]
    out[RECENCY_COLUMN] = np.float64(basis[RECENCY_COLUMN]) + days
    out[TENURE_COLUMN] = np.float64(basis[TENURE_COLUMN]) + days
    for i in range(_HALF_LIVES.shape[0]):
        out[_DECAYED + i] = np.float64(basis[_DECAYED + i]) * exp2(-days / _HALF_LIVES[i])
    for i in range(_TOUCH_HALF_LIVES.shape[0]):
        if _TOUCH_HALF_LIVES[i] > 0.0:
            out[_TOUCHED + i] = np.float64(basis[_TOUCHED + i]) * exp2(-days / _TOUCH_HALF_LIVES[i])
    if basis[_TOUCHED] > 0.0:
        out[_CASE_AGE] = max(np.float64(basis[_CASE_AGE]) + days, 0.0)


@compiled
def _roll_rows(bases: Any, days: Any, out: Any) -> None:
    for row in range(bases.shape[0]):
        roll(bases[row], days[row], out[row])


def rolled(bases: NDArray[np.float32], days: NDArray[np.float64]) -> NDArray[np.float32]:
    """Bases of shape (rows, BASIS), each after its `days`, shape (rows,), of silence."""
    out = np.empty_like(bases)
    _roll_rows(np.ascontiguousarray(bases), days, out)
    return out
