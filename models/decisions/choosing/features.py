"""The features contract: what the learned choice reads of a customer, frozen at the draw.

Features are a row of bounded numbers of about unit size, the first of which is one. They travel with the decision and
with its outcome as float16, and are scored after that rounding: so what is learned from is what was decided on.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from struct import pack, unpack
from typing import Final

MOST: Final = 8.0
"""Largest size of a feature. Priors are of effects per unit: one feature of a hundred would outweigh all others."""
MOST_FEATURES: Final = 64
"""A version holds a covariance of their square for every arm."""


class FeaturesRefused(ValueError):
    """A row that no choice can be made from: the message names the place, the value and what it takes."""


def frozen(row: Sequence[float], names: Sequence[str] = ()) -> tuple[float, ...]:
    """A row as it is scored, stored and learned from: rounded to float16. names: of the features, for the message.

    Raises FeaturesRefused.

    >>> frozen([1.0, 0.1])
    (1.0, 0.0999755859375)
    """
    if not 1 <= len(row) <= MOST_FEATURES:
        raise FeaturesRefused(f"there are {len(row)} features; a row has 1 to {MOST_FEATURES}, the first of which is 1")
    if row[0] != 1.0:
        raise FeaturesRefused(f"the first feature is {row[0]!r}; it must be 1, the intercept")
    for place, value in enumerate(row):
        if not (isfinite(value) and abs(value) <= MOST):
            name = names[place] if place < len(names) else f"feature {place}"
            raise FeaturesRefused(
                f"{name} is {value!r}; it must be a number from -{MOST:g} to {MOST:g}: clip it before"
            )
    stored = f"<{len(row)}e"
    return unpack(stored, pack(stored, *row))
