"""When the risk will cross the threshold: held against looking at every minute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.churn.crossing import crossings_of, looks_for
from models.churn.mixture.bound import highest_probability
from models.churn.mixture.probability import Mixture, quadrature, score
from models.churn.mixture.scorer import MixtureScorer
from models.customer.layout import BASIS
from models.features import COLUMNS, FEATURES, WIDTH
from models.features.columns import MEANS, RENEWAL, features_of, load_lanes
from models.features.silence import rolled
from models.numerics.compiled import LANES
from models.settings import DAY, MINUTE
from tests.reference.engine import foreseen

PLACE = {name: place for place, name in enumerate(COLUMNS)}
MINUTES = DAY // MINUTE
NOW = 20_000 * DAY


def mixture(seed: int, spread: float = 0.3, horizon: float = 28.0) -> Mixture:
    """A version with weights of any sign."""
    random = np.random.default_rng(seed)
    widths, rolls = quadrature(horizon)
    hazard, direct = random.normal(0.0, spread, (2, WIDTH))
    hazard[0] -= 1.5
    blend = np.array([0.15, random.normal(), 1.0, horizon / 7.0])
    return Mixture(hazard, direct, np.zeros(MEANS), np.array([0.6, 8.0, 0.5, 2.0]), widths, rolls, blend)


def customer(seed: int) -> NDArray[np.float32]:
    """Somebody with a history that can be."""
    random = np.random.default_rng(seed)
    gaps = np.maximum(np.rint(np.exp(random.normal(random.uniform(0, 4), 0.6, random.integers(0, 12)))), 1.0)
    logs = np.log(gaps)
    basis = np.zeros(BASIS, dtype=np.float32)
    basis[PLACE["recency_days"]] = recency = np.exp(random.uniform(-1, 4))
    basis[PLACE["tenure_days"]] = recency + gaps.sum()
    basis[PLACE["purchase_days"]] = len(gaps) + 1
    if len(gaps):
        basis[PLACE["gap_max"]] = gaps.max()
        basis[PLACE["gap_log_sum"]] = logs.sum()
        basis[PLACE["gap_log_squares"]] = (logs**2).sum()
        basis[PLACE["gap_ewma"]] = logs[-5:].mean()
    basis[PLACE["amount_last"] : PLACE["purchases_14"]] = random.normal(3.0, 1.0, 5)
    ages = recency + np.concatenate([[0.0], np.cumsum(gaps[::-1])])
    for half_life in (14, 28, 56, 112, 224):
        basis[PLACE[f"purchases_{half_life}"]] = (2.0 ** (-ages / half_life)).sum()
    basis[PLACE["open_cases"]] = random.integers(0, 2)
    basis[PLACE["oldest_case_days"]] = basis[PLACE["open_cases"]] * random.uniform(0, 20)
    basis[PLACE["complaints"] :] = random.exponential(0.5, BASIS - PLACE["complaints"])
    return basis


def every_minute(scorer: MixtureScorer, basis: NDArray[np.float32], ahead: int) -> NDArray[np.float64]:
    """The risk at each whole minute of the time `ahead`, ms."""
    days = np.arange(ahead // MINUTE + 1) / MINUTES
    return scorer.score(rolled(np.repeat(basis[None], len(days), axis=0), days))


def bound(scorer: MixtureScorer, basis: NDArray[np.float32], days: float) -> float:
    """Of the risk within the next days."""
    looks, bounds = looks_for(scorer.mixture), np.empty(LANES)
    for work, at in zip(looks, (0.0, days), strict=True):
        load_lanes(rolled(basis[None], np.array([at])), 0, work.bases)
        score(scorer.mixture, work)
    highest_probability(scorer.mixture, looks.here, looks.there, bounds)
    return float(bounds[0])


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 7 * MINUTES), st.floats(0.05, 0.95))
def test_the_crossing_is_the_first_minute_at_which_the_risk_reaches_the_threshold(
    model: int, who: int, minutes: int, place: float
) -> None:
    scorer, basis, ahead = MixtureScorer(mixture(model)), customer(who), minutes * MINUTE
    risks = every_minute(scorer, basis, ahead)
    enter = float(risks[0] + place * (1.0 - risks[0])) if place > 0.5 else float(np.quantile(risks, place))
    if risks[0] >= enter or risks.max() - risks.min() < 1e-5:
        return  # a threshold within the rounding of a risk that does not move is nobody's
    found = foreseen(scorer.mixture, basis, NOW, NOW + ahead, enter)
    assert found * 1_000 % MINUTE == 0
    minute = (found * 1_000 - NOW) // MINUTE if found else len(risks)
    reached = np.flatnonzero(risks[:-1] >= enter)
    if found:
        assert risks[minute - 1] < enter <= risks[minute]
    if len(reached) and minute != reached[0]:
        over = np.flatnonzero(risks[reached[0] :] < enter)[0]
        assert over < MINUTES, "what comes and goes within a day may be missed"
        assert reached[0] + over < minute


@pytest.mark.slow
def test_a_crossing_is_hardly_ever_missed() -> None:
    """Among customers and models as wild as above."""
    looked, missed = 0, 0
    for seed in range(400):
        scorer, basis = MixtureScorer(mixture(seed)), customer(7 * seed)
        risks = every_minute(scorer, basis, 7 * DAY)
        enter = float(np.quantile(risks, 0.7))
        reached = np.flatnonzero(risks[:-1] >= enter)
        if risks[0] < enter and risks.max() - risks.min() > 1e-4 and len(reached):
            looked += 1
            missed += (foreseen(scorer.mixture, basis, NOW, NOW + 7 * DAY, enter) * 1_000 - NOW) // MINUTE != reached[0]
    assert looked > 100
    assert missed <= 0.02 * looked


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 7 * MINUTES))
def test_no_risk_within_the_time_is_above_the_bound(model: int, who: int, minutes: int) -> None:
    scorer, basis = MixtureScorer(mixture(model)), customer(who)
    most = bound(scorer, basis, minutes / MINUTES)
    assert every_minute(scorer, basis, minutes * MINUTE).max() <= most


@pytest.mark.slow
def test_the_bound_is_good_enough_to_save_the_search() -> None:
    saved, all_ = 0, 0
    for seed in range(300):
        scorer, basis = MixtureScorer(mixture(seed, spread=0.1)), customer(seed)
        risks = every_minute(scorer, basis, 7 * DAY)
        if risks.max() < 0.8:
            all_ += 1
            saved += bound(scorer, basis, 7.0) < 0.8
    assert all_ > 100
    assert saved / all_ > 0.7


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 0.9))
def test_any_scorer_foresees_the_same_in_columns(seed: int, enter: float) -> None:
    scorer = MixtureScorer(mixture(seed))
    bases = np.stack([customer(seed + row) for row in range(8)])
    random = np.random.default_rng(seed)
    nows = NOW + random.integers(0, DAY, 8)
    ticks = (nows + random.integers(0, 7 * DAY, 8)).astype(np.float64)
    below = scorer.score(bases) < enter
    found = crossings_of(scorer, bases[below], nows[below], ticks[below], enter)
    wanted = [
        foreseen(scorer.mixture, basis, int(now), int(tick), enter)
        for basis, now, tick in zip(bases[below], nows[below], ticks[below], strict=True)
    ]
    assert found.tolist() == wanted


def test_a_regular_buyers_risk_falls_before_their_usual_day_and_the_first_crossing_is_behind_it() -> None:
    """The weights of one who has learned what regular buyers do: nothing is due before the gap is over."""
    version = mixture(1)
    version.hazard[:] = 0.0
    version.direct[:] = 0.0
    version.hazard[0], version.hazard[RENEWAL] = -0.7, 0.8
    version.blend[:] = 0.0, 0.0, 1.0, 4.0
    scorer = MixtureScorer(version._replace(widths=np.array([1.0]), rolls=np.array([0.0])))
    basis = np.zeros(BASIS, dtype=np.float32)
    gaps = np.full(12, 28.0)
    basis[:7] = 1.0, 1.0 + gaps.sum(), 13.0, 28.0, np.log(gaps).sum(), (np.log(gaps) ** 2).sum(), np.log(28.0)
    days = np.arange(0.0, 400.0, 0.5)
    risks = scorer.score(rolled(np.repeat(basis[None], len(days), axis=0), days))
    lowest = int(np.argmin(risks))
    assert risks[0] > risks[lowest] + 0.2
    assert risks[-1] > risks[lowest] + 0.05
    enter = float(risks[lowest] + 0.5 * (risks[-1] - risks[lowest]))
    at = rolled(basis[None], days[lowest : lowest + 1])[0]
    found = foreseen(scorer.mixture, at, NOW, NOW + 300 * DAY, enter)
    later = days[lowest:][risks[lowest:] >= enter][0] - days[lowest]
    assert (found * 1_000 - NOW) / DAY == pytest.approx(later, abs=0.5)


def test_the_renewal_feature_overshoots_its_ends_by_less_than_the_bound_allows() -> None:
    """Over all medians and spreads a customer may have, and all recencies at which a look may begin."""
    worst = 0.0
    for median in np.linspace(-1.0, 6.0, 15):
        for spread in (0.2236, 0.3, 0.5, 0.9, 1.5, 3.0):
            for recency in np.exp(np.linspace(-0.7, 5.5, 25)):
                basis = np.zeros(BASIS, dtype=np.float32)
                n = 1_000.0
                mean = median
                basis[:7] = recency, recency + 100, n + 1, 1.0, mean * n, (spread**2 + mean**2) * n, median
                later = np.repeat(basis[None], 29, axis=0)
                later[:, 0] += np.linspace(0.0, 7.0, 29, dtype=np.float32)
                values = features_of(later, np.zeros(MEANS))[:, RENEWAL - 1].tolist()
                worst = max(worst, max(values) - max(values[0], values[-1]))
    assert 0.3 < worst < 1.0


def test_the_place_of_the_renewal_feature_is_the_one_that_bears_its_name() -> None:
    assert FEATURES[RENEWAL - 1] == "renewal"
