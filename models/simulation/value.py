"""Values of every customer at every tick of a log, made in a simulation, to be compared with what they then spent.

The log is rehearsed as for the predictions of churn (models.simulation.evaluation), with values kept: what is learned
of them, from which examples and when, and what a version says, is what a live shard and its learner would do. At every
tick everybody is valued whose silence is of two horizons at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn import MixtureScorer, Scorer
from models.customer.block import Block
from models.customer.layout import ERASED, LEFT, PURCHASE_DAYS, UNSCORED
from models.features import bases_of
from models.features.basis import RECENCY_COLUMN
from models.settings import DAY, EngineSettings
from models.simulation.evaluation import at_ticks
from models.simulation.rehearsal import Rehearsal, Shard
from models.timeline.batch import LogRecord
from models.value.columns import money_of
from models.value.learner import ValueLearner
from models.value.scorer import ValueScorer


class Valued(NamedTuple):
    """One tick (ms): the customers due, as bytes in rising order, and in columns of shape (customers,) what is expected
    of them.

    values: net spend of the horizon. if_kept: the same, if they buy again within it. probabilities: of churn. visits:
    purchase days. recency: ms. longer: values over each longer horizon asked for, shape (longer, customers).
    """

    tick: int
    customers: list[bytes]
    values: NDArray[np.float64]
    if_kept: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    visits: NDArray[np.float64]
    recency: NDArray[np.int64]
    longer: NDArray[np.float64]


class _Due(NamedTuple):
    """Those of a shard, by row of the columns."""

    tick: int
    scorer: MixtureScorer
    customers: list[bytes]
    bases: NDArray[np.float32]
    money: NDArray[np.float32]
    flags: NDArray[np.uint8]


def evaluate_values(
    logs: Sequence[Sequence[LogRecord]],
    settings: EngineSettings,
    on_values: Callable[[Valued], None],
    topic: str = "retention.touchpoints",
    longer_days: Sequence[float] = (),
    discount: float = 0.0,
) -> Rehearsal:
    """Rehearse whole partitions and tell the values of every tick that is a version boundary.

    Args:
        logs: as for `models.simulation.evaluation.evaluate`.
        settings: without challengers: a version must be of the churn model that has a silence curve.
        on_values: hears of every tick with somebody to value.
        topic: name of the input topic.
        longer_days: longer horizons to value over as well.
        discount: continuous rate a year.

    Raises:
        ValueError: the settings name challengers.
    """
    if settings.challengers:
        raise ValueError(f"challengers is {settings.challengers!r}; values need settings without them")
    untaught = ValueLearner(settings).version()

    def at_tick(parts: Sequence[_Due]) -> None:
        found = _valued(parts, settings, untaught, longer_days, discount)
        if found.customers:
            on_values(found)

    return at_ticks(logs, settings, _due(settings), at_tick, topic, values=True)


def _due(settings: EngineSettings) -> Callable[[Shard, int, Scorer], _Due]:
    most = 2.0 * settings.horizon / DAY

    def look(shard: Shard, tick: int, scorer: Scorer) -> _Due:
        if not isinstance(scorer, MixtureScorer):
            raise ValueError(f"a version of {type(scorer).__name__} has no silence curve")
        block = Block(list(shard.records), list(shard.records.values()))
        flags = block.rows["flags"]
        rows = np.flatnonzero((block.rows["numbers"][:, PURCHASE_DAYS] > 0) & (flags & (ERASED | UNSCORED) == 0))
        bases = bases_of(block.rows, rows, tick)
        near = bases[:, RECENCY_COLUMN] <= most
        rows, bases = rows[near], bases[near]
        names = [block.names[row] for row in rows.tolist()]
        return _Due(tick, scorer, names, bases, money_of(block.rows, rows), flags[rows])

    return look


def _valued(
    parts: Sequence[_Due],
    settings: EngineSettings,
    untaught: Mapping[str, Any],
    longer_days: Sequence[float],
    discount: float,
) -> Valued:
    """untaught: what a version would say before anything is learned of values."""
    tick, scorer = parts[0].tick, parts[0].scorer
    order, customers = _in_order([name for part in parts for name in part.customers])
    bases = np.concatenate([part.bases for part in parts])[order]
    money = np.concatenate([part.money for part in parts])[order]
    stays = np.concatenate([part.flags for part in parts])[order] & LEFT == 0
    model = ValueScorer.of(untaught if scorer.values is None else scorer.values, scorer.mixture, settings)
    found = model.value(bases, money, discount)
    longer = [model.over(days, bases, money, discount) for days in longer_days]
    recency = np.rint(bases[:, RECENCY_COLUMN].astype(np.float64)).astype(np.int64) * DAY
    return Valued(
        tick,
        customers,
        found.values * stays,
        found.if_kept * stays,
        np.where(stays, found.probabilities, 1.0),
        found.visits * stays,
        recency,
        np.array(longer).reshape(len(longer), len(customers)) * stays,
    )


def _in_order(names: Sequence[bytes]) -> tuple[NDArray[np.int64], list[bytes]]:
    order = sorted(range(len(names)), key=names.__getitem__)
    return np.array(order, dtype=np.int64), [names[row] for row in order]
