"""Values of every customer at every tick of a log, made in a simulation, to be compared with what they then spent.

The log is rehearsed as for the predictions of churn (models.simulation.evaluation). At every tick the value model
learns what has become known by then, and values everybody whose silence is of two horizons at most. A customer has one
open observation at a time; its label is what they spent, less what they sent back, in the horizon after it, and is
learned at the first tick at which that horizon is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.churn import MixtureScorer, Scorer
from models.customer.block import Block
from models.customer.layout import BASIS, ERASED, LEFT, PURCHASE_DAYS, UNLEARNED, UNSCORED
from models.features import bases_of
from models.features.basis import RECENCY_COLUMN
from models.numerics.float16 import from_float16, to_float16
from models.settings import DAY, EngineSettings
from models.simulation.evaluation import at_ticks
from models.simulation.rehearsal import Rehearsal, Shard
from models.timeline.batch import LogRecord
from models.value.columns import MONEY, Matured, Observed, money_of
from models.value.learner import ValueLearner

NEVER = -1


class Spending(Protocol):
    """What customers spent, less what they sent back, and when.

    Implemented by LogSpending.
    """

    def net(
        self, customers: Sequence[bytes], since: NDArray[np.int64], until: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Of each customer, in [since, until) (ms, shape (customers,)), in the currency of the log."""


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
    spending: Spending,
    on_values: Callable[[Valued], None],
    topic: str = "retention.touchpoints",
    longer_days: Sequence[float] = (),
    discount: float = 0.0,
) -> tuple[Rehearsal, ValueLearner]:
    """Rehearse whole partitions and tell the values of every tick that is a version boundary.

    Args:
        logs: as for `models.simulation.evaluation.evaluate`.
        settings: without challengers: a version must be of the churn model that has a silence curve.
        spending: of the log. Only what lies before a tick is asked for at it.
        on_values: hears of every tick with somebody to value.
        topic: name of the input topic.
        longer_days: longer horizons to value over as well.
        discount: continuous rate a year.

    Returns:
        What was rehearsed, and the value model as it ends.

    Raises:
        ValueError: the settings name challengers.
    """
    if settings.challengers:
        raise ValueError(f"challengers is {settings.challengers!r}; values need settings without them")
    values = _Run(settings, spending, longer_days, discount)

    def at_tick(parts: Sequence[_Due]) -> None:
        found = values.at(parts)
        if found.customers:
            on_values(found)

    return at_ticks(logs, settings, _due(settings), at_tick, topic), values.learner


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


class _Run:
    """The value model on its way through a log, with the open observations."""

    def __init__(
        self, settings: EngineSettings, spending: Spending, longer_days: Sequence[float], discount: float
    ) -> None:
        self.learner = ValueLearner(settings)
        self._settings, self._spending = settings, spending
        self._longer, self._discount = longer_days, discount
        self._numbers: dict[bytes, int] = {}
        self._names: list[bytes] = []
        self._opened_at = np.empty(0, dtype=np.int64)
        self._kept = np.empty((0, BASIS + MONEY), dtype=np.uint16)

    def at(self, parts: Sequence[_Due]) -> Valued:
        """Learn what is known at a tick, value who is due, open an observation of who has none."""
        tick, scorer = parts[0].tick, parts[0].scorer
        order, customers = _in_order([name for part in parts for name in part.customers])
        bases = np.concatenate([part.bases for part in parts])[order]
        money = np.concatenate([part.money for part in parts])[order]
        flags = np.concatenate([part.flags for part in parts])[order]
        kept = to_float16(np.hstack([bases, money]))
        learned = np.flatnonzero(flags & (UNLEARNED | LEFT) == 0)
        observed = _observed(customers, from_float16(kept), np.full(len(customers), tick)).where(learned)
        self.learner.look(tick, scorer.mixture, observed, self._matured(tick))
        self._open(tick, [customers[row] for row in learned.tolist()], kept[learned])
        return self._valued(tick, scorer, customers, bases, money, flags & LEFT != 0)

    def _matured(self, tick: int) -> Matured:
        """In the order in which their windows ended, then by customer."""
        horizon = self._settings.horizon
        ripe = np.flatnonzero((self._opened_at != NEVER) & (self._opened_at + horizon <= tick))
        names = [self._names[row] for row in ripe.tolist()]
        ripe = ripe[np.array(sorted(range(len(ripe)), key=lambda i: (self._opened_at[ripe[i]], names[i])), np.int64)]
        names, opened_at = [self._names[row] for row in ripe.tolist()], self._opened_at[ripe]
        net = self._spending.net(names, opened_at, opened_at + horizon)
        self._opened_at[ripe] = NEVER
        return Matured(_observed(names, from_float16(self._kept[ripe]), opened_at), net)

    def _open(self, tick: int, customers: Sequence[bytes], kept: NDArray[np.uint16]) -> None:
        numbers = np.fromiter((self._number(name) for name in customers), np.int64, len(customers))
        more = len(self._names) - len(self._opened_at)
        self._opened_at = np.concatenate([self._opened_at, np.full(more, NEVER)])
        self._kept = np.concatenate([self._kept, np.empty((more, self._kept.shape[1]), dtype=np.uint16)])
        fresh = self._opened_at[numbers] == NEVER
        self._opened_at[numbers[fresh]] = tick
        self._kept[numbers[fresh]] = kept[fresh]

    def _number(self, name: bytes) -> int:
        found = self._numbers.setdefault(name, len(self._names))
        if found == len(self._names):
            self._names.append(name)
        return found

    def _valued(
        self,
        tick: int,
        scorer: MixtureScorer,
        customers: list[bytes],
        bases: NDArray[np.float32],
        money: NDArray[np.float32],
        left: NDArray[np.bool_],
    ) -> Valued:
        model = self.learner.scorer(scorer.mixture)
        found = model.value(bases, money, self._discount)
        longer = [model.over(days, bases, money, self._discount) for days in self._longer]
        stays = ~left
        recency = np.rint(bases[:, RECENCY_COLUMN].astype(np.float64)).astype(np.int64) * DAY
        return Valued(
            tick,
            customers,
            found.values * stays,
            found.if_kept * stays,
            np.where(left, 1.0, found.probabilities),
            found.visits * stays,
            recency,
            np.array(longer).reshape(len(longer), len(customers)) * stays,
        )


def _in_order(names: Sequence[bytes]) -> tuple[NDArray[np.int64], list[bytes]]:
    order = sorted(range(len(names)), key=names.__getitem__)
    return np.array(order, dtype=np.int64), [names[row] for row in order]


def _observed(customers: Sequence[bytes], rows: NDArray[np.float32], observed_at: NDArray[np.int64]) -> Observed:
    rows = rows.reshape(-1, BASIS + MONEY)
    return Observed(customers, rows[:, :BASIS], rows[:, BASIS:], observed_at)
