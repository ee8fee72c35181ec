"""Measures the CPU time of a score, of a value and of a learned example on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.churn import MixtureLearner, MixtureScorer, Outcomes
from models.customer.layout import BASIS
from models.features import COLUMNS
from models.settings import DAY, EngineSettings
from models.value.columns import MONEY, Matured, Observed
from models.value.learner import ValueLearner

ROWS = 100
"""Customers in one call, as in a small batch."""
LOOKS = 5
CALLS = 20


def costs(settings: EngineSettings) -> dict[str, float]:
    """Microseconds per score and per example learned: the best of a few looks, since others use the machine too."""
    random = np.random.default_rng(1)
    bases = _bases(random)
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


def value_costs(settings: EngineSettings) -> dict[str, float]:
    """Microseconds per value, of which per churn score (a value needs one), and per matured observation learned."""
    random = np.random.default_rng(1)
    bases = _bases(random)
    money = random.lognormal(1.0, 0.3, size=(ROWS, MONEY)).astype(np.float32)
    mixture = MixtureLearner(settings).scorer().mixture
    model = ValueLearner(settings)
    observed = Observed([b"%d" % row for row in range(ROWS)], bases, money, np.full(ROWS, 100 * DAY))
    matured = Matured(observed, random.lognormal(3.0, 1.0, size=ROWS))
    boundary = 100 * DAY + settings.horizon
    model.look(boundary, mixture, observed, matured)
    scorer, churn = model.scorer(mixture), MixtureScorer(mixture)
    return {
        "us_per_value": _micros(lambda: scorer.value(bases, money), ROWS),
        "us_of_it_churn": _micros(lambda: churn.score(bases), ROWS),
        "us_per_observation": _micros(lambda: model.look(boundary, mixture, observed, matured), ROWS),
    }


def _bases(random: np.random.Generator) -> NDArray[np.float32]:
    """Of customers who could be, ROWS of them."""
    bases = random.lognormal(1.0, 0.5, size=(ROWS, BASIS)).astype(np.float32)
    bases[:, COLUMNS.index("tenure_days")] += bases[:, COLUMNS.index("recency_days")]
    return bases


def _micros(call: Callable[[], object], rows: int) -> float:
    found = []
    for _ in range(LOOKS):
        begun = time.thread_time()
        for _ in range(CALLS):
            call()
        found.append((time.thread_time() - begun) / CALLS / rows)
    return round(min(found) * 1e6, 2)
