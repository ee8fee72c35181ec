"""Quality of values: what is perfect is told to be, figures worked out by hand, and units that cancel."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.simulation.value_quality import gini, lorenz, value_groups, value_quality, values_by_tick

ACTUAL = np.array([0.0, 10.0, 20.0, 90.0, -5.0, 40.0, 0.0, 5.0, 30.0, 10.0])
TICKS = np.array([1, 1, 1, 1, 1, 2, 2, 2, 2, 2])


def test_who_knows_what_comes_is_perfect() -> None:
    actual = np.maximum(ACTUAL, 0.0) + 1.0
    found = value_quality(TICKS, actual, actual)
    assert (found.deviance, found.total, found.decile_error, found.tick_bias, found.mae) == (0.0, 1.0, 0.0, 0.0, 0.0)
    assert found.gini == pytest.approx(1.0)
    assert found.spearman == pytest.approx(1.0)
    assert (found.found_1, found.found_5, found.found_20, found.money_20) == (1.0, 1.0, 1.0, 1.0)
    assert found.negative == 0.0


def test_figures_by_hand() -> None:
    actual, value = np.array([0.0, 4.0, 8.0, -4.0]), np.array([1.0, 1.0, 4.0, 2.0])
    found = value_quality(np.zeros(4), actual, value)
    unit = 2.0
    rows = [
        4 * (sqrt(max(y, 0.0) / unit) - sqrt(m / unit)) ** 2 / sqrt(m / unit)
        for y, m in zip(actual, value, strict=True)
    ]
    assert found.deviance == pytest.approx(sum(rows) / 4)
    assert found.total == 1.0
    assert found.negative == 0.25
    assert found.mae == pytest.approx((1 + 3 + 4 + 6) / 4 / unit)
    # Ten groups of four customers: each alone.
    assert found.decile_error == pytest.approx((1 + 3 + 4 + 6) / 8.0)
    # By value 4, 2, 1, 1: shares of spend 1, 1/2, 1/2 (the first of two equal ones), 1.
    even = 0.5 * (1 + 1 / 4)
    assert found.gini == pytest.approx((np.mean([1.0, 0.5, 0.5, 1.0]) - even) / (np.mean([1.0, 1.5, 1.5, 1.0]) - even))


def test_nothing_spent_has_no_ratios() -> None:
    found = value_quality([1, 1], [0.0, 0.0], [1.0, 2.0])
    assert all(isnan(one) for one in (found.total, found.deviance, found.gini, found.mae, found.found_20))


@given(st.floats(1e-3, 1e3))
def test_the_currency_does_not_count(rate: float) -> None:
    value = np.abs(ACTUAL[::-1]) + 1.0
    here, there = (value_quality(TICKS, k * ACTUAL, k * value)._asdict() for k in (1.0, rate))
    for name in here.keys() - {"mean_actual"}:
        assert there[name] == pytest.approx(here[name], rel=1e-9, nan_ok=True), name


def test_by_tick_and_by_group_add_up_to_the_whole() -> None:
    value = np.abs(ACTUAL[::-1]) + 1.0
    ticks, groups = values_by_tick(TICKS, ACTUAL, value), value_groups(ACTUAL, value, 4)
    assert ticks.tick.tolist() == [1, 2]
    assert ticks.predicted.sum() == pytest.approx(value.sum())
    assert ticks.actual.sum() == pytest.approx(ACTUAL.sum())
    assert groups.decisions.tolist() == [3, 3, 2, 2]
    assert (groups.decisions * groups.actual).sum() == pytest.approx(ACTUAL.sum())
    assert (np.diff(groups.predicted) >= 0.0).all()


def test_the_lorenz_curve_ends_at_all_that_was_spent_and_ranks_by_the_worst_order_fall_below_nothing() -> None:
    spent = np.array([5.0, 3.0, 2.0, 0.0])
    assert lorenz(spent, spent).tolist() == [0.5, 0.8, 1.0, 1.0]
    assert gini(spent, -spent) == pytest.approx(-1.0)
    assert isnan(gini(np.ones(3), spent[:3]))


@pytest.mark.parametrize(
    ("ticks", "actual", "value"),
    [([], [], []), ([1], [1.0, 2.0], [1.0, 2.0]), ([1, 1], [1.0, np.nan], [1.0, 1.0]), ([1], [1.0], [np.inf])],
)
def test_tables_that_are_none_are_refused(ticks: list[int], actual: list[float], value: list[float]) -> None:
    with pytest.raises(ValueError, match=r"as many of each|not a finite number"):
        value_quality(ticks, actual, value)
