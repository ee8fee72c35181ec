"""A log's values, as an evaluation makes them, with the decisions that can be held against what customers spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec import UnsetType
from numpy.typing import NDArray

from models.settings import WEEK
from models.simulation.value import Valued, evaluate_values
from models.value.learner import ValueLearner
from models.value.pyramid import SHARES, Histogram, bucket_of, tier_of
from streams.history.evaluation.run import NothingToEvaluate, Prepared
from streams.history.evaluation.spending import LogSpending
from streams.history.replay import logs, tape


class ValuedLog(NamedTuple):
    """The values of each tick with somebody to value, what the last version says of values, and what was spent."""

    ticks: list[Valued]
    model: Mapping[str, Any]
    spending: LogSpending


def values(
    prepared: Prepared,
    on_tick: Callable[[Valued], None],
    longer_days: Sequence[float] = (),
    discount: float = 0.0,
) -> ValuedLog:
    """Send the log through the engine in memory; `on_tick` hears of each tick.

    Challengers of the churn model are left out: values are made with the mixture's silence curve.

    Args:
        prepared: the log.
        on_tick: hears of each tick.
        longer_days: longer horizons to value over as well.
        discount: continuous rate a year.

    Raises:
        NothingToEvaluate: the log is over before its first tick.
    """
    config, settings = prepared.config, replace(prepared.settings, challengers="")
    spending, found = LogSpending(prepared.events), list[Valued]()

    def at_tick(valued: Valued) -> None:
        found.append(valued)
        on_tick(valued)

    partitions = logs(tape(prepared.events, config.partitions, settings), config.partitions)
    topic = config.topic("touchpoints")
    world = evaluate_values(partitions, settings, at_tick, topic, longer_days, discount)
    if not found:
        day = f"{config.tick_days:g} days after its first day"
        raise NothingToEvaluate(f"{prepared.log} is over before its first tick, {day}")
    stated = world.learning.version().value
    model = ValueLearner(settings).version() if isinstance(stated, UnsetType) else stated
    return ValuedLog(found, model, spending)


class ValueTable(NamedTuple):
    """Decisions with what came, in columns of shape (decisions,): tick (ms), what was expected and what was spent; and
    the chance that was given to them to buy again at all, with what they would then be worth."""

    ticks: NDArray[np.int64]
    values: NDArray[np.float64]
    actual: NDArray[np.float64]
    if_kept: NDArray[np.float64]


NO_DECISIONS: Final = ValueTable(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros(0))


def decided(ticks: Sequence[Valued], spending: LogSpending, horizon: int, longer: int | None = None) -> ValueTable:
    """Everybody valued at ticks whose horizon lies in the log.

    Args:
        ticks: values.
        spending: of the log.
        horizon: ms.
        longer: which of the longer horizons `horizon` is; None: the model's own.
    """
    parts = [NO_DECISIONS]
    for valued in ticks:
        if valued.tick + horizon > spending.end:
            continue
        at = np.full(len(valued.customers), valued.tick)
        actual = spending.net(valued.customers, at, at + horizon)
        expected = valued.values if longer is None else valued.longer[longer]
        parts.append(ValueTable(at, expected, actual, valued.if_kept))
    return ValueTable(*map(np.concatenate, zip(*parts, strict=True)))


class Tiers(NamedTuple):
    """How customers moved between tiers, with a band about the cuts.

    quiet: customer-weeks from one tick to the next, a week later, without a purchase or a return between. moved: of
    them with another tier than before. plain: of them, if there were no band. shares: of the customers of all ticks in
    each tier, from the top.
    """

    quiet: int
    moved: int
    plain: int
    shares: list[float]


class Placing:
    """Puts the customers of one moment after another into tiers, as a version's cuts do, with a band about them."""

    def __init__(self, shares: Sequence[float] = SHARES) -> None:
        """shares: of the customers, from the top, of all tiers but the lowest."""
        self._shares = shares
        self.histogram, self.cuts = Histogram(), [0] * len(shares)
        self._before: dict[bytes, int] = {}

    def place(self, valued: Valued) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The customers' tiers, and what they were without a band, each of shape (customers,)."""
        buckets = list(map(bucket_of, valued.values.tolist()))
        self.histogram = Histogram()
        for bucket in buckets:
            self.histogram.move(None, bucket)
        self.cuts = self.histogram.cuts(self._shares)
        before = map(self._before.get, valued.customers)
        placed = [tier_of(bucket, self.cuts, old) for bucket, old in zip(buckets, before, strict=True)]
        self._before = dict(zip(valued.customers, placed, strict=True))
        plain = [tier_of(bucket, self.cuts) for bucket in buckets]
        return np.array(placed, dtype=np.int64), np.array(plain, dtype=np.int64)


def tiers(
    ticks: Sequence[Valued], spending: LogSpending, counts_at: Callable[[int], bool] = lambda tick: True
) -> Tiers:
    """Tiers of all customers at all ticks, with the cuts of each tick's own histogram.

    Args:
        ticks: values.
        spending: of the log.
        counts_at: whether a tick (ms) is counted; tiers before it are kept all the same.
    """
    placing, before = Placing(), dict[bytes, tuple[int, int]]()
    quiet, moved, plain, last = 0, 0, 0, None
    counts = np.zeros(len(SHARES) + 1, dtype=np.int64)
    for valued in ticks:
        placed, bare = placing.place(valued)
        counted = counts_at(valued.tick)
        counts += np.bincount(placed, minlength=len(counts)) * counted
        now = list(zip(placed.tolist(), bare.tolist(), strict=True))
        if counted and last is not None and valued.tick - last == WEEK:
            at = np.full(len(placed), valued.tick)
            silent = spending.silent(valued.customers, at - WEEK, at)
            for name, found, was_silent in zip(valued.customers, now, silent.tolist(), strict=True):
                if was_silent and (old := before.get(name)) is not None:
                    quiet += 1
                    moved += found[0] != old[0]
                    plain += found[1] != old[1]
        before, last = dict(zip(valued.customers, now, strict=True)), valued.tick
    return Tiers(quiet, moved, plain, (counts / max(counts.sum(), 1)).tolist())
