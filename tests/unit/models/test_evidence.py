"""Evidence between two models: it holds at any time, and comes when there is something to find."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.evidence import CLIP, Evidence
from models.churn.snapshot import SnapshotRefused


def test_a_model_that_is_no_better_is_hardly_ever_found_to_be() -> None:
    """Ten years of weekly looks, a thousand times; the sequence may be wrong in one of twenty."""
    random, wrong = np.random.default_rng(1), 0
    for _ in range(1_000):
        evidence = Evidence()
        for value in random.normal(0.0, 0.03, 520).tolist():
            evidence.add(value)
            if evidence.lower > 0.0:
                wrong += 1
                break
    assert wrong <= 50


def test_a_better_model_is_found_and_a_much_better_one_soon() -> None:
    random = np.random.default_rng(2)
    waits = []
    for better in (0.08, 0.03, 0.015):
        evidence, week = Evidence(), 0
        while evidence.lower <= 0.0:
            evidence.add(float(random.normal(better, 0.02)))
            week += 1
            assert week < 500
        waits.append(week)
    assert waits == sorted(waits)
    assert waits[0] < 30


@given(st.lists(st.floats(-1.0, 1.0), max_size=50))
def test_the_bound_is_below_the_mean_and_within_the_clip(values: list[float]) -> None:
    evidence = Evidence()
    for value in values:
        evidence.add(value)
        assert -CLIP <= evidence.lower <= evidence.mean <= CLIP
    again = Evidence()
    again.restore(evidence.state())
    assert (again.weeks, again.mean, again.lower) == (evidence.weeks, evidence.mean, evidence.lower)


@pytest.mark.parametrize("state", [None, {}, {"weeks": -1, "sum": 0.0, "variance": 0.0}, {"weeks": 1, "sum": 2.0}])
def test_what_is_no_evidence_is_refused(state: object) -> None:
    evidence = Evidence()
    evidence.add(0.05)
    with pytest.raises(SnapshotRefused):
        evidence.restore(state)
    assert evidence.weeks == 1
