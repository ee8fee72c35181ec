"""Measures the CPU time of a score and of a learned example on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from models.churn import MixtureLearner, Outcomes
from models.customer.layout import BASIS
from models.features import COLUMNS
from models.settings import DAY, EngineSettings

ROWS = 100
"""Customers in one call, as in a small batch."""
LOOKS = 5
CALLS = 20


def costs(settings: EngineSettings) -> dict[str, float]:
    """Microseconds per score and per example learned: the best of a few looks, since others use the machine too."""
    random = np.random.default_rng(1)
    bases = random.lognormal(1.0, 0.5, size=(ROWS, BASIS)).astype(np.float32)
    bases[:, COLUMNS.index("tenure_days")] += bases[:, COLUMNS.index("recency_days")]
    model = MixtureLearner(settings)
    outcomes = Outcomes(
        [b"%d" % row for row in range(ROWS)], bases, np.full(ROWS, 100 * DAY), random.random(ROWS) < 0.5
    )
    boundary = 100 * DAY + settings.horizon
    model.learn(boundary, outcomes, outcomes)
    scorer = model.scorer()
    return {
        "us_per_score": _micros(lambda: scorer.score(bases), ROWS),
        "us_per_example": _micros(lambda: model.learn(boundary, outcomes, outcomes), 2 * ROWS),
    }


def _micros(call: Callable[[], object], rows: int) -> float:
    found = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        for _ in range(CALLS):
            call()
        found.append((time.perf_counter() - begun) / CALLS / rows)
    return round(min(found) * 1e6, 2)
