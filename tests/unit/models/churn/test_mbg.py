"""MBG/NBD: the published fit, derivatives against differences, probabilities against the process itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.churn.mbg.fit import (
    FLAT,
    LEAST_LOG,
    MOST_LOG,
    PRIOR,
    Customers,
    MbgParameters,
    MbgPrior,
    covariance,
    derivatives,
    fit,
    log_likelihood,
    prior_of,
    silent_probabilities,
    silent_probability,
)
from models.churn.mbg.likelihood import gammas
from tests.support.cdnow_sample import cdnow_sample

CDNOW = MbgParameters(r=0.525, alpha=6.183, a=0.891, b=1.614)
WEEK_39 = date(1997, 9, 30)

Column = NDArray[np.float64]
Rows = list[tuple[float, float, float]]
WEAK = MbgPrior(MbgParameters(r=1.0, alpha=8.0, a=0.5, b=1.5), (1.0, 1.0, 1.0, 1.0))

parameters = st.builds(
    MbgParameters,
    r=st.floats(0.05, 5.0),
    alpha=st.floats(0.1, 50.0),
    a=st.floats(0.02, 5.0),
    b=st.floats(0.1, 30.0),
)
weeks = st.floats(0.0, 500.0)
customers = st.tuples(st.integers(0, 300).map(float), weeks, weeks).map(lambda c: (c[0], min(c[1:]), max(c[1:])))


def columns(rows: Rows) -> Customers:
    return Customers(*(np.array(column) for column in zip(*rows, strict=True)))


def simulated(size: int, truth: MbgParameters, seed: int, horizon: float) -> tuple[Customers, Column]:
    """Customers of the process itself as of now, each with how many purchases come within the horizon (weeks)."""
    random = np.random.default_rng(seed)
    rate = random.gamma(truth.r, 1.0 / truth.alpha, size)
    leaves = random.beta(truth.a, truth.b, size)
    age = random.uniform(5.0, 60.0, size)
    x, last, later, now = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    alive = random.random(size) >= leaves
    while alive.any():
        now += random.exponential(1.0 / rate)
        alive &= now <= age + horizon
        past = alive & (now <= age)
        x += past
        last[past] = now[past]
        later += alive & (now > age)
        alive &= random.random(size) >= leaves
    return Customers(x, last, age), later


def plain_log_likelihood(p: MbgParameters, x: float, last: float, age: float) -> float:
    """Of one customer, by the formula of Batislam et al."""
    gone = math.log(p.a) - (p.r + x) * math.log(p.alpha + last)
    alive = math.log(p.b + x) - (p.r + x) * math.log(p.alpha + age)
    g = math.lgamma
    rate = g(p.r + x) - g(p.r) + p.r * math.log(p.alpha)
    stays = g(p.a + p.b) - g(p.b) + g(p.b + x) - g(p.a + p.b + x + 1.0)
    return rate + stays + max(gone, alive) + math.log1p(math.exp(-abs(gone - alive)))


def logs(p: MbgParameters) -> list[float]:
    return [math.log(parameter) for parameter in p]


def apart(a: MbgParameters, b: MbgParameters) -> float:
    """Largest relative distance of two parameters."""
    return max(abs(x - y) for x, y in zip(logs(a), logs(b), strict=True))


# -- the fit


@pytest.mark.slow
@pytest.mark.network
def test_the_fit_of_the_cdnow_sample_is_the_published_one() -> None:
    days: dict[str, set[date]] = {}
    for purchase in cdnow_sample():
        days.setdefault(purchase.customer, set()).add(purchase.day)
    bought = [sorted(day for day in mine if day <= WEEK_39) for mine in days.values()]
    assert len(bought) == 2_357
    x = [len(mine) - 1 for mine in bought]
    last = [(mine[-1] - mine[0]).days / 7 for mine in bought]
    age = [(WEEK_39 - mine[0]).days / 7 for mine in bought]
    sample = Customers(x, last, age)
    found = fit(sample, FLAT)
    assert [round(parameter, 3) for parameter in found] == list(CDNOW)
    assert log_likelihood(found, sample) == pytest.approx(-9582.1, abs=0.1)
    # A weak prior moves the parameters by a fraction of their standard errors.
    near = fit(sample, WEAK)
    assert log_likelihood(near, sample) == pytest.approx(log_likelihood(found, sample), abs=0.05)
    errors = np.sqrt(np.diag(np.linalg.inv(derivatives(near, sample, WEAK)[2])))
    assert all(np.abs(np.subtract(logs(near), logs(found))) < 0.25 * errors)


@pytest.mark.parametrize("truth", [CDNOW, MbgParameters(1.5, 2.0, 0.2, 6.0)])
def test_a_fit_finds_the_parameters_of_the_process(truth: MbgParameters) -> None:
    rows, _ = simulated(20_000, truth, seed=1, horizon=0.0)
    found = fit(rows, WEAK)
    errors = np.sqrt(np.diag(np.linalg.inv(derivatives(found, rows, WEAK)[2])))
    assert all(np.abs(np.subtract(logs(found), logs(truth))) < 3.5 * errors)
    assert max(errors) < 0.15


@given(parameters, st.lists(customers, min_size=1, max_size=5))
def test_the_likelihood_is_that_of_the_paper(p: MbgParameters, rows: Rows) -> None:
    wanted = sum(plain_log_likelihood(p, *row) for row in rows)
    assert log_likelihood(p, columns(rows)) == pytest.approx(wanted, rel=1e-10, abs=1e-9)


@given(parameters, st.lists(st.tuples(customers, st.booleans()), min_size=1, max_size=5), st.floats(0.1, 30.0))
def test_what_comes_in_the_window_is_weighed_by_its_likelihood(
    p: MbgParameters, rows: list[tuple[tuple[float, float, float], bool]], window: float
) -> None:
    found = columns([row for row, _ in rows])._replace(back=[back for _, back in rows], window=window)
    wanted = 0.0
    for (x, last, age), back in rows:
        silent = plain_log_likelihood(p, x, last, age + window)
        if back:  # silence up to the window, less silence up to its end
            before = plain_log_likelihood(p, x, last, age)
            came = -math.expm1(silent - before)
            assume(came > 1e-6)  # a difference of two equal numbers says nothing
            wanted += before + math.log(came)
        else:
            wanted += silent
    assert log_likelihood(p, found) == pytest.approx(wanted, rel=1e-5, abs=1e-4)


@settings(max_examples=100)
@given(parameters, st.lists(st.tuples(customers, st.booleans()), min_size=1, max_size=5), st.floats(0.5, 10.0))
def test_gradient_and_hessian_are_those_of_the_likelihood(
    p: MbgParameters, rows: list[tuple[tuple[float, float, float], bool]], window: float
) -> None:
    found = columns([row for row, _ in rows])._replace(back=[back for _, back in rows], window=window)
    _, gradient, hessian = derivatives(p, found)
    step = 1e-4
    for i in range(4):
        up, down = (
            derivatives(MbgParameters(*np.exp(np.array(logs(p)) + sign * step * np.eye(4)[i])), found)
            for sign in (1.0, -1.0)
        )
        assert gradient[i] == pytest.approx((up[0] - down[0]) / (2 * step), rel=1e-5, abs=1e-4)
        assert hessian[i] == pytest.approx((up[1] - down[1]) / (2 * step), rel=1e-5, abs=1e-4)


@settings(max_examples=50)
@given(parameters, st.lists(customers, min_size=1, max_size=30))
def test_a_fit_ends_where_no_parameter_can_be_improved(start: MbgParameters, rows: Rows) -> None:
    found = fit(columns(rows), start=start)
    value, gradient, hessian = derivatives(found, columns(rows))
    assert value <= derivatives(start, columns(rows))[0] + 1e-9
    free = []
    for i, at in enumerate(logs(found)):
        assert LEAST_LOG - 1e-9 <= at <= MOST_LOG + 1e-9
        against = (at < LEAST_LOG + 1e-9 and gradient[i] > 0) or (at > MOST_LOG - 1e-9 and gradient[i] < 0)
        free += [] if against else [i]
    assert max([abs(gradient[i]) / len(rows) for i in free], default=0.0) < 1e-6
    assert min(np.linalg.eigvalsh(hessian[np.ix_(free, free)]), default=0.0) >= 0.0


def test_where_a_fit_starts_changes_nothing_but_last_digits() -> None:
    rows, _ = simulated(1_000, CDNOW, seed=2, horizon=0.0)
    wanted = fit(rows)
    for start in (wanted, MbgParameters(0.01, 1_000.0, 5.0, 0.1), MbgParameters(50.0, 0.01, 0.01, 900.0)):
        assert apart(fit(rows, start=start), wanted) < 1e-8


def test_equal_customers_give_equal_bits_and_their_order_changes_last_digits_only() -> None:
    x, last, age = map(np.asarray, simulated(500, CDNOW, seed=3, horizon=0.0)[0][:3])
    found = fit(Customers(x, last, age))
    assert fit(Customers(x.tolist(), last.copy(), age.copy())) == found
    assert apart(fit(Customers(x[::-1], last[::-1], age[::-1])), found) < 1e-9


def test_a_weight_is_that_many_customers() -> None:
    rows, _ = simulated(200, CDNOW, seed=4, horizon=0.0)
    weights = np.arange(200) % 4
    repeated = Customers(*(np.repeat(column, weights) for column in rows[:3]))
    weighed = rows._replace(weights=weights)
    assert apart(fit(weighed), fit(repeated)) < 1e-9
    assert log_likelihood(CDNOW, weighed) == pytest.approx(log_likelihood(CDNOW, repeated))


def test_without_customers_the_prior_stands() -> None:
    assert fit(Customers([], [], [])) == PRIOR.medians
    assert fit(Customers([1.0], [1.0], [2.0], weights=[0.0]), start=CDNOW) == PRIOR.medians
    with pytest.raises(ValueError, match="no customers"):
        log_likelihood(CDNOW, Customers([], [], []))


def test_the_less_the_customers_are_worth_the_nearer_is_the_fit_to_the_prior() -> None:
    rows, _ = simulated(2_000, CDNOW, seed=8, horizon=0.0)
    prior = prior_of(4.0)
    away = [apart(fit(rows, prior, worth), prior.medians) for worth in (1e-6, 10.0, 100.0, 1e4)]
    assert away == sorted(away)
    assert away[0] < 1e-4
    assert apart(fit(rows, prior, 1e9), fit(rows, FLAT)) < 1e-3


def test_customers_of_this_very_moment_say_nothing_against_the_prior() -> None:
    assert apart(fit(Customers([0.0] * 50, [0.0] * 50, [0.0] * 50), start=CDNOW), PRIOR.medians) < 1e-8


@pytest.mark.parametrize(
    ("x", "last", "age"),
    [
        ([0.0] * 50, [0.0] * 50, [0.0] * 50),
        ([0.0] * 50, [0.0] * 50, [30.0] * 50),
        ([29.0] * 50, [29.0] * 50, [30.0] * 50),
        ([1e9], [1e9], [1e9]),
        ([1e300], [1e300], [1e300]),
        ([0.0, 1e12], [0.0, 1.0], [1e300, 1.0]),
    ],
)
def test_customers_that_say_nothing_of_a_parameter_leave_it_within_bounds(
    x: list[float], last: list[float], age: list[float]
) -> None:
    for prior in (FLAT, WEAK):
        found = fit(Customers(x, last, age), prior)
        assert all(LEAST_LOG - 1e-9 <= parameter <= MOST_LOG + 1e-9 for parameter in logs(found))


@pytest.mark.parametrize(
    ("x", "last", "age"),
    [
        ([-1.0], [0.0], [1.0]),
        ([1.0], [2.0], [1.0]),
        ([1.0], [-1.0], [1.0]),
        ([math.nan], [0.0], [1.0]),
        ([1.0], [math.nan], [1.0]),
        ([1.0], [0.0], [math.inf]),
    ],
)
def test_what_is_no_customer_is_refused_by_its_row(x: list[float], last: list[float], age: list[float]) -> None:
    with pytest.raises(ValueError, match="row 1 is no customer"):
        fit(Customers([0.0, *x], [0.0, *last], [0.0, *age]))


def test_columns_that_do_not_fit_and_starts_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        fit(Customers([1.0, 2.0], [1.0], [1.0]))
    with pytest.raises(ValueError, match="different shapes"):
        fit(Customers([1.0], [1.0], [1.0], [True, False], 1.0))
    with pytest.raises(ValueError, match="nobody is back"):
        fit(Customers([1.0], [1.0], [1.0], [True]))
    with pytest.raises(ValueError, match="different shapes"):
        silent_probabilities([1.0, 2.0], [1.0], [1.0], 4.0, CDNOW)
    with pytest.raises(ValueError, match="row 0 is no customer"):
        fit(Customers([1.0], [1.0], [1.0], weights=[-1.0]))
    with pytest.raises(ValueError, match="can't start"):
        fit(Customers([1.0], [1.0], [1.0]), start=CDNOW._replace(r=-1.0))


# -- the covariance


def test_where_the_customers_tell_of_every_parameter_it_is_the_inverse_of_the_hessian() -> None:
    rows, _ = simulated(5_000, CDNOW, seed=9, horizon=0.0)
    found = fit(rows, WEAK)
    wanted = np.linalg.inv(derivatives(found, rows, WEAK)[2])
    assert covariance(found, rows, WEAK) == pytest.approx(wanted, rel=1e-9)


def test_customers_who_came_after_the_fit_never_make_it_less_sure_than_the_prior() -> None:
    before, _ = simulated(200, MbgParameters(3.0, 0.5, 2.0, 17.0), seed=10, horizon=0.0)
    found = fit(before)
    rows = Customers(*(np.append(column, np.full(600, new)) for column, new in zip(before[:3], (0, 0, 1), strict=True)))
    assert np.linalg.eigvalsh(derivatives(found, rows)[2])[0] < -1.0, "the likelihood bends the other way"
    in_units_of_the_prior = covariance(found, rows) / np.outer(PRIOR.spreads, PRIOR.spreads)
    variances = np.linalg.eigvalsh(in_units_of_the_prior)
    assert variances[0] > 0.0
    assert variances[-1] == pytest.approx(1.0)


# -- gamma functions


@given(st.floats(1e-3, 1e6))
def test_gamma_functions_are_as_exact_as_the_library(z: float) -> None:
    value, first, second = gammas(z)
    assert value == pytest.approx(math.lgamma(z), rel=1e-13, abs=1e-13)
    _, after, after_second = gammas(z + 1.0)
    # Of a small z the two terms are large and cancel: what is left is as exact as they are, a few of their last digits.
    assert after == pytest.approx(first + 1 / z, rel=1e-13, abs=1e-13 + 1e-15 / z)
    assert after_second == pytest.approx(second - 1 / z**2, rel=1e-9, abs=1e-13)


def test_digamma_and_trigamma_have_their_known_values() -> None:
    assert gammas(1.0)[1:] == pytest.approx((-0.5772156649015329, math.pi**2 / 6), rel=1e-14)
    assert gammas(0.5)[1:] == pytest.approx((-0.5772156649015329 - 2 * math.log(2), math.pi**2 / 2), rel=1e-14)


# -- the probability


@cache
def rates_and_dropouts(p: MbgParameters) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of 400,000 customers, drawn."""
    random = np.random.default_rng(5)
    return random.gamma(p.r, 1.0 / p.alpha, 400_000), random.beta(p.a, p.b, 400_000)


@pytest.mark.parametrize("row", [(0.0, 0.0, 0.0), (0.0, 0.0, 30.0), (2.0, 10.0, 12.0), (2.0, 10.0, 40.0), (6, 38, 39)])
@pytest.mark.parametrize("p", [CDNOW, MbgParameters(1.5, 2.0, 0.2, 6.0)])
def test_the_probability_is_the_mean_over_rates_and_dropouts_given_what_was_seen(
    p: MbgParameters, row: tuple[float, float, float]
) -> None:
    (x, last, age), horizon = row, 13.0
    rate, leaves = rates_and_dropouts(p)
    seen = rate**x * (1.0 - leaves) ** x
    gone, alive = seen * leaves * np.exp(-rate * last), seen * (1.0 - leaves) * np.exp(-rate * age)
    weight, silent = gone + alive, gone + alive * np.exp(-rate * horizon)
    wanted = silent.sum() / weight.sum()
    error = math.sqrt(((silent - wanted * weight) ** 2).sum()) / weight.sum()
    assert silent_probability(x, last, age, horizon, p) == pytest.approx(wanted, abs=4.5 * error)
    assert error < 0.01


@pytest.mark.parametrize("horizon", [1.0, 4.0, 13.0])
def test_as_many_customers_stay_silent_as_were_predicted_to(horizon: float) -> None:
    rows, later = simulated(40_000, CDNOW, seed=6, horizon=horizon)
    x, last, age = map(np.asarray, rows[:3])
    predicted = silent_probabilities(x, last, age, horizon, CDNOW)
    recency = age - last
    groups: list[Callable[[], NDArray[np.bool_]]] = [
        lambda: recency >= 0.0,
        lambda: recency < 5.0,
        lambda: recency > 25.0,
        lambda: x == 0,
        lambda: (x >= 1) & (x <= 3),
        lambda: x > 6,
    ]
    for group in groups:
        mine = group()
        expected = predicted[mine]
        error = math.sqrt((expected * (1.0 - expected)).sum()) / mine.sum()
        assert mine.sum() > 500
        assert (later[mine] == 0).mean() == pytest.approx(expected.mean(), abs=4.0 * error)


@given(parameters, customers, st.lists(st.floats(0.0, 1e4), min_size=2, max_size=10))
def test_the_longer_the_horizon_the_surer_is_a_purchase(
    p: MbgParameters, row: tuple[float, float, float], horizons: list[float]
) -> None:
    found = [silent_probability(*row, horizon, p) for horizon in sorted(horizons)]
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(found))


@given(parameters, customers)
def test_within_no_time_nobody_buys_and_in_the_end_only_the_gone_do_not(
    p: MbgParameters, row: tuple[float, float, float]
) -> None:
    x, last, age = row
    assert silent_probability(*row, 0.0, p) == pytest.approx(1.0, abs=1e-12)
    odds = math.log(p.a / (p.b + x)) + (p.r + x) * math.log((p.alpha + age) / (p.alpha + last))
    gone = 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0
    assert silent_probability(*row, 1e300, p) == pytest.approx(gone, rel=1e-9, abs=1e-12)


@given(parameters, st.floats(0.0, 1e300), st.floats(0.0, 1e300), st.floats(0.0, 1e300), st.floats(0.0, 1e300))
def test_whatever_the_numbers_it_is_a_probability(
    p: MbgParameters, x: float, last: float, silent: float, horizon: float
) -> None:
    assert 0.0 <= silent_probability(x, last, last + silent, horizon, p) <= 1.0


@pytest.mark.slow
@given(parameters, st.lists(customers, max_size=8), st.floats(0.0, 60.0))
def test_columns_tuples_and_python_give_the_same_bits(
    p: MbgParameters, rows: list[tuple[float, float, float]], horizon: float
) -> None:
    x, last, age = (np.array([row[i] for row in rows]) for i in range(3))
    wanted = [silent_probability(*row, horizon, p) for row in rows]
    assert silent_probabilities(x, last, age, horizon, p).tolist() == wanted
    array = np.array(p)
    assert [silent_probability(*row, horizon, array) for row in rows] == wanted
    python = silent_probability.py_func  # type: ignore[attr-defined]  # of numba
    assert [python(*row, horizon, p) for row in rows] == wanted


def test_a_fit_has_the_bits_that_earlier_releases_gave_it() -> None:
    """What a shard decides must be repeatable with a later release."""
    columns = ([0.0, 2.0, 5.0, 1.0], [0.0, 3.5, 9.0, 2.0], [10.0, 8.0, 12.0, 30.0])
    customers = Customers(*columns, [False, True, False, False], 1.0, [1.0, 2.0, 0.5, 1.0])
    found = fit(customers)
    assert [parameter.hex() for parameter in found] == [
        "0x1.6a5c73e4bccafp-1",
        "0x1.4432cd0d297d1p+2",
        "0x1.f22f7e5785fbbp-3",
        "0x1.e655e52d3a794p+0",
    ]
    assert derivatives(found, customers)[0].hex() == "0x1.af8698f2cbf82p+4"
