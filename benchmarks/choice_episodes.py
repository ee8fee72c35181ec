"""Episodes that open in the synthetic world in one week: what a policy may see of them, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass
class Episodes:
    """Episodes that open at one week's end. features, worth, tier, eligible are all that a policy may see.

    features: shape (n, features), the first is 1. worth: margin expected in the window if the customer stays as they
    were. tier: 0 to 2, by worth. eligible: (n, actions), leaving alone always. truth, kept_truth: for the judge,
    (n, actions): the expected net value, and the chance of a purchase. kinds: for the judge. Set later: what was done,
    and what came of it.
    """

    week: int
    customers: Whole
    features: Floats
    worth: Floats
    tier: Whole
    eligible: Flags
    truth: Floats
    kept_truth: Floats
    kinds: Whole
    action: Whole = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    margin: Floats = field(default_factory=lambda: np.empty(0))
    redeemed: Floats = field(default_factory=lambda: np.empty(0))
    kept: Flags = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    notes: dict[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.customers)
