"""Temporary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.touchpoints.diagnosis import Rejected
from models.touchpoints.reading import Touch, read


@dataclass(slots=True)
class Columns:
    kinds: NDArray[np.uint8]
    times: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    sentiment: NDArray[np.float64]
    skewed: NDArray[np.bool_]
    customers: list[bytes]
    contents: list[Touch | Rejected]

    def touch(self, row: int) -> Touch:
        found = self.contents[row]
        assert isinstance(found, Touch)
        return found


def read_columns(values, keys, timestamps) -> Columns:
    c = [read(v, k, t) for v, k, t in zip(values, keys, timestamps.tolist(), strict=True)]

    def col(name, d, dtype):
        return np.array([getattr(x, name, d) if isinstance(x, Touch) else d for x in c], dtype)

    return Columns(
        col("kind", 0, np.uint8),
        col("time", 0, np.int64),
        col("id_hash", 0, np.uint64),
        col("a", 0.0, float),
        col("b", 0.0, float),
        col("sentiment", 0.0, float),
        col("skewed", False, np.bool_),
        [x.customer.encode() if isinstance(x, Touch) else b"" for x in c],
        c,
    )
