"""The online-Newton learners: their step, posterior, arrays and snapshots. River's own battery is in
test_newton_river."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from models.churn import SnapshotRefused
from models.churn.newton import kernels as kernels
from models.churn.newton.classifiers import NewtonCloglog, NewtonLogistic

Floats = NDArray[np.float64]
Newton = NewtonLogistic | NewtonCloglog
LEARNERS = [NewtonLogistic, NewtonCloglog]
LINKS = [kernels.LOGIT, kernels.CLOGLOG]

both = pytest.mark.parametrize("kind", LEARNERS)
seeds = st.integers(0, 2**32 - 1)


def named(width: int) -> list[str]:
    return [f"f{i}" for i in range(width)]


def bound(kind: type[Newton], width: int, **parameters: Any) -> Newton:
    learner = kind(**parameters)
    learner.bind(named(width))
    return learner


def probability(link: int, eta: Any) -> Any:
    """The links as they are written in books."""
    return 1.0 / (1.0 + np.exp(-eta)) if link == kernels.LOGIT else -np.expm1(-np.exp(eta))


def problem(kind: type[Newton], seed: int, count: int, width: int) -> tuple[Floats, Floats]:
    """Examples of the seed's world: standard normal features, moderate effects, the learner's own link."""
    draw = np.random.default_rng(seed)
    weights = 0.4 * draw.normal(size=width)
    rows = draw.normal(size=(count, width))
    eta = rows @ weights - 1.0
    return rows, (draw.random(count) < probability(kind._link, eta)).astype(np.float64)


def same_bits(one: Newton, other: Newton) -> bool:
    return (
        one.names == other.names
        and one.weights.tobytes() == other.weights.tobytes()
        and one.covariance.tobytes() == other.covariance.tobytes()
    )


# The step


def log_likelihood(link: int, eta: float, label: float) -> float:
    if link == kernels.LOGIT:
        return label * eta - math.log1p(math.exp(eta))
    hazard = math.exp(eta)
    return math.log(-math.expm1(-hazard)) if label else -hazard


@pytest.mark.parametrize("link", LINKS)
@given(eta=st.floats(-11.0, 2.0), label=st.sampled_from([0.0, 1.0]))
def test_the_slope_is_the_derivative_of_the_log_likelihood(link: int, eta: float, label: float) -> None:
    h = 1e-5
    numerical = (log_likelihood(link, eta + h, label) - log_likelihood(link, eta - h, label)) / (2 * h)
    slope, _ = kernels.slope_and_curvature(link, eta, label)
    assert slope == pytest.approx(numerical, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("link", LINKS)
@given(eta=st.floats(-8.0, 2.0))
def test_the_curvature_is_the_expected_second_derivative_with_its_sign_turned(link: int, eta: float) -> None:
    h = 1e-4

    def bend(label: float) -> float:
        slopes = [kernels.slope_and_curvature(link, eta + step, label)[0] for step in (h, -h)]
        return float(slopes[0] - slopes[1]) / (2 * h)

    p = float(probability(link, eta))
    _, curvature = kernels.slope_and_curvature(link, eta, 1.0)
    assert curvature == pytest.approx(-(p * bend(1.0) + (1 - p) * bend(0.0)), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("link", LINKS)
@given(eta=st.floats(-12.0, 2.5))
def test_the_slope_is_zero_on_average_and_its_variance_the_curvature(link: int, eta: float) -> None:
    p = kernels.probability(link, eta)
    up, curvature = kernels.slope_and_curvature(link, eta, 1.0)
    down, _ = kernels.slope_and_curvature(link, eta, 0.0)
    assert p * up + (1 - p) * down == pytest.approx(0.0, abs=1e-9)
    assert p * up**2 + (1 - p) * down**2 == pytest.approx(curvature, rel=1e-9)


@pytest.mark.parametrize(
    ("link", "least", "most"),
    [(kernels.LOGIT, -15.0, 15.0), (kernels.CLOGLOG, -12.0, 2.5)],
)
@given(beyond=st.floats(0.0, 1e300))
def test_beyond_its_bounds_the_linear_predictor_counts_as_the_bound(
    link: int, least: float, most: float, beyond: float
) -> None:
    for bound_, eta in ((least, least - beyond), (most, most + beyond)):
        assert kernels.probability(link, eta) == kernels.probability(link, bound_)
        assert kernels.slope_and_curvature(link, eta, 1.0) == kernels.slope_and_curvature(link, bound_, 1.0)
        assert 1e-9 < kernels.probability(link, eta) < 1 - 1e-9


def plainly(
    kind: type[Newton], rows: Floats, labels: Floats, prior: Floats, offsets: Floats, walk: float
) -> tuple[Floats, Floats]:
    """The same learning by the book: with the covariance itself, a step subtracts from it."""
    ones = np.column_stack([np.ones(len(rows)), rows])
    w, covariance = np.zeros(len(prior)), np.diag(prior)
    for i, (x, label) in enumerate(zip(ones, labels, strict=True)):
        if i == len(rows) // 2:
            covariance = covariance + walk * np.diag(prior)
        eta = float(x @ w) + offsets[i]
        if kind._link == kernels.LOGIT:
            p = float(probability(kernels.LOGIT, np.clip(eta, -15.0, 15.0)))
            g, q = label - p, p * (1 - p)
        else:
            e = math.exp(min(max(eta, -12.0), 2.5))
            p, m = 1 - math.exp(-e), e * math.exp(-e)
            g, q = (label - p) * m / (p * (1 - p)), m * m / (p * (1 - p))
        k = covariance @ x
        s = 1 + q * float(x @ k)
        w = w + k * g / s
        covariance = covariance - np.outer(k, k) * q / s
    return w, covariance


@both
@settings(max_examples=25)
@given(seed=seeds, width=st.integers(1, 12))
def test_the_root_learns_what_the_covariance_itself_would(kind: type[Newton], seed: int, width: int) -> None:
    rows, labels = problem(kind, seed, 120, width)
    offsets = np.random.default_rng(seed).normal(size=120)
    learner = bound(kind, width, precision=20.0, intercept_variance=30.0, walk=0.5, prior_precision={"f0": 3.0})
    learner.learn_rows(rows[:60], labels[:60], offsets[:60])
    learner.drift()
    learner.learn_rows(rows[60:], labels[60:], offsets[60:])
    prior = np.array([30.0 / 20.0, 1 / 3.0, *[1 / 20.0] * (width - 1)])
    w, covariance = plainly(kind, rows, labels, prior, offsets, 0.5)
    np.testing.assert_allclose(learner.weights, w, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(learner.covariance, covariance, rtol=1e-9, atol=1e-11)


def mode(kind: type[Newton], rows: Floats, labels: Floats, prior: Floats) -> tuple[Floats, Floats]:
    """The batch posterior mode, and the standard deviations of its Laplace approximation."""
    ones = np.column_stack([np.ones(len(rows)), rows])

    def loss(w: Floats) -> tuple[float, Floats]:
        eta = ones @ w
        p = probability(kind._link, eta)
        if kind._link == kernels.LOGIT:
            likelihood, slope = labels * eta - np.logaddexp(0.0, eta), labels - p
        else:
            hazard = np.exp(eta)
            likelihood = np.where(labels == 1.0, np.log(p), -hazard)
            slope = np.where(labels == 1.0, hazard * np.exp(-hazard) / p, -hazard)
        return float(0.5 * (w * w / prior).sum() - likelihood.sum()), w / prior - ones.T @ slope

    w: Floats = minimize(loss, np.zeros(len(prior)), jac=True, method="BFGS", options={"gtol": 1e-6}).x
    information = [kernels.slope_and_curvature(kind._link, float(eta), 1.0)[1] for eta in ones @ w]
    return w, np.sqrt(np.diag(np.linalg.inv((ones.T * np.array(information)) @ ones + np.diag(1 / prior))))


def against_the_mode(
    kind: type[Newton], seed: int, count: int, precision: float, intercept_variance: float
) -> tuple[Floats, Floats]:
    """How far the learner's weights are from the batch mode, in its standard deviations; its deviations over those."""
    rows, labels = problem(kind, seed, count, 5)
    learner = bound(kind, 5, precision=precision, intercept_variance=intercept_variance)
    learner.learn_rows(rows, labels)
    prior = np.array([intercept_variance / precision, *[1 / precision] * 5])
    w, deviations = mode(kind, rows, labels, prior)
    return np.abs(learner.weights - w) / deviations, np.sqrt(np.diag(learner.covariance)) / deviations


@pytest.mark.parametrize(("kind", "most"), [(NewtonLogistic, 0.5), (NewtonCloglog, 1.0)])
@pytest.mark.parametrize("seed", range(8))
def test_on_a_small_problem_the_weights_are_those_of_a_batch_fit(kind: type[Newton], most: float, seed: int) -> None:
    """They can't be equal: an example is linearised where the weights stood when it came, not where they ended. What
    may be asked is a difference below the posterior's own uncertainty, one standard deviation; half of it for the
    logit, whose curvature changes less."""
    off, deviations = against_the_mode(kind, seed, 400, precision=50.0, intercept_variance=100.0)
    assert off.max() < most
    np.testing.assert_allclose(deviations, 1.0, atol=0.1)


@both
def test_the_more_examples_the_closer_the_weights_are_to_a_batch_fit(kind: type[Newton]) -> None:
    """Even in standard deviations, which shrink themselves."""
    few, many = (
        np.mean([against_the_mode(kind, seed, count, precision=1.0, intercept_variance=1.0)[0] for seed in range(8)])
        for count in (400, 12_800)
    )
    assert many < 0.6 * few


@both
def test_where_the_prior_is_so_tight_that_nothing_bends_the_weights_equal_a_batch_fit(kind: type[Newton]) -> None:
    rows, labels = problem(kind, 0, 400, 5)
    learner = bound(kind, 5, precision=1e7, intercept_variance=1.0)
    learner.learn_rows(rows, labels)
    w, deviations = mode(kind, rows, labels, np.full(6, 1e-7))
    np.testing.assert_allclose(learner.weights, w, rtol=1e-3, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(learner.covariance)), deviations, rtol=1e-4)


@given(
    seed=seeds,
    link=st.sampled_from(LINKS),
    label=st.sampled_from([0.0, 1.0]),
    scale=st.sampled_from([1e-3, 1.0, 1e6]),
)
def test_compiled_code_and_python_learn_the_same_bits(seed: int, link: int, label: float, scale: float) -> None:
    draw = np.random.default_rng(seed)
    x, w, root = draw.normal(size=6) * scale, draw.normal(size=6), np.abs(draw.normal(size=21))
    states = []
    for function in (kernels.learn_row, kernels.learn_row.py_func):  # type: ignore[attr-defined]  # of numba
        weights, packed = w.copy(), root.copy()
        function(link, weights, packed, x, label, 0.5, 1.0, np.empty(6))
        states.append((weights.tobytes(), packed.tobytes()))
    assert states[0] == states[1]


# Weights of examples, offsets, drift, priors


@both
def test_an_example_of_weight_zero_changes_nothing_known(kind: type[Newton]) -> None:
    learner, other = kind(), kind()
    for one in (learner, other):
        one.learn_one({"a": 1.0, "b": -2.0}, True)
    learner.learn_one({"a": 3.0}, False, w=0.0)
    assert same_bits(learner, other)


def test_an_example_of_weight_two_has_twice_the_slope_and_information() -> None:
    learner = NewtonLogistic(precision=1.0, intercept=False)
    learner.learn_one({"a": 1.0}, True, w=2.0)
    # From w = 0: p = 1/2, q = 2 · 1/4, g = 2 · 1/2, k = P x = 1, s = 1 + q.
    np.testing.assert_allclose(learner.weights, [1.0 / 1.5], rtol=1e-15)
    np.testing.assert_allclose(learner.covariance, [[1.0 - 0.5 / 1.5]], rtol=1e-15)


@both
@given(seed=seeds, offset=st.floats(-3.0, 3.0))
def test_an_offset_is_a_feature_whose_weight_is_known_to_be_one(kind: type[Newton], seed: int, offset: float) -> None:
    rows, labels = problem(kind, seed, 30, 3)
    shifted, sure = bound(kind, 3), bound(kind, 4, prior_precision={"f3": 1e12})
    sure._posterior.weights[4] = 1.0
    shifted.learn_rows(rows, labels, np.full(30, offset))
    sure.learn_rows(np.column_stack([rows, np.full(30, offset)]), labels)
    np.testing.assert_allclose(shifted.weights, sure.weights[:4], atol=1e-8)
    x = {"f0": 1.0, "f1": -1.0}
    assert shifted.predict_proba_one(x, offset=offset)[True] == pytest.approx(
        sure.predict_proba_one({**x, "f3": offset})[True], rel=1e-7
    )


def test_with_weights_of_zero_the_offset_is_the_whole_answer() -> None:
    learner = bound(NewtonLogistic, 2)
    assert learner.linear_rows(np.ones((2, 2)), np.array([0.25, -3.0])).tolist() == [0.25, -3.0]
    assert learner.predict_proba_one({}, offset=0.25)[True] == kernels.probability(kernels.LOGIT, 0.25)


@both
@given(seed=seeds, times=st.integers(1, 60))
def test_drift_adds_the_walks_share_of_the_prior_to_each_variance_and_nothing_else(
    kind: type[Newton], seed: int, times: int
) -> None:
    learner = bound(kind, 6, walk=1e-3, prior_precision={"f2": 1e4})
    learner.learn_rows(*problem(kind, seed, 50, 6))
    before, weights = learner.covariance, learner.weights
    learner.drift(times)
    prior = [
        learner.intercept_variance / learner.precision,
        *(1e-4 if n == "f2" else 1 / learner.precision for n in named(6)),
    ]
    # To the rounding of sums of the size of the variances.
    np.testing.assert_allclose(learner.covariance, before + np.diag(prior) * 1e-3 * times, rtol=0, atol=1e-14)
    assert learner.weights.tobytes() == weights.tobytes()


@both
def test_without_a_walk_drift_changes_no_bit(kind: type[Newton]) -> None:
    learner, other = bound(kind, 4, walk=0.0), bound(kind, 4, walk=0.0)
    for one in (learner, other):
        one.learn_rows(*problem(kind, 1, 50, 4))
    learner.drift(10)
    assert same_bits(learner, other)


@both
def test_before_learning_the_posterior_is_the_prior(kind: type[Newton]) -> None:
    learner = bound(kind, 3, precision=50.0, intercept_variance=100.0, prior_precision={"f1": 800.0})
    np.testing.assert_allclose(learner.covariance, np.diag([2.0, 0.02, 1 / 800.0, 0.02]), rtol=1e-15)
    assert not learner.weights.any()
    without = bound(kind, 3, precision=50.0, intercept=False)
    np.testing.assert_allclose(without.covariance, 0.02 * np.eye(3), rtol=1e-15)


@both
def test_a_tighter_prior_learns_less(kind: type[Newton]) -> None:
    learner = kind(prior_precision={"tight": 1e5})
    for _ in range(20):
        learner.learn_one({"tight": 1.0, "free": 1.0}, False)
    tight, free = (abs(learner.weights[1 + learner.names.index(name)]) for name in ("tight", "free"))
    assert 0 < tight < 0.05 * free


# Extreme worlds


@both
@settings(max_examples=20)
@given(
    seed=seeds,
    width=st.integers(1, 12),
    largest=st.sampled_from([1e-6, 1.0, 1e3, 1e6]),
    share=st.sampled_from([0.0, 0.01, 0.5, 1.0]),
    drifts=st.integers(0, 3),
)
def test_ten_thousand_extreme_examples_leave_a_posterior_that_is_one(
    kind: type[Newton], seed: int, width: int, largest: float, share: float, drifts: int
) -> None:
    draw = np.random.default_rng(seed)
    rows = np.clip(draw.normal(size=(10_000, width)) * 10.0 ** draw.uniform(-6, 6, size=(10_000, 1)), -largest, largest)
    learner = bound(kind, width)
    for part in np.split(np.arange(10_000), 4):
        learner.learn_rows(rows[part], draw.random(len(part)) < share)
        learner.drift(drifts)
    assert np.all(np.isfinite(learner.weights))
    covariance = learner.covariance
    assert np.all(np.isfinite(covariance))
    assert np.all(np.diag(covariance) > 0)
    assert np.all(learner.variance_rows(rows) >= 0)
    assert np.array_equal(covariance, covariance.T)
    low, high = learner.predict_interval_one({"f0": largest})
    assert 0 < low <= high < 1


@both
@given(st.lists(st.tuples(st.lists(st.floats(-1e100, 1e100), min_size=3, max_size=3), st.booleans()), max_size=30))
def test_no_sequence_of_values_that_are_taken_makes_the_state_infinite(
    kind: type[Newton], examples: list[tuple[list[float], bool]]
) -> None:
    learner = bound(kind, 3, precision=1e-12, intercept_variance=1e12)
    for row, label in examples:
        learner.learn_rows(np.array([row]), [label])
        learner.drift()
    assert np.all(np.isfinite(learner.weights))
    assert np.all(np.isfinite(learner.covariance))
    assert 0 < learner.predict_proba_one({"f0": 1e100, "f1": -1e100})[True] < 1


def test_large_columns_that_are_nearly_equal_do_not_throw_the_weights_off() -> None:
    draw = np.random.default_rng(1)
    noise, labels = draw.normal(size=(2000, 3)), draw.random(2000) < 0.5
    found = []
    for size in (1e4, 1e8):
        learner = bound(NewtonLogistic, 4, precision=50.0, intercept=False)
        learner.learn_rows(np.column_stack([np.full(2000, size), size + noise[:, 0], noise[:, 1:]]), labels)
        found.append(learner.weights)
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


@both
@pytest.mark.parametrize("label", [False, True])
def test_of_one_class_only_the_other_becomes_unlikely_but_never_impossible(kind: type[Newton], label: bool) -> None:
    learner = bound(kind, 2)
    learner.learn_rows(np.ones((5_000, 2)), np.full(5_000, label))
    assert 0 < learner.predict_proba_one({"f0": 1.0, "f1": 1.0})[not label] < 0.05


# Refusals


@both
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e101, 10**400, "7.5", None, [1.0], 1j])
def test_a_value_that_is_no_finite_number_is_refused_by_name_and_nothing_is_learned(
    kind: type[Newton], value: object
) -> None:
    learner, other = kind(), kind()
    for one in (learner, other):
        one.learn_one({"a": 1.0}, True)
    calls: list[Callable[[], object]] = [
        lambda: learner.learn_one({"new": 1.0, "a": value}, True),
        lambda: learner.predict_proba_one({"a": value}),
        lambda: learner.predict_interval_one({"a": value}),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"feature 'a' is .*; it must be a finite number .* impute it"):
            call()
    with pytest.raises(ValueError, match="offset is"):
        learner.learn_one({"a": 1.0}, True, offset=value)  # type: ignore[arg-type]  # that is the test
    assert same_bits(learner, other)


@both
@pytest.mark.parametrize("value", [math.nan, math.inf, -1e101])
def test_a_value_of_an_array_that_is_no_finite_number_is_refused_with_all_of_it(
    kind: type[Newton], value: float
) -> None:
    learner, other = bound(kind, 3), bound(kind, 3)
    rows = np.ones((4, 3))
    rows[2, 1] = value
    for call in (lambda: learner.learn_rows(rows, [1, 0, 1, 0]), lambda: learner.linear_rows(rows)):
        with pytest.raises(ValueError, match=r"feature 'f1' in row 2 is "):
            call()
    with pytest.raises(ValueError, match=r"feature 'f1' in row 2 is "):
        learner.variance_rows(rows)
    with pytest.raises(ValueError, match="the offset of row 1 is"):
        learner.learn_rows(np.ones((2, 3)), [1, 0], np.array([0.0, value]))
    assert same_bits(learner, other)


@both
@pytest.mark.parametrize("label", [2, -1, 0.5, math.nan, "yes", None])
def test_a_label_that_is_neither_true_nor_false_is_refused(kind: type[Newton], label: object) -> None:
    learner = bound(kind, 1)
    with pytest.raises(ValueError, match="neither true nor false"):
        learner.learn_one({"f0": 1.0, "new": 1.0}, label)
    with pytest.raises(ValueError, match="neither true nor false"):
        learner.learn_rows(np.ones((2, 1)), [True, label])  # type: ignore[list-item]  # that is the test
    assert same_bits(learner, bound(kind, 1))


@both
@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_a_weight_below_zero_or_without_end_is_refused(kind: type[Newton], weight: float) -> None:
    learner = kind()
    with pytest.raises(ValueError, match="w is"):
        learner.learn_one({"a": 1.0}, True, w=weight)
    assert same_bits(learner, kind())


@both
@pytest.mark.parametrize(
    "wrong",
    [
        {"precision": 0.0},
        {"precision": math.nan},
        {"intercept_variance": -1.0},
        {"walk": -1e-3},
        {"prior_precision": {"a": 0.0}},
    ],
)
def test_a_prior_that_is_none_is_refused_by_name(kind: type[Newton], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kind(**wrong)


@both
@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, math.nan])
def test_an_interval_of_no_level_is_refused(kind: type[Newton], level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        kind().predict_interval_one({}, level)


# Arrays


@both
@settings(max_examples=40)
@given(seed=seeds, width=st.integers(1, 20), cuts=st.lists(st.integers(0, 60), max_size=6))
def test_however_rows_are_split_they_teach_the_same_bits(
    kind: type[Newton], seed: int, width: int, cuts: list[int]
) -> None:
    rows, labels = problem(kind, seed, 60, width)
    offsets = np.random.default_rng(seed).normal(size=60)
    whole, split = bound(kind, width), bound(kind, width)
    whole.learn_rows(rows, labels, offsets)
    for part in np.split(np.arange(60), sorted(cuts)):
        split.learn_rows(rows[part], labels[part], offsets[part])
    assert same_bits(whole, split)
    etas, variances = whole.linear_rows(rows, offsets), whole.variance_rows(rows)
    for i in range(0, 60, 7):
        assert whole.linear_rows(rows[i : i + 1], offsets[i : i + 1]).tobytes() == etas[i : i + 1].tobytes()
        assert whole.variance_rows(rows[i : i + 1]).tobytes() == variances[i : i + 1].tobytes()


@both
@given(seed=seeds, width=st.integers(1, 8))
def test_weights_of_rows_are_those_of_one_by_one_and_one_of_all_is_none(
    kind: type[Newton], seed: int, width: int
) -> None:
    rows, labels = problem(kind, seed, 20, width)
    weights = np.random.default_rng(seed).uniform(0.1, 20.0, 20)
    weighed, one_by_one, plain, once = (bound(kind, width) for _ in range(4))
    weighed.learn_rows(rows, labels, None, weights)
    for row, label, weight in zip(rows.tolist(), labels.tolist(), weights.tolist(), strict=True):
        one_by_one.learn_one(dict(zip(named(width), row, strict=True)), bool(label), weight)
    assert same_bits(weighed, one_by_one)
    plain.learn_rows(rows, labels)
    once.learn_rows(rows, labels, None, np.ones(20))
    assert same_bits(plain, once)
    assert not same_bits(plain, weighed)


@both
@given(seed=seeds, width=st.integers(1, 8))
def test_rows_and_dictionaries_in_any_order_teach_the_same_bits(kind: type[Newton], seed: int, width: int) -> None:
    rows, labels = problem(kind, seed, 20, width)
    draw = np.random.default_rng(seed)
    arrays, dictionaries = bound(kind, width), kind()
    arrays.learn_rows(rows, labels)
    for row, label in zip(rows.tolist(), labels.tolist(), strict=True):
        x = dict(zip(named(width), row, strict=True))
        dictionaries.learn_one({name: x[name] for name in draw.permutation(named(width)).tolist()}, bool(label))
    assert same_bits(arrays, dictionaries)
    etas = arrays.linear_rows(rows)
    for eta, row in zip(etas.tolist(), rows.tolist(), strict=True):
        p = kernels.probability(kind._link, eta)
        assert dictionaries.predict_proba_one(dict(zip(named(width), row, strict=True))) == {False: 1 - p, True: p}


@both
def test_any_layout_of_rows_teaches_the_same_bits(kind: type[Newton]) -> None:
    rows, labels = problem(kind, 3, 40, 4)
    wide = np.zeros((40, 8))
    wide[:, ::2] = rows
    learners = []
    for layout in (rows, np.asfortranarray(rows), wide[:, ::2]):
        learner = bound(kind, 4)
        learner.learn_rows(layout, labels.astype(bool))
        learners.append(learner)
    assert all(same_bits(learners[0], other) for other in learners[1:])


@both
def test_read_only_rows_are_learned_without_compiling_anew(kind: type[Newton]) -> None:
    learner, rows = bound(kind, 2), np.ones((2, 2))
    learner.learn_rows(rows, np.array([1.0, 0.0]), np.zeros(2))
    compiled = [len(kernel.signatures) for kernel in (kernels.learn_rows, kernels.first_refused)]  # type: ignore[attr-defined]  # of numba
    frozen = [rows, np.array([1.0, 0.0]), np.zeros(2)]
    for array in frozen:
        array.flags.writeable = False
    learner.learn_rows(*frozen)
    assert compiled == [len(kernel.signatures) for kernel in (kernels.learn_rows, kernels.first_refused)]  # type: ignore[attr-defined]  # of numba


@both
def test_the_linear_predictor_and_its_variance_are_those_of_the_posterior(kind: type[Newton]) -> None:
    learner = bound(kind, 5)
    rows, labels = problem(kind, 5, 100, 5)
    learner.learn_rows(rows, labels)
    ones = np.column_stack([np.ones(100), rows])
    np.testing.assert_allclose(learner.linear_rows(rows), ones @ learner.weights, rtol=1e-12, atol=1e-14)
    quadratic = np.einsum("ni,ij,nj->n", ones, learner.covariance, ones)
    np.testing.assert_allclose(learner.variance_rows(rows), quadratic, rtol=1e-10)


@both
def test_an_order_once_bound_stays(kind: type[Newton]) -> None:
    learner = bound(kind, 3)
    learner.bind(named(3))
    for other in (["f1", "f0", "f2"], named(2), named(4)):
        with pytest.raises(ValueError, match="the order is"):
            learner.bind(other)
    with pytest.raises(ValueError, match="twice"):
        kind().bind(["a", "a"])
    assert learner.names == tuple(named(3))


@both
def test_what_was_learned_by_name_fixes_the_order_too(kind: type[Newton]) -> None:
    learner = kind()
    learner.learn_one({"b": 1.0, "a": 1.0}, True)
    with pytest.raises(ValueError, match="the order is"):
        learner.bind(["b", "a"])
    learner.bind(["a", "b", "c"])
    assert learner.linear_rows(np.zeros((1, 3))).tolist() == [learner.weights[0]]


@both
def test_features_beyond_those_bound_are_missing_from_rows(kind: type[Newton]) -> None:
    learner = bound(kind, 2)
    learner.learn_one({"f0": 1.0, "extra": 2.0}, True)
    assert learner.names == ("f0", "f1", "extra")
    [eta] = learner.linear_rows(np.array([[1.0, 0.0]])).tolist()
    assert learner.predict_proba_one({"f0": 1.0})[True] == kernels.probability(kind._link, eta)


@both
def test_rows_of_another_shape_are_refused(kind: type[Newton]) -> None:
    with pytest.raises(ValueError, match="bind"):
        kind().learn_rows(np.ones((1, 1)), [1])
    learner = bound(kind, 2)
    for rows in (np.ones((1, 3)), np.ones(2)):
        with pytest.raises(ValueError, match="2 columns"):
            learner.linear_rows(rows)
    with pytest.raises(ValueError, match="labels have shape"):
        learner.learn_rows(np.ones((2, 2)), [1])
    with pytest.raises(ValueError, match="offsets have shape"):
        learner.learn_rows(np.ones((2, 2)), [1, 0], np.zeros(3))
    with pytest.raises(ValueError, match="weights have shape"):
        learner.learn_rows(np.ones((2, 2)), [1, 0], None, np.ones(3))
    for weight in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="each must be a finite number above 0"):
            learner.learn_rows(np.ones((2, 2)), [1, 0], None, np.array([1.0, weight]))


@both
def test_what_is_handed_out_is_read_only_and_stays_as_it_was(kind: type[Newton]) -> None:
    learner = bound(kind, 2)
    weights, covariance = learner.weights, learner.covariance
    learner.learn_rows(np.ones((1, 2)), [1])
    assert not weights.any()
    assert covariance[1, 1] == pytest.approx(1 / learner.precision, rel=1e-15)
    for array in (weights, covariance):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1.0


# Features that come and go


@both
def test_a_feature_enters_with_its_prior_when_it_is_first_met(kind: type[Newton]) -> None:
    learner = kind(prior_precision={"late": 1e6})
    learner.learn_one({"early": 1.0}, True)
    before = learner.covariance
    learner.learn_one({"late": 0.0}, True, w=0.0)
    assert learner.names == ("early", "late")
    np.testing.assert_array_equal(learner.covariance[:2, :2], before)
    np.testing.assert_allclose(learner.covariance[2], [0.0, 0.0, 1e-6], rtol=1e-15)


@both
@given(seed=seeds)
def test_a_missing_feature_is_a_zero(kind: type[Newton], seed: int) -> None:
    rows, labels = problem(kind, seed, 30, 4)
    rows[np.random.default_rng(seed).random(rows.shape) < 0.5] = 0.0
    full, sparse = bound(kind, 4), bound(kind, 4)
    for row, label in zip(rows.tolist(), labels.tolist(), strict=True):
        x = dict(zip(named(4), row, strict=True))
        present = {name: value for name, value in x.items() if value}
        full.learn_one(x, label)
        sparse.learn_one(present, label)
        assert full.predict_proba_one(x) == sparse.predict_proba_one(present)
    assert same_bits(full, sparse)


# Uncertainty


@both
def test_the_interval_holds_the_estimate_and_narrows_with_examples(kind: type[Newton]) -> None:
    learner, x = bound(kind, 3), {"f0": 0.5, "f1": -0.5, "f2": 1.0}
    rows, labels = problem(kind, 8, 3_000, 3)
    widths = []
    for part in np.split(np.arange(3_000), [0, 30, 300]):
        learner.learn_rows(rows[part], labels[part])
        low, high = learner.predict_interval_one(x)
        assert low < learner.predict_proba_one(x)[True] < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.2 * widths[0]


@both
def test_the_interval_is_a_quantile_of_the_posterior(kind: type[Newton]) -> None:
    learner = bound(kind, 2)
    learner.learn_rows(*problem(kind, 2, 200, 2))
    row = np.array([[0.3, -0.7]])
    [eta], [variance] = learner.linear_rows(row).tolist(), learner.variance_rows(row).tolist()
    low, high = learner.predict_interval_one({"f0": 0.3, "f1": -0.7}, level=0.95)
    # 1.959964: the .975 quantile of the standard normal distribution.
    for bound_, found in ((eta - 1.959964 * variance**0.5, low), (eta + 1.959964 * variance**0.5, high)):
        assert found == pytest.approx(float(probability(kind._link, bound_)), rel=1e-6)


@both
def test_a_feature_never_met_widens_the_interval_by_its_prior(kind: type[Newton]) -> None:
    learner, knowing = bound(kind, 1, prior_precision={"new": 2.0}), kind(prior_precision={"new": 2.0})
    knowing.bind(["f0", "new"])
    rows, labels = problem(kind, 4, 100, 1)
    learner.learn_rows(rows, labels)
    knowing.learn_rows(np.column_stack([rows, np.zeros(100)]), labels)
    x = {"f0": 1.0, "new": 1.5}
    assert learner.predict_interval_one(x) == pytest.approx(knowing.predict_interval_one(x), rel=1e-12)
    low, high = learner.predict_interval_one({"f0": 1.0})
    assert learner.predict_interval_one(x)[0] < low < high < learner.predict_interval_one(x)[1]


@both
def test_nine_of_ten_intervals_hold_the_truth(kind: type[Newton]) -> None:
    """Over worlds drawn from the prior itself, as a credible interval is meant."""
    held = 0
    for seed in range(300):
        draw = np.random.default_rng(seed)
        truth = draw.normal(size=4) / np.sqrt(4.0)
        rows = draw.normal(size=(100, 3))
        eta = truth[0] + rows @ truth[1:]
        learner = bound(kind, 3, precision=4.0, intercept_variance=1.0)
        learner.learn_rows(rows, draw.random(100) < probability(kind._link, eta))
        x = draw.normal(size=3)
        low, high = learner.predict_interval_one(dict(zip(named(3), x.tolist(), strict=True)), level=0.9)
        held += low <= probability(kind._link, truth[0] + float(x @ truth[1:])) <= high
    # 300 · .9 = 270, standard deviation 5.2; the linearisation may cost a little.
    assert 252 <= held <= 288


# Snapshots


def learned(kind: type[Newton], seed: int = 0, width: int = 4, **parameters: Any) -> Newton:
    learner = bound(kind, width, **parameters)
    learner.learn_rows(*problem(kind, seed, 80, width))
    learner.drift(3)
    return learner


@both
@given(seed=seeds, width=st.integers(0, 6), intercept=st.booleans())
def test_a_snapshot_through_json_restores_every_bit_and_what_is_learned_next(
    kind: type[Newton], seed: int, width: int, intercept: bool
) -> None:
    parameters = {"intercept": intercept, "prior_precision": {"f1": 7.5}}
    learner = learned(kind, seed, width, **parameters)
    other = kind(**parameters)
    other.restore(msgspec.json.decode(msgspec.json.encode(learner.snapshot())))
    assert same_bits(learner, other)
    assert other.snapshot() == learner.snapshot()
    other.bind(named(width))
    for one in (learner, other):
        one.learn_rows(*problem(kind, seed + 1, 20, width))
        one.drift()
        one.learn_one({"new": 1.0}, True)
    assert same_bits(learner, other)


@both
def test_a_snapshot_stays_as_it_was_when_the_learner_goes_on(kind: type[Newton]) -> None:
    learner = learned(kind, prior_precision={"f0": 60.0})
    state = learner.snapshot()
    written = msgspec.json.encode(state)
    other = kind(prior_precision={"f0": 60.0})
    other.restore(state)
    for one in (learner, other):
        one.learn_one({"f0": 1.0, "new": 1.0}, True)
    assert msgspec.json.encode(state) == written
    assert same_bits(learner, other)
    state["parameters"]["prior_precision"]["f0"] = 1.0
    assert learner.prior_precision == {"f0": 60.0}


@both
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("learner", "Another", "learner is 'Another'"),
        ("learner", None, "learner is None"),
        ("parameters", {"precision": 1.0}, "parameters is"),
        ("names", None, "names must be a list"),
        ("names", ["f0", "f1", "f2", 3], "names must be a list"),
        ("names", ["f0", "f1", "f2", "f2"], "names holds one feature twice"),
        ("weights", [0.0] * 4, "weights must be a list of 5 numbers"),
        ("weights", "abc", "weights must be a list of 5 numbers"),
        ("weights", [0.0, 0.0, math.nan, 0.0, 0.0], "weights holds something that is not a finite number"),
        ("weights", [0.0, 0.0, None, 0.0, 0.0], "weights holds something that is not a finite number"),
        ("root", [1.0] * 14, "root must be a list of 15 numbers"),
        ("root", [math.inf] * 15, "root holds something that is not a finite number"),
        ("root", [10**400] * 15, "root holds something that is not a finite number"),
        ("root", [1.0, 1.0, -1.0, *[1.0] * 12], "root has a number below zero on its diagonal"),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused_by_name_and_changes_nothing(
    kind: type[Newton], key: str, value: object, said: str
) -> None:
    learner, untouched = learned(kind, seed=1), learned(kind, seed=1)
    fresh = kind()
    state = learned(kind, seed=2).snapshot() | {key: value}
    with pytest.raises(SnapshotRefused, match=said):
        fresh.restore(state)
    with pytest.raises(SnapshotRefused):
        learner.restore(state)
    assert same_bits(learner, untouched)
    assert same_bits(fresh, kind())


@both
def test_a_snapshot_without_a_part_is_refused(kind: type[Newton]) -> None:
    state = learned(kind).snapshot()
    for key in state:
        with pytest.raises(SnapshotRefused, match=key):
            kind().restore({name: part for name, part in state.items() if name != key})


@both
def test_a_snapshot_in_another_order_than_is_bound_is_refused(kind: type[Newton]) -> None:
    learner = kind()
    learner.bind(["f1", "f0"])
    with pytest.raises(SnapshotRefused, match="another order"):
        learner.restore(learned(kind, width=2).snapshot())
    assert learner.names == ("f1", "f0")


def test_a_snapshot_of_the_other_link_or_of_another_prior_is_refused() -> None:
    with pytest.raises(SnapshotRefused, match="learner is 'NewtonCloglog' in the snapshot, 'NewtonLogistic' here"):
        NewtonLogistic().restore(learned(NewtonCloglog).snapshot())
    with pytest.raises(SnapshotRefused, match="parameters"):
        NewtonLogistic(precision=7.0).restore(learned(NewtonLogistic).snapshot())


@both
def test_a_feature_whose_name_is_no_string_can_be_learned_but_not_written_down(kind: type[Newton]) -> None:
    learner = kind()
    learner.learn_one({("a", 1): 1.0, 7: 2.0}, True)
    with pytest.raises(ValueError, match="strings"):
        learner.snapshot()
