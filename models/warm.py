"""Have every compiled function ready before there is work: ``python -m models.warm``.

An image runs it when it is built, a worker when it starts: compiling takes half a minute, loading from numba's
cache a fraction of one.
"""

from __future__ import annotations

import json

import numpy as np

from models.batch import Batch, LogRecord
from models.churn import MixtureLearner, Outcomes, drivers, scorer_of
from models.customer import BASIS
from models.engine import apply, needs
from models.learning import initial_version
from models.line import Piece, ShardState, born, next_piece
from models.settings import WEEK, EngineSettings

_TIME = 946_684_800_000  # 2000-01-01T00:00:00Z


def warm() -> None:
    """All of it."""
    warm_engine()
    warm_learner()


def warm_engine() -> None:
    """Take one purchase of a customer of nobody's through the engine, and score one basis."""
    settings = EngineSettings()
    version = initial_version(settings)
    scorer = scorer_of(version, settings)
    basis = np.ones((1, BASIS), dtype=np.float32)
    scorer.score(basis)
    drivers(scorer, basis[0], settings.alive)
    event = {
        "specversion": "1.0",
        "type": "purchase",
        "id": "1",
        "source": "urn:warm",
        "subject": "nobody",
        "time": "2000-01-01T00:00:00Z",
        "data": {"amount": 1.0},
    }
    batch = Batch.of([LogRecord(0, _TIME, b"nobody", json.dumps(event).encode())])
    state = born(ShardState(0, 1, 0), settings, _TIME + settings.boundary)
    piece = next_piece(state, settings, batch, 0)
    if isinstance(piece, Piece):
        loaded = dict.fromkeys(needs(piece, batch, []))
        totals = apply(state, settings, "", piece, batch, [], loaded, scorer, version).state.totals
        if totals.applied != 1 or totals.dead:
            raise ValueError(f"the engine does not take a purchase: {totals}")


def warm_learner() -> None:
    """Teach a model two customers of nobody's, over two weeks."""
    model = MixtureLearner(EngineSettings())
    basis = np.ones((1, BASIS), dtype=np.float32)
    for week in (2, 3):
        taken = np.array([_TIME + (week - 2) * WEEK], dtype=np.int64)
        outcomes = Outcomes([b"%d" % week], basis, taken, np.array([week == 2]))
        model.learn(_TIME + week * WEEK, outcomes, outcomes)


if __name__ == "__main__":
    warm()
