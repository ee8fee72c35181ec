"""Compiles every function ahead of work: ``python -m models.simulation.warm_up``.

An image runs it when it is built, a worker when it starts: compiling takes a processor half a minute,
loading from numba's cache a fraction of one.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from models.churn import MixtureLearner, Outcomes, drivers, scorer_of
from models.churn.mbg.fit import Customers, fit
from models.churn.mixture.learner import direct_learner, hazard_learner
from models.churn.mixture.level import Shares, means_of, shift_to_level
from models.churn.usual import usual_states
from models.customer.block import Block
from models.customer.layout import BASIS
from models.engine.apply import apply, needs
from models.engine.customer_loop import walk
from models.engine.output_buffer import Work
from models.engine.piece_input import PieceInput, Scoring
from models.engine.piece_run import Run
from models.features import FEATURES
from models.features.silence import rolled
from models.learning.learner import initial_version
from models.numerics.fixed_order import quadratic_of
from models.settings import WEEK, EngineSettings
from models.timeline.batch import Batch, LogRecord
from models.timeline.pieces import Piece, next_piece
from models.timeline.shard_state import ShardState, initialised
from models.value import Matured, Observed, ValueLearner
from models.value.columns import MONEY

_TIME = 946_684_800_000  # 2000-01-01T00:00:00Z
_SETTINGS = EngineSettings()
_BASIS = np.ones((1, BASIS), dtype=np.float32)
_OBJECTS = 20_000
"""Python looks for garbage whenever there are so many new objects. With its own 700 that is a seventh of the time that
compiling takes; without any limit it would take 320 MB more, with this one 15 MB."""


@contextmanager
def _large_heap() -> Iterator[None]:
    """The compiler makes many objects, and keeps most."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def warm() -> None:
    """All of it."""
    warm_engine()
    warm_learner()


@_large_heap()
def warm_engine() -> None:
    """Take one purchase of a dummy customer through the engine; roll and score one basis, as other models' scorers
    are asked, and give reasons."""
    version = initial_version(_SETTINGS)
    scorer = scorer_of(version, _SETTINGS)
    scorer.score(_BASIS)
    rolled(_BASIS, np.ones(1))
    quadratic_of(np.ones(1), np.ones((1, 1)))
    drivers(scorer, _BASIS[0], _SETTINGS.alive)
    totals = apply(_purchase(), Scoring(scorer, version)).state.totals
    if totals.applied != 1 or totals.dead:
        raise ValueError(f"the engine does not take a purchase: {totals}")


@_large_heap()
def warm_learner() -> None:
    """Teach a model two dummy customers, over two weeks."""
    model = MixtureLearner(_SETTINGS)
    for week in (2, 3):
        observed_at = np.array([_TIME + (week - 2) * WEEK], dtype=np.int64)
        outcomes = Outcomes([b"%d" % week], _BASIS, observed_at, np.array([week == 2]))
        model.learn(_TIME + week * WEEK, outcomes, outcomes)
    values = ValueLearner(_SETTINGS)
    observed = Observed([b"1"], _BASIS, np.ones((1, MONEY), dtype=np.float32), np.array([_TIME]))
    values.look(_TIME + _SETTINGS.horizon, model.scorer().mixture, observed, Matured(observed, np.ones(1)))


@_large_heap()
def warm_beside() -> None:
    """What a second process compiles while the first one does `warm_engine`: at first what scores do not need, and what
    that one comes to last; then the learner, for which it finds the features in the cache, compiled by the first."""
    usual_states(_BASIS[0])
    rolled(_BASIS, np.ones(1))
    given = _purchase()
    version = initial_version(_SETTINGS)
    work = Work.of(given, Scoring(scorer_of(version, _SETTINGS), version))
    run = Run(given.state, work, Block([b"nobody"], [None]))
    # What `waves` begins with; the rest of it is scores.
    arguments = run.arguments(np.arange(1), False)
    records, lanes, order, arrivals, bound, rules, _, _, _, single, probabilities, crossings, counts, effects = (
        arguments
    )
    walk(records, lanes, order, arrivals, bound, rules, single, probabilities, crossings, counts, effects, 0)
    one, known = np.ones(1), np.array([True])
    for learner in (hazard_learner(), direct_learner()):
        learner.bind(FEATURES)
        learner.drift()
        learner.learn_rows(np.zeros((1, len(FEATURES))), known)
    fit(Customers(one, one, one, known, 1.0))
    shift_to_level(one, one, Shares(0.5, 0.5))
    means_of(one, one)
    warm_learner()


def _purchase() -> PieceInput:
    """Of a dummy customer."""
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
    state = initialised(ShardState(0, 1, 0), _SETTINGS, _TIME + _SETTINGS.boundary)
    piece = next_piece(state, _SETTINGS, batch, 0)
    if not isinstance(piece, Piece):
        raise ValueError(f"the engine waits before a purchase: {piece}")
    return PieceInput(state, _SETTINGS, "", piece, batch, [], dict.fromkeys(needs(piece, batch, [])))


if __name__ == "__main__":
    warm()
