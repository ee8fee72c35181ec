"""Evidence between two models: it holds at any time, and comes when there is something to find."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.snapshot import SnapshotRefused
from models.learning.confidence_sequence import ALPHA, CLIP, Evidence


@pytest.mark.parametrize("spread", [0.0, 0.005, 0.02, 0.2])
def test_a_model_that_is_no_better_is_hardly_ever_found_to_be(spread: float) -> None:
    """Three hundred looks, five hundred times; the sequence may be wrong in one of twenty."""
    random, wrong = np.random.default_rng(1), 0
    for _ in range(500):
        evidence = Evidence()
        for value in random.normal(0.0, spread, 300).tolist():
            evidence.add(value)
            if evidence.enough:
                wrong += 1
                break
    assert wrong <= 500 * ALPHA


@pytest.mark.slow
def test_the_bound_holds_for_a_mean_that_wanders() -> None:
    """What is to be expected may change from window to window: the sequence is about its mean so far."""
    random, wrong = np.random.default_rng(3), 0
    for _ in range(300):
        evidence, expected = Evidence(), 0.0
        for window in range(1, 151):
            better = 0.02 * np.sin(window / 9.0)
            expected += (better - expected) / window
            evidence.add(float(better + random.uniform(-0.02, 0.02)))
            if evidence.mean > expected and evidence.lower > expected + 1e-12:
                wrong += 1
                break
    assert wrong <= 300 * ALPHA


def test_a_better_model_is_found_and_a_much_better_one_soon() -> None:
    random = np.random.default_rng(2)
    waits = []
    for better in (1.0, 0.03, 0.015, 0.008):
        evidence, window = Evidence(), 0
        while not evidence.enough:
            evidence.add(float(random.normal(better, 0.01)))
            window += 1
            assert window < 500
        waits.append(window)
    assert waits == sorted(waits)
    assert waits[0] == 11


def test_a_smaller_chance_of_error_takes_longer() -> None:
    sure, surer = Evidence(ALPHA), Evidence(ALPHA / 10)
    for _ in range(20):
        sure.add(0.03)
        surer.add(0.03)
        assert surer.lower <= sure.lower
    assert surer.lower < sure.lower


@given(st.lists(st.floats(-1.0, 1.0), max_size=50))
def test_the_bound_is_below_the_mean_and_within_the_clip(values: list[float]) -> None:
    evidence = Evidence()
    for value in values:
        evidence.add(value)
        assert -CLIP <= evidence.lower <= evidence.mean <= CLIP
        assert evidence.enough == (evidence.lower > 0.0)
    again = Evidence()
    again.restore(evidence.state())
    assert again.state() == evidence.state()
    assert again.lower == evidence.lower


@pytest.mark.parametrize(
    "state", [None, {}, {"windows": -1, "sum": 0.0, "variance": 0.0, "gained": 0.0}, {"windows": 1, "sum": 2.0}]
)
def test_what_is_no_evidence_is_refused(state: object) -> None:
    evidence = Evidence()
    evidence.add(0.05)
    with pytest.raises(SnapshotRefused):
        evidence.restore(state)
    assert evidence.windows == 1
