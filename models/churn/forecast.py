"""Risk forecast for a customer who stays silent: when it reaches the threshold, and its course until then.

On demand, for whoever looks at one customer; the engine itself looks no further than the next tick.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.crossing import crossings_of
from models.churn.port import Scorer
from models.features.basis import RECENCY_COLUMN
from models.features.silence import rolled
from models.settings import DAY, SECOND, EngineSettings


class Forecast(NamedTuple):
    """If silence goes on: probability now; when it first reaches the threshold (ms; now, if it is there already; None:
    not before `until`); and its course, (time, probability) every tick. From `until` on the customer is lapsed."""

    now: float
    crosses: int | None
    until: int
    course: list[tuple[int, float]]


def forecast(scorer: Scorer, basis: NDArray[np.float32], now: int, settings: EngineSettings) -> Forecast:
    """Of one customer with at least one sign of staying, `basis` being of shape (BASIS,), as of `now` (ms)."""
    until = max(now, now + settings.silence - round(float(basis[RECENCY_COLUMN]) * DAY))
    times = np.arange(now, until + 1, settings.tick, dtype=np.int64)
    risks = scorer.score(rolled(np.repeat(basis[None], len(times), axis=0), (times - now) / DAY))
    crosses: int | None = now
    if risks[0] < settings.enter:
        [second] = crossings_of(scorer, basis[None], np.array([now]), np.array([until + 1.0]), settings.enter).tolist()
        crosses = second * SECOND or None
    return Forecast(float(risks[0]), crosses, until, list(zip(times.tolist(), risks.tolist(), strict=True)))
