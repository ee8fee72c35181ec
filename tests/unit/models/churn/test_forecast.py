"""What silence will bring: held against looking at every hour; and how sure the model is: held against known truths."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.churn.forecast import forecast
from models.churn.mbg.fit import MbgParameters, silent_probabilities
from models.churn.mixture.interval import interval
from models.churn.mixture.learner import MixtureLearner
from models.churn.mixture.scorer import MixtureScorer
from models.churn.port import Outcomes
from models.customer.layout import BASIS
from models.features.basis import DAYS_COLUMN, RECENCY_COLUMN, TENURE_COLUMN
from models.features.silence import rolled
from models.settings import DAY, HOUR, EngineSettings
from models.simulation.evaluation import evaluate
from models.timeline.batch import LogRecord
from tests.support.logs import START, clock, touchpoint
from tests.support.shop import WEEK
from tests.unit.models.churn.test_crossing import NOW, customer, mixture

SETTINGS = EngineSettings(horizon=28 * DAY, enter=0.7, exit=0.6)
TRUE = MbgParameters(r=0.8, alpha=3.0, a=0.8, b=2.5)
"""Of a world in which MBG/NBD is true."""
EVALUATION = replace(SETTINGS, anchor=START, phase="aligned", boundary=WEEK, version_delay=0, lateness=0)


def every_hour(scorer: MixtureScorer, basis: NDArray[np.float32], until: int) -> NDArray[np.float64]:
    days = np.arange((until - NOW) // HOUR + 1) / 24.0
    return scorer.score(rolled(np.repeat(basis[None], len(days), axis=0), days))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0.3, 0.9))
@example(1632, 658736, 1 / 3)  # nine minutes before they are lapsed
def test_the_first_crossing_of_all_the_silence_until_they_are_lapsed(model: int, who: int, enter: float) -> None:
    scorer, basis = MixtureScorer(mixture(model, spread=0.1)), customer(who)
    basis[RECENCY_COLUMN] = min(basis[RECENCY_COLUMN], 50.0)
    told = forecast(scorer, basis, NOW, replace(SETTINGS, enter=enter, exit=enter))
    risks = every_hour(scorer, basis, told.until)
    assert told.now == risks[0]
    assert told.until == pytest.approx(NOW + SETTINGS.silence - float(basis[RECENCY_COLUMN]) * DAY, abs=1.0)
    reached = np.flatnonzero(risks >= enter)
    if told.crosses is None:
        assert len(reached) < 24, "what comes and goes within a day may be missed"
    elif told.crosses == NOW:
        assert risks[0] >= enter
    else:
        hour = -(-(told.crosses - NOW) // HOUR)
        first = reached[0] if len(reached) else len(risks)  # between the last whole hour and the end
        assert 0 <= hour - first < 24
    assert [risk for _, risk in told.course] == pytest.approx(risks[:: 7 * 24].tolist(), abs=1e-6)


def test_one_who_is_lapsed_already_has_no_future() -> None:
    basis = customer(3)
    basis[RECENCY_COLUMN] = 300.0
    told = forecast(MixtureScorer(mixture(3)), basis, NOW, SETTINGS)
    assert (told.until, len(told.course)) == (NOW, 1)
    assert told.crosses in (None, NOW)


# -- how sure


def purchases(seed: int, customers: int, weeks: int) -> list[LogRecord]:
    """The log of a world in which MBG/NBD is true."""
    random = np.random.default_rng(seed)
    bought = []
    for number in range(customers):
        at, rate = random.uniform(0.0, 0.7 * weeks), random.gamma(TRUE.r, 1.0 / TRUE.alpha)
        leaves = random.beta(TRUE.a, TRUE.b)
        while at < weeks:
            bought.append((START + int(at * WEEK), 1, f"c{number}"))
            if random.uniform() < leaves:
                break
            at += random.exponential(1.0 / rate)
    ticks = [(START + week * WEEK, 0, "") for week in range(1, weeks + 2)]
    return [
        LogRecord(
            offset,
            time,
            name.encode() or None,
            touchpoint("purchase", name, time, {"amount": 20.0}, id=str(offset)) if name else clock(time),
        )
        for offset, (time, _, name) in enumerate(sorted(bought + ticks))
    ]


@cache
def learned(seed: int, customers: int, weeks: int) -> tuple[MixtureLearner, int]:
    """The model after so many weeks, and when that is."""
    learning = evaluate([purchases(seed, customers, weeks)], EVALUATION, lambda said: None).learning
    model = learning.model.models["mixture"]
    assert isinstance(model, MixtureLearner)
    assert learning.boundary is not None
    return model, learning.boundary


def crowd() -> NDArray[np.float32]:
    """Customers of all sorts, purchases alone, active within the horizon."""
    random = np.random.default_rng(5)
    bases = np.zeros((300, BASIS), dtype=np.float32)
    bases[:, DAYS_COLUMN] = 1.0 + random.poisson(random.gamma(0.8, 2.0, 300))
    bases[:, RECENCY_COLUMN] = random.integers(0, 28, 300)
    bases[:, TENURE_COLUMN] = bases[:, RECENCY_COLUMN] + 7.0 * random.integers(1, 4, 300) * (
        bases[:, DAYS_COLUMN] - 1.0
    )
    return bases


def widths(model: MixtureLearner, boundary: int) -> NDArray[np.float64]:
    low, high = interval(model.beliefs(boundary), crowd())
    p = model.scorer().score(crowd())
    assert (low <= p).all()
    assert (p <= high).all()
    assert ((low >= 0.0) & (high <= 1.0)).all()
    return high - low


def covered(model: MixtureLearner, boundary: int) -> float:
    """The share of the sample's active customers whose true probability is within their interval."""
    bases = model.beliefs(boundary).crowd
    recency, tenure = bases[:, RECENCY_COLUMN].astype(float), bases[:, TENURE_COLUMN].astype(float)
    true = silent_probabilities(bases[:, DAYS_COLUMN] - 1.0, (tenure - recency) / 7.0, tenure / 7.0, 4.0, TRUE)
    low, high = interval(model.beliefs(boundary), bases)
    return float(((low <= true) & (true <= high)).mean())


@pytest.mark.slow
def test_before_the_first_example_the_prior_says_how_little_is_known() -> None:
    assert np.median(widths(MixtureLearner(EVALUATION), START)) > 0.25


@pytest.mark.slow
def test_an_interval_narrows_as_the_log_grows() -> None:
    nothing = np.median(widths(MixtureLearner(EVALUATION), START))
    some, more = (np.median(widths(*learned(1, 500, weeks))) for weeks in (2, 8))
    assert nothing > some > more


@pytest.mark.slow
def test_nine_intervals_in_ten_hold_the_true_probability() -> None:
    """Over logs of few and of many customers, young and older; one log's customers share its luck."""
    shares = {
        (customers, weeks): np.mean([covered(*learned(seed, customers, weeks)) for seed in range(3)])
        for customers in (100, 500)
        for weeks in (4, 12, 30)
    }
    assert 0.85 <= np.mean(list(shares.values())) <= 0.99, shares
    assert min(shares.values()) > 0.7, shares


@pytest.mark.slow
def test_new_customers_amid_a_week_make_no_interval_narrower() -> None:
    """The level and MBG/NBD are of the week before, and far from what the sample says since."""
    model, boundary = learned(1, 100, 12)
    later = MixtureLearner(EVALUATION)
    later.restore(model.snapshot())
    new = 300
    bases = np.zeros((new, BASIS), dtype=np.float32)
    bases[:, DAYS_COLUMN], bases[:, [RECENCY_COLUMN, TENURE_COLUMN]] = 1.0, 7.0
    names = [b"new%d" % number for number in range(new)]
    silent = Outcomes(names, bases, np.full(new, boundary - WEEK), np.zeros(new, dtype=np.bool_))
    nothing = Outcomes([], bases[:0], silent.observed_at[:0], silent.truths[:0])
    later.learn(boundary + DAY, silent, nothing)
    assert (np.linalg.eigvalsh(later.beliefs(boundary + DAY).mbg) > 0.0).all()
    assert np.median(widths(later, boundary + DAY)) > np.median(widths(model, boundary))


def test_a_surer_interval_is_wider_and_the_scores_are_untouched() -> None:
    model, boundary = learned(1, 100, 12)
    before = model.scorer().score(crowd())
    low, high = interval(model.beliefs(boundary), crowd(), 0.5)
    lower, higher = interval(model.beliefs(boundary), crowd(), 0.9)
    assert (lower < low).all()
    assert (high < higher).all()
    assert model.scorer().score(crowd()).tobytes() == before.tobytes()
