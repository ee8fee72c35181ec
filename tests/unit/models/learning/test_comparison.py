"""The windows in which models are compared: they never overlap, and are complete when they are closed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.churn.port import Outcomes
from models.customer.layout import BASIS
from models.learning.comparison import ENOUGH, Comparison, log_losses
from models.settings import DAY, HOUR, EngineSettings

BEGIN = 20_000 * DAY


def told(time: int, rows: int = 1) -> Outcomes:
    truths = np.ones(rows, dtype=np.bool_)
    return Outcomes(
        [b"c"] * rows, np.zeros((rows, BASIS), dtype=np.float32), np.full(rows, time, dtype=np.int64), truths
    )


def expected(champion: float, other: float, rows: int = 1) -> dict[str, NDArray[np.float64]]:
    return {"champion": np.full(rows, champion), "other": np.full(rows, other)}


rules = st.builds(
    lambda horizon, lateness, tick: EngineSettings(
        horizon=horizon * DAY, lateness=lateness * HOUR, tick=tick * DAY, boundary=tick * DAY
    ),
    horizon=st.integers(1, 120),
    lateness=st.integers(0, 48),
    tick=st.integers(1, 30),
)


@settings(max_examples=200)
@given(rules, st.data())
def test_windows_never_overlap_and_are_closed_when_their_last_outcome_is_known(
    engine: EngineSettings, data: st.DataObject
) -> None:
    """Every hour of two horizons a snapshot: those that count fall into windows whose outcomes are apart in time."""
    span = engine.horizon + engine.lateness
    snapshots = sorted(BEGIN + data.draw(st.integers(0, 3 * span // HOUR), label="hours") * HOUR for _ in range(30))
    comparison = Comparison(engine, "champion", ["other"])
    windows: dict[int, list[int]] = {}
    for snapshot in snapshots:
        before = {window: outcomes for window, (outcomes, _) in comparison._open.items()}
        comparison.add(told(snapshot), expected(0.5, 0.5))
        for window, (outcomes, _) in comparison._open.items():
            if outcomes > before.get(window, 0):
                windows.setdefault(window, []).append(snapshot)
    found = [windows[window] for window in sorted(windows)]
    for one, two in itertools.pairwise(found):
        assert max(one) + span <= min(two), "what happened in one window is part of the next"
    for number, mine in enumerate(found, start=1):
        known = max(mine) + span
        comparison.close(known - 1)
        assert comparison.evidence["other"].windows < number, "closed before its last outcome was known"
        comparison.close(known + max(7 * DAY, engine.tick) * 2)
        assert comparison.evidence["other"].windows >= number


def test_nothing_counts_that_was_foretold_before_the_champion_was() -> None:
    engine = EngineSettings(horizon=7 * DAY, lateness=0)
    comparison = Comparison(engine, "champion", ["other"], since=BEGIN)
    for day in range(-30, 0):
        comparison.add(told(BEGIN + day * DAY), expected(0.5, 0.9))
    comparison.close(BEGIN + 100 * DAY)
    assert comparison.evidence["other"].windows == 0


def test_a_window_of_few_outcomes_counts_for_less() -> None:
    engine = EngineSettings(horizon=7 * DAY, lateness=0)
    means = []
    for rows in (1, ENOUGH // 2, ENOUGH, 3 * ENOUGH):
        comparison = Comparison(engine, "champion", ["other"])
        for week in range(2):  # one of them counts
            comparison.add(told(BEGIN + week * 7 * DAY, rows), expected(0.50, 0.52, rows))
        comparison.close(BEGIN + 200 * DAY)
        means.append(comparison.evidence["other"].mean)
    assert means[0] < means[1] < means[2]
    assert means[3] == pytest.approx(means[2])


def test_a_window_of_few_outcomes_that_weigh_much_counts_as_few() -> None:
    engine = EngineSettings(horizon=7 * DAY, lateness=0)
    means = []
    for weight in (1.0, 20.0):
        comparison = Comparison(engine, "champion", ["other"])
        for week in range(2):
            outcomes = told(BEGIN + week * 7 * DAY, 5)._replace(weights=np.full(5, weight))
            comparison.add(outcomes, expected(0.50, 0.52, 5))
        # What is kept of it says as much.
        again = Comparison(engine, "champion", ["other"])
        again.restore(comparison.state())
        again.close(BEGIN + 200 * DAY)
        means.append(again.evidence["other"].mean)
    assert means[0] != 0.0
    assert means[1] == pytest.approx(means[0])


def test_nobody_is_surer_than_the_surest() -> None:
    losses = log_losses(np.array([1.0, 0.0, 0.7]), np.array([True, True, True]))
    assert np.isfinite(losses).all()
    assert losses[0] > 0.0
    assert losses[2] == -np.log(0.7)


def test_a_champion_without_challengers_has_nothing_to_prove() -> None:
    comparison = Comparison(EngineSettings(), "champion", [])
    comparison.add(told(BEGIN), {"champion": np.array([0.5])})
    assert comparison.close(BEGIN + 1_000 * DAY) is None
