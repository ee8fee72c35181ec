"""The schema of what scores with a version's value model: one of its own, so that a release which changes it alone goes
on scoring churn with what former ones have learned."""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec
import xxhash

from models.churn.mixture import probability
from models.features import basis
from models.features import columns as features
from models.numerics.constants import constants_of
from models.value import columns, scoring, spend, visits

SCORING: Final = 1
"""To be raised where the code that scores reads a stored version otherwise, and no constant tells."""


@cache
def value_schema() -> str:
    """Names what a version's values are scored by."""
    constants = constants_of((basis, features, probability, columns, scoring, spend, visits))
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode([SCORING, constants], order="sorted"))
