"""Validated reading of model state (JSON types): SnapshotRefused names the field that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from sys import float_info
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.churn.snapshot import SnapshotRefused


def is_finite(value: object) -> bool:
    """True for a number that a float64 can hold."""
    # Plain data may hold whole numbers beyond any float; a comparison takes them, math.isfinite raises.
    return isinstance(value, int | float) and -float_info.max <= value <= float_info.max


def number(state: Mapping[str, Any], name: str, least: float, most: float) -> float:
    value = state.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise SnapshotRefused(f"{name} is {value!r}; it must be a number from {least:g} to {most:g}")
    return float(value)


def numbers(state: Mapping[str, Any], name: str, count: int, least: float = -float_info.max) -> NDArray[np.float64]:
    """`count` finite numbers, each at least `least`."""
    values = state.get(name)
    if not isinstance(values, list) or len(values) != count:
        raise SnapshotRefused(f"{name} must be a list of {count} numbers")
    if not all(is_finite(value) and value >= least for value in values):
        raise SnapshotRefused(f"{name} holds something that is not a finite number of at least {least:g}")
    return np.array(values, dtype=np.float64)


def whole_or_none(state: Mapping[str, Any], name: str) -> int | None:
    value = state.get(name)
    if value is not None and type(value) is not int:
        raise SnapshotRefused(f"{name} is {value!r}; it must be a whole number, or null")
    return value
