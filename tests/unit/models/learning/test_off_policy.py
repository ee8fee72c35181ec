"""Values of other policies: unbiased, honest about their error, and silent where the log says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.learning.off_policy import Floats, Value, difference, value, weights

CHANCES = np.array([0.2, 0.5, 0.3])
MEANS = np.array([1.0, 2.0, 4.0])


def log(rows: int, seed: int) -> tuple[np.ndarray, Floats, Floats]:
    """What was done, its chance, what came."""
    rng = np.random.default_rng(seed)
    taken = rng.choice(3, rows, p=CHANCES)
    return taken, CHANCES[taken], MEANS[taken] + rng.normal(0, 2, rows)


def judged(target: Floats, rows: int, seed: int, expected: Floats = MEANS) -> Value:
    taken, chances, rewards = log(rows, seed)
    return value(
        weights(target[taken], chances), rewards, np.full(rows, float((target * expected).sum())), expected[taken]
    )


TARGETS = [np.array([1.0, 0.0, 0.0]), np.array([0.1, 0.1, 0.8]), np.full(3, 1 / 3)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("estimate", ["ips", "snips", "dr"])
def test_estimates_hold_the_truth_as_often_as_their_errors_say(target: Floats, estimate: str) -> None:
    truth = float((target * MEANS).sum())
    z = []
    for seed in range(150):
        found = judged(target, 1_500, seed)
        z.append((getattr(found, estimate) - truth) / getattr(found, f"{estimate}_se"))
    assert np.mean(z) == pytest.approx(0.0, abs=0.3)
    assert np.std(z) == pytest.approx(1.0, abs=0.2)


def test_doubly_robust_is_right_with_a_wrong_expectation_and_surer_with_a_right_one() -> None:
    target = TARGETS[1]
    wrong = np.mean([judged(target, 1_500, seed, np.array([9.0, -3.0, 0.0])).dr for seed in range(60)])
    assert wrong == pytest.approx(float((target * MEANS).sum()), abs=0.15)
    assert judged(target, 1_500, 1).dr_se < judged(target, 1_500, 1).ips_se


def test_the_logs_own_policy_is_its_mean() -> None:
    taken, chances, rewards = log(500, 3)
    found = value(weights(CHANCES[taken], chances), rewards, np.zeros(500), np.zeros(500))
    assert (found.ips, found.snips, found.ess) == pytest.approx((rewards.mean(), rewards.mean(), 500))
    assert found.ips_se == pytest.approx(rewards.std(ddof=1) / 500**0.5)


@given(st.integers(0, 50), st.floats(-100, 100), st.floats(0.01, 100))
def test_values_move_with_the_unit_of_the_reward(seed: int, shift: float, scale: float) -> None:
    taken, chances, rewards = log(100, seed)
    weighed = weights(TARGETS[1][taken], chances)
    zeros = np.zeros(100)
    one, other = value(weighed, rewards, zeros, zeros), value(weighed, shift + scale * rewards, zeros, zeros)
    assert other.snips == pytest.approx(shift + scale * one.snips, abs=1e-6)
    assert other.snips_se == pytest.approx(scale * one.snips_se, abs=1e-6)


def test_few_effective_rows_are_no_overlap() -> None:
    rare = np.full(10_000, 0.0)
    rare[:150] = 60.0
    zeros = np.zeros(10_000)
    assert not value(rare, zeros, zeros, zeros).overlap
    rare[:400] = 25.0
    assert not value(rare, zeros, zeros, zeros).overlap, "400 rows, but four of a hundred"
    assert value(np.ones(10_000), zeros, zeros, zeros).overlap
    assert not value(np.ones(10_000), zeros, zeros, zeros, unsupported=0.02).overlap


def test_chances_that_are_not_true_show_in_the_mean_weight() -> None:
    taken, chances, rewards = log(3_000, 5)
    target = TARGETS[0][taken]
    zeros = np.zeros(3_000)
    assert value(weights(target, chances), rewards, zeros, zeros).fits
    assert not value(weights(target, chances * 0.7), rewards, zeros, zeros).fits


def test_what_was_never_done_has_no_value() -> None:
    found = value(np.zeros(10), np.ones(10), np.zeros(10), np.zeros(10))
    assert np.isnan(found.snips)
    assert (found.ess, found.overlap) == (0.0, False)


def test_a_difference_on_the_same_rows_is_surer_than_two_values() -> None:
    taken, chances, rewards = log(4_000, 7)
    one, other = weights(np.array([0.0, 0.1, 0.9])[taken], chances), weights(np.array([0.0, 0.0, 1.0])[taken], chances)
    mean, se = difference(one, other, rewards)
    zeros = np.zeros(4_000)
    apart = [value(weighed, rewards, zeros, zeros) for weighed in (one, other)]
    assert mean == pytest.approx(apart[0].snips - apart[1].snips)
    assert se < 0.6 * (apart[0].snips_se ** 2 + apart[1].snips_se ** 2) ** 0.5
    assert difference(one, one, rewards) == (0.0, 0.0)
    assert np.isnan(difference(np.zeros(4_000), one, rewards)[0])
