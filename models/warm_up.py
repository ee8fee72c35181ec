"""Compiles every function ahead of work: ``python -m models.warm_up``.

An image runs it when it is built, a worker when it starts: compiling takes a processor three quarters of a minute,
loading from numba's cache a fraction of one.
"""

from __future__ import annotations

import json

import numpy as np

from models.churn import MixtureLearner, Outcomes, drivers, scorer_of
from models.customer.layout import BASIS
from models.engine.apply import apply, needs
from models.engine.piece_input import PieceInput, Scoring
from models.features.silence import rolled
from models.learning.learner import initial_version
from models.settings import WEEK, EngineSettings
from models.timeline.batch import Batch, LogRecord
from models.timeline.pieces import Piece, next_piece
from models.timeline.shard_state import ShardState, initialised

_TIME = 946_684_800_000  # 2000-01-01T00:00:00Z


def warm() -> None:
    """All of it."""
    warm_engine()
    warm_learner()


def warm_engine() -> None:
    """Take one purchase of a dummy customer through the engine; roll and score one basis, as other models' scorers
    are asked, and give reasons."""
    settings = EngineSettings()
    version = initial_version(settings)
    scorer = scorer_of(version, settings)
    basis = np.ones((1, BASIS), dtype=np.float32)
    scorer.score(rolled(basis, np.ones(1)))
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
    state = initialised(ShardState(0, 1, 0), settings, _TIME + settings.boundary)
    piece = next_piece(state, settings, batch, 0)
    if isinstance(piece, Piece):
        loaded = dict.fromkeys(needs(piece, batch, []))
        given = PieceInput(state, settings, "", piece, batch, [], loaded)
        totals = apply(given, Scoring(scorer, version)).state.totals
        if totals.applied != 1 or totals.dead:
            raise ValueError(f"the engine does not take a purchase: {totals}")


def warm_learner() -> None:
    """Teach a model two dummy customers, over two weeks."""
    model = MixtureLearner(EngineSettings())
    basis = np.ones((1, BASIS), dtype=np.float32)
    for week in (2, 3):
        observed_at = np.array([_TIME + (week - 2) * WEEK], dtype=np.int64)
        outcomes = Outcomes([b"%d" % week], basis, observed_at, np.array([week == 2]))
        model.learn(_TIME + week * WEEK, outcomes, outcomes)


if __name__ == "__main__":
    warm()
