"""The quality of predictions against plain definitions, counted out one by one."""

from __future__ import annotations

import math
from itertools import groupby, product
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.simulation.quality import BINS, Quality, auc, by_tick, calibration_curve, calibration_error, quality

Row = tuple[int, int, float]
"""Tick, churned, probability."""

chances = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 1e-5, 0.25, 0.5, 1.0]))
tables = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1), chances), min_size=1, max_size=60)


def columns(rows: list[Row]) -> tuple[list[int], list[int], list[float]]:
    ticks, churned, probability = zip(*rows, strict=True)
    return list(ticks), list(churned), list(probability)


def plain_auc(rows: list[Row]) -> float:
    pairs = [(p, q) for (_, y, p), (_, z, q) in product(rows, rows) if y and not z]
    return fmean((p > q) + 0.5 * (p == q) for p, q in pairs) if pairs else math.nan


def plain_log_loss(rows: list[Row]) -> float:
    return -fmean(math.log(p if y else 1.0 - p) for _, y, p in rows)


def clip(rows: list[Row]) -> list[Row]:
    return [(tick, y, min(max(p, 1e-4), 1.0 - 1e-4)) for tick, y, p in rows]


def plain_ece(rows: list[Row], bins: int = 15) -> float:
    ranked = sorted(rows, key=lambda row: row[2])
    size, more = divmod(len(ranked), bins)
    total = 0.0
    for i in range(bins):
        part, ranked = ranked[: size + (i < more)], ranked[size + (i < more) :]
        total += abs(sum(y for _, y, _ in part) - sum(p for _, _, p in part))
    return total / len(rows)


def plain_quality(rows: list[Row]) -> Quality:
    clipped = clip(rows)
    ticks = [list(part) for _, part in groupby(sorted(rows, key=lambda row: row[0]), key=lambda row: row[0])]
    within = [value for value in map(plain_auc, ticks) if not math.isnan(value)]
    return Quality(
        decisions=len(rows),
        churn_rate=fmean(y for _, y, _ in rows),
        auc=plain_auc(clipped),
        auc_within_tick=fmean(within) if within else math.nan,
        log_loss=plain_log_loss(clipped),
        brier=fmean((y - p) ** 2 for _, y, p in clipped),
        ece=plain_ece(clipped),
        tick_bias=fmean(abs(fmean(p for _, _, p in part) - fmean(y for _, y, _ in part)) for part in ticks),
    )


@given(tables)
def test_every_measure_is_its_definition(rows: list[Row]) -> None:
    assert quality(*columns(rows)) == pytest.approx(plain_quality(rows), rel=1e-9, abs=1e-12, nan_ok=True)


@given(tables)
def test_by_tick_each_row_is_the_quality_of_that_tick(rows: list[Row]) -> None:
    found = by_tick(*columns(rows))
    assert found.tick.tolist() == sorted({tick for tick, _, _ in rows})
    assert found.decisions.sum() == len(rows)
    for tick, *numbers in zip(*found, strict=True):
        mine = [row for row in rows if row[0] == tick]
        rate, predicted = fmean(y for _, y, _ in mine), fmean(p for _, _, p in mine)
        wanted = [len(mine), rate, predicted, plain_auc(mine), plain_log_loss(clip(mine))]
        assert numbers == pytest.approx(wanted, rel=1e-9, abs=1e-12, nan_ok=True)


@given(tables)
def test_the_order_of_decisions_changes_nothing_but_bins_of_equal_probabilities(rows: list[Row]) -> None:
    forward, back = quality(*columns(rows)), quality(*columns(rows[::-1]))
    assert back._replace(ece=forward.ece) == pytest.approx(forward, nan_ok=True)


@given(tables)
def test_the_calibration_curve_holds_every_decision_once_and_rises(rows: list[Row]) -> None:
    _, churned, probability = columns(rows)
    curve = calibration_curve(churned, probability)
    assert len(curve.decisions) == min(len(rows), BINS)
    assert curve.decisions.max() - curve.decisions.min() <= 1
    assert curve.decisions @ curve.observed == pytest.approx(sum(churned))
    assert curve.decisions @ curve.predicted == pytest.approx(sum(p for _, _, p in clip(rows)))
    assert all(np.diff(curve.predicted) >= -1e-12)


def test_perfect_knowledge_has_perfect_quality() -> None:
    found = quality([1, 1, 2, 2], [0, 1, 0, 1], [0.0, 1.0, 0.0, 1.0])
    assert (found.auc, found.auc_within_tick, found.tick_bias) == (1.0, 1.0, 0.0)
    assert found.log_loss == pytest.approx(1e-4, rel=1e-3)
    assert found.ece == pytest.approx(1e-4)


def test_ranking_ticks_is_no_ranking_of_customers() -> None:
    # The level of each tick is known, and nothing of the customers in it.
    ticks, churned = [1] * 4 + [2] * 4, [0, 0, 0, 1, 0, 1, 1, 1]
    found = quality(ticks, churned, [0.25] * 4 + [0.75] * 4)
    assert found.auc == 0.75
    assert found.auc_within_tick == 0.5
    assert found.tick_bias == 0.0


def test_one_class_only_has_no_ranking_but_all_the_rest() -> None:
    found = quality([1, 2], [1, 1], [0.5, 0.5])
    assert math.isnan(found.auc)
    assert math.isnan(found.auc_within_tick)
    assert found.log_loss == pytest.approx(math.log(2))


def test_ticks_may_be_dates() -> None:
    found = by_tick(np.array(["2020-01-08", "2020-01-01"], dtype="datetime64[D]"), [0, 1], [0.1, 0.9])
    assert found.tick.astype(str).tolist() == ["2020-01-01", "2020-01-08"]
    assert found.churn_rate.tolist() == [1.0, 0.0]


def test_fewer_bins_see_less() -> None:
    churned, probability = [1, 0, 1, 0], [0.4, 0.45, 0.55, 0.6]
    assert calibration_error(churned, probability, bins=1) == pytest.approx(0.0)
    assert calibration_error(churned, probability, bins=4) == pytest.approx((0.6 + 0.45 + 0.45 + 0.6) / 4)
    assert auc(churned, probability) == 0.25


@pytest.mark.parametrize(
    ("tick", "churned", "probability", "complaint"),
    [
        ([], [], [], "at least one"),
        ([1], [0, 1], [0.5], "as many of each"),
        ([1], [0, 1], [0.5, 0.5], "ticks for"),
        ([1], [2], [0.5], "neither 0 nor 1"),
        ([1], [0], [1.5], "between 0 and 1"),
        ([1], [0], [math.nan], "between 0 and 1"),
    ],
)
def test_what_is_no_table_of_decisions_is_refused(
    tick: list[int], churned: list[int], probability: list[float], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        quality(tick, churned, probability)
