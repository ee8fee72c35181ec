"""Values of an evaluation: no leak from what came later, and nothing that depends on how customers are spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from models.settings import DAY, EngineSettings
from models.simulation.value import Valued, evaluate_values
from models.timeline.batch import LogRecord
from models.touchpoints import Kind, Rejected, read
from tests.support.logs import START
from tests.support.shop import WEEK, Shop

SETTINGS = EngineSettings(
    horizon=28 * DAY, anchor=START, phase="aligned", boundary=WEEK, version_delay=0, lateness=0, challengers=""
)
SHOP = Shop(customers=120, weeks=26, effects={"return": -0.3})


class Told:
    """What customers spent."""

    def __init__(self, logs: Sequence[Sequence[LogRecord]]) -> None:
        self._spent: dict[bytes, list[tuple[int, float]]] = {}
        for record in (record for log in logs for record in log):
            touch = read(record.value, record.key, record.timestamp)
            if not isinstance(touch, Rejected) and record.key and touch.kind in (Kind.PURCHASE, Kind.RETURN):
                sign = 1.0 if touch.kind == Kind.PURCHASE else -1.0
                self._spent.setdefault(record.key, []).append((touch.time, sign * touch.a))

    def net(
        self, customers: Sequence[bytes], since: NDArray[np.int64], until: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        spans = zip(customers, since.tolist(), until.tolist(), strict=True)
        return np.array(
            [sum(a for at, a in self._spent.get(name, ()) if first <= at < end) for name, first, end in spans]
        )


@cache
def logs(partitions: int = 2) -> list[list[LogRecord]]:
    return SHOP.logs(partitions)


def told(partitions: list[list[LogRecord]], settings: EngineSettings = SETTINGS) -> dict[int, Valued]:
    found: dict[int, Valued] = {}

    def on_values(valued: Valued) -> None:
        found[valued.tick] = valued

    evaluate_values(partitions, settings, on_values, longer_days=(91.0,))
    return found


@cache
def whole() -> dict[int, Valued]:
    return told(logs())


def bits(valued: Valued) -> tuple[list[bytes], list[bytes]]:
    return valued.customers, [column.tobytes() for column in valued[2:]]


@pytest.mark.parametrize("week", [3, 9, 17])
def test_what_comes_after_a_tick_changes_nothing_up_to_it(week: int) -> None:
    end = START + week * WEEK
    cut = told([[entry for entry in log if entry.timestamp <= end] for log in logs()])
    assert max(cut) == end
    for tick, valued in cut.items():
        assert bits(valued) == bits(whole()[tick])


def test_how_customers_are_spread_over_partitions_changes_nothing() -> None:
    for partitions in (1, 3):
        assert {tick: bits(valued) for tick, valued in told(logs(partitions)).items()} == {
            tick: bits(valued) for tick, valued in whole().items()
        }


def test_those_are_valued_whose_silence_is_of_two_horizons_at_most_by_name() -> None:
    last = whole()[max(whole())]
    assert last.customers == sorted(last.customers)
    assert last.recency.max() <= 2 * SETTINGS.horizon
    assert 20 < len(last.customers) < SHOP.customers
    assert (last.values > 0.0).all()
    assert (last.if_kept > last.values).all()
    assert (last.longer[0] > last.values).all()


def test_values_are_of_the_size_of_what_is_spent_and_rank_it() -> None:
    spending, ranks, ratios = Told(logs()), list[float](), list[float]()
    for tick, valued in whole().items():
        if START + 12 * WEEK <= tick <= START + 21 * WEEK:
            at = np.full(len(valued.customers), tick)
            actual = spending.net(valued.customers, at, at + SETTINGS.horizon)
            ratios.append(float(valued.values.sum() / actual.sum()))
            ranks.append(float(np.corrcoef(valued.values.argsort().argsort(), actual.argsort().argsort())[0, 1]))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.3)
    assert np.mean(ranks) > 0.2


def test_a_version_without_a_silence_curve_is_refused_before_the_work() -> None:
    with pytest.raises(ValueError, match="challengers is 'adagrad'"):
        told(logs(), replace(SETTINGS, challengers="adagrad"))
