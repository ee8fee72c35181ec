"""Raw features moved in time: as they will be after more days without activity, or were before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.customer.layout import BASIS, HALF_LIVES_PURCHASE
from models.features.basis import COLUMNS, RECENCY_COLUMN, TENURE_COLUMN
from models.features.columns import TOUCH_HALF_LIVES, load_lanes
from models.numerics.compiled import LANES, compiled, linked
from models.numerics.lanes import exp2

_DECAYED, _TOUCHED = COLUMNS.index("purchases_14"), COLUMNS.index("open_cases")
_CASE_AGE = COLUMNS.index("oldest_case_days")
_HALF_LIVES, _TOUCH_HALF_LIVES = np.array(HALF_LIVES_PURCHASE), np.array(TOUCH_HALF_LIVES)


@linked
def roll(b: Any, days: Any, later: Any) -> None:
    """Write into `later` what the bases `b` will be in `days`, at float32, as a basis is kept.

    Args:
        b, later: bases, shape (BASIS, LANES) of float64.
        days: shape (LANES,).
    """
    for i in range(b.shape[0]):
        for lane in range(LANES):
            later[i, lane] = b[i, lane]
    for lane in range(LANES):
        later[RECENCY_COLUMN, lane] = np.float32(b[RECENCY_COLUMN, lane] + days[lane])
        later[TENURE_COLUMN, lane] = np.float32(b[TENURE_COLUMN, lane] + days[lane])
        age = np.float64(np.float32(max(b[_CASE_AGE, lane] + days[lane], 0.0)))
        later[_CASE_AGE, lane] = age if b[_TOUCHED, lane] > 0.0 else b[_CASE_AGE, lane]
    for i in range(_HALF_LIVES.shape[0]):
        for lane in range(LANES):
            left = exp2(-days[lane] / _HALF_LIVES[i])
            later[_DECAYED + i, lane] = np.float32(b[_DECAYED + i, lane] * left)
    for i in range(_TOUCH_HALF_LIVES.shape[0]):
        if _TOUCH_HALF_LIVES[i] > 0.0:
            for lane in range(LANES):
                left = exp2(-days[lane] / _TOUCH_HALF_LIVES[i])
                later[_TOUCHED + i, lane] = np.float32(b[_TOUCHED + i, lane] * left)


@compiled
def _roll_rows(bases: Any, days: Any, out: Any) -> None:
    b, later, ahead = np.empty((BASIS, LANES)), np.empty((BASIS, LANES)), np.zeros(LANES)
    for first in range(0, bases.shape[0], LANES):
        used = load_lanes(bases, first, b)
        for lane in range(used):
            ahead[lane] = days[first + lane]
        roll(b, ahead, later)
        for lane in range(used):
            for i in range(BASIS):
                out[first + lane, i] = later[i, lane]


def rolled(bases: NDArray[np.float32], days: NDArray[np.float64]) -> NDArray[np.float32]:
    """Bases of shape (rows, BASIS), each after its `days`, shape (rows,), of silence."""
    out = np.empty_like(bases)
    _roll_rows(np.ascontiguousarray(bases), days, out)
    return out
