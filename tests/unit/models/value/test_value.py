"""The value model: the same bits in any company, counts as they should be, learning that can be taken up again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, stats

from models.churn.snapshot import SnapshotRefused
from models.numerics.compiled import LANES
from models.settings import DAY, WEEK, EngineSettings
from models.value import Matured, Observed, ValueLearner, Values, ValueScorer
from models.value.columns import MONEY, NOTHING_MATURED
from models.value.scoring import CORRECTION, Valuation
from models.value.spend import FIRST_SHRINK, LEAST_SHRINK, NO_POPULATION, SUMS, add_buyers, population_of
from models.value.visits import Leaving, course_of, expected_by_mbg
from tests.unit.models.churn.test_crossing import PLACE, customer, mixture

START = 20_000 * DAY
SETTINGS = EngineSettings(horizon=28 * DAY, phase="aligned", lateness=0, challengers="")
Floats32 = NDArray[np.float32]


def people(seed: int, count: int) -> tuple[Floats32, Floats32]:
    """Bases and money of customers who can be."""
    random = np.random.default_rng(seed)
    bases = np.array([customer(seed + n) for n in range(count)])
    return bases, random.uniform(0.0, 6.0, (count, MONEY)).astype(np.float32)


def model(seed: int) -> ValueScorer:
    """A version with a correction of any kind."""
    random = np.random.default_rng(seed)
    weights = random.normal(0.0, 0.1, CORRECTION)
    valuation = Valuation(
        np.array([0.6, 8.0, 0.5, 2.0]), weights, np.array([3.0, 30.0, 0.95, 2.0]), np.array([0.7, 1.1, 0.9])
    )
    return ValueScorer(mixture(seed), valuation, SETTINGS)


def in_rows(values: Values) -> list[bytes]:
    return [np.array(row).tobytes() for row in zip(*values, strict=True)]


# -- in any company


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**4), st.integers(1, 3 * LANES), st.data())
def test_a_value_has_the_same_bits_in_any_batch(seed: int, count: int, data: st.DataObject) -> None:
    bases, money = people(seed, count)
    scorer = model(seed)
    whole = in_rows(scorer.value(bases, money))
    order = np.array(data.draw(st.permutations(range(count))))
    cut = data.draw(st.integers(0, count))
    parts = [rows for rows in (order[:cut], order[cut:]) if len(rows)]
    found = [row for rows in parts for row in in_rows(scorer.value(bases[rows], money[rows]))]
    assert found == [whole[row] for row in order.tolist()]


def test_nobody_has_no_value() -> None:
    bases, money = people(0, 1)
    assert len(model(0).value(bases[:0], money[:0]).values) == 0


# -- counts


@given(st.integers(0, 10**4))
@settings(max_examples=60, deadline=None)
def test_who_stays_buys_on_a_day_at_least(seed: int) -> None:
    bases, money = people(seed, 5)
    found = model(seed).value(bases, money)
    assert (found.visits >= (1.0 - found.probabilities) * (1.0 - 1e-9)).all()
    assert (found.if_kept >= found.values).all()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("weeks", [4.0, 13.0])
def test_two_points_stand_for_the_beta_of_leaving(seed: int, weeks: float) -> None:
    """MBG/NBD's conditional expectation, integrated over the dropout probability."""
    parameters = (0.6, 8.0, 0.5, 2.0)
    r, alpha, a, b = parameters
    basis = customer(seed).astype(np.float64)
    lanes = np.repeat(basis[:, None], LANES, axis=1)
    out, points = np.empty(LANES), Leaving(np.empty(LANES), np.empty(LANES), np.empty(LANES))
    expected_by_mbg(lanes, weeks, np.array(parameters), points, out)
    recency, tenure, days = (float(basis[PLACE[name]]) for name in ("recency_days", "tenure_days", "purchase_days"))
    x, last, age = days - 1.0, (tenure - recency) / 7.0, tenure / 7.0

    def given_leaving(p: float) -> float:
        return float((1.0 - (1.0 + p * weeks / (alpha + age)) ** -(r + x)) / p * stats.beta.pdf(p, a, b + x + 1.0))

    exact = integrate.quad(given_leaving, 0.0, 1.0, limit=200)[0]
    odds = a / (b + x) * ((alpha + age) / (alpha + last)) ** (r + x)
    assert out[0] == pytest.approx(exact / (1.0 + odds), rel=5e-3)
    assert (out == out[0]).all()


def test_a_longer_horizon_of_the_same_length_is_the_value_itself_and_longer_ones_are_worth_more() -> None:
    bases, money = people(3, 40)
    scorer = model(3)
    here = scorer.value(bases, money).values
    assert scorer.over(28.0, bases, money) == pytest.approx(here, rel=1e-12)
    longer = scorer.over(182.0, bases, money)
    assert (longer > here).all()
    assert (scorer.over(364.0, bases, money) > longer).all()


def test_a_discount_takes_more_from_what_is_further_off() -> None:
    bases, money = people(4, 40)
    scorer = model(4)
    whole, discounted = scorer.value(bases, money).values, scorer.value(bases, money, 0.1).values
    share = discounted / whole
    assert (share < 1.0).all()
    assert (share > np.exp(-0.1 * 28 / 365.25)).all()
    year = scorer.over(364.0, bases, money, 0.1) / scorer.over(364.0, bases, money)
    assert (year < share).all()


def test_the_course_covers_the_horizon() -> None:
    for horizon in (7.0, 10.0, 28.0, 91.0, 365.0):
        course = course_of(horizon)
        assert course.widths.sum() == pytest.approx(horizon / 7.0)
        assert (np.diff(course.middles) > 0.0).all()
        assert 0.0 < course.middles[0] <= course.middles[-1] < horizon / 7.0
        assert (course.now == 1.0).all()


# -- spend


def bought(count: int, last: NDArray[np.float64], mean: NDArray[np.float64], days: float) -> tuple[Floats32, Floats32]:
    bases, money = people(1, count)
    bases[:, PLACE["recency_days"]] = 1.0
    bases[:, PLACE["purchase_days"]] = days
    bases[:, PLACE["amount_last"]], bases[:, PLACE["amount_mean"]] = last, mean
    money[:, 0], money[:, 1] = np.log1p(40.0), np.log1p(4.0)
    return bases, money


def test_customers_who_always_spend_alike_are_shrunk_least_and_those_who_differ_from_day_to_day_most() -> None:
    random = np.random.default_rng(1)
    own = random.normal(3.0, 0.5, 3_000)
    shrinks = []
    for within in (0.0, 0.5):
        sums = np.zeros(SUMS)
        days = own[:, None] + within * random.normal(0.0, 1.0, (3_000, 10))
        last = days[:, -1]
        add_buyers(*bought(3_000, last, days.mean(axis=1), 10.0), 7.0, sums)
        found = population_of(sums)
        shrinks.append(found.shrink)
        assert found.net == pytest.approx(0.9, abs=1e-3)
        assert found.amount == pytest.approx(float(np.expm1(last).mean()), rel=1e-4)
    assert shrinks[0] == LEAST_SHRINK
    # As much within as between: one day of the population's.
    assert shrinks[1] == pytest.approx(1.0, abs=0.15)


def test_who_has_not_bought_since_the_last_look_enters_no_sum() -> None:
    sums = np.zeros(SUMS)
    bases, money = bought(5, np.full(5, 3.0), np.full(5, 3.0), 2.0)
    bases[:, PLACE["recency_days"]] = 8.0
    add_buyers(bases, money, 7.0, sums)
    assert not sums.any()
    assert population_of(sums) == NO_POPULATION
    assert NO_POPULATION.shrink == FIRST_SHRINK


# -- learning


def observed(week: int, count: int = 150, seed: int = 0) -> Observed:
    bases, money = people(seed + 1_000 * week, count)
    return Observed([b"c%d" % n for n in range(count)], bases, money, np.full(count, START + week * WEEK))


def spent_by(model: ValueScorer, looked: Observed, factor: float, seed: int) -> NDArray[np.float64]:
    """So many times what the model says, give or take."""
    noise = np.random.default_rng(seed).gamma(2.0, 0.5, len(looked.customers))
    return factor * noise * model.value(looked.bases, looked.money).values


def taught(weeks: int, factor: float = 1.0, learner: ValueLearner | None = None, first: int = 0) -> ValueLearner:
    """Observations of five weeks ago become known; what came is a factor of what would be said without learning."""
    learner = learner or ValueLearner(SETTINGS)
    churn = mixture(5)
    for week in range(first, weeks):
        matured = NOTHING_MATURED
        if week >= 5:
            then = observed(week - 5)
            plain = Valuation(np.array(learner._mbg), np.zeros(CORRECTION), _population(learner), np.ones(3))
            matured = Matured(then, spent_by(ValueScorer(churn, plain, SETTINGS), then, factor, week))
        learner.look(START + week * WEEK, churn, observed(week), matured)
    return learner


def _population(learner: ValueLearner) -> NDArray[np.float64]:
    return learner._valuation().population


def test_what_came_is_learned_by_the_correction() -> None:
    for factor in (0.5, 2.0):
        learner = taught(40, factor)
        weights = learner._correction.weights
        then = observed(99)
        valuation = learner._valuation()
        corrected = valuation._replace(factors=np.array([1.0, 1.0, 1.0]))
        plain = valuation._replace(weights=np.zeros(CORRECTION), factors=np.array([1.0, 1.0, 1.0]))
        ratio = (
            ValueScorer(mixture(5), corrected, SETTINGS).value(then.bases, then.money).values.sum()
            / ValueScorer(mixture(5), plain, SETTINGS).value(then.bases, then.money).values.sum()
        )
        assert ratio == pytest.approx(factor, rel=0.15)
        assert abs(weights[0]) > 0.1


def test_one_huge_order_moves_the_weights_little_and_is_not_lost_from_the_total() -> None:
    then, churn = observed(1), mixture(5)
    found = []
    for huge in (0.0, 1e6):
        learner = taught(30)
        net = spent_by(learner.scorer(churn), then, 1.0, 7)
        net[3] += huge
        learner.look(START + 30 * WEEK, churn, observed(30), Matured(then, net))
        found.append(learner)
    calm, shaken = (learner._correction.weights for learner in found)
    assert np.abs(calm - shaken).max() < 0.1
    assert found[1]._lift() > 1.5 > 1.05 > found[0]._lift() >= 1.0


@pytest.mark.parametrize(("age", "share"), [(27.0, 0.0), (28.0, 0.0), (56.0, 0.4)])
def test_no_correction_counts_before_a_horizon_is_over(age: float, share: float) -> None:
    learner, looked = ValueLearner(SETTINGS), observed(0)
    looked.bases[:, PLACE["recency_days"]] = looked.bases[:, PLACE["tenure_days"]] = age
    learner.look(START, mixture(5), looked, NOTHING_MATURED)
    assert learner.share == pytest.approx(share)


@pytest.mark.parametrize("weeks", [1, 4, 14])
def test_a_learner_that_is_restored_goes_on_to_the_same_bits(weeks: int) -> None:
    whole = taught(weeks + 6)
    stopped = taught(weeks)
    again = ValueLearner(SETTINGS)
    again.restore(json.loads(json.dumps(stopped.snapshot())))
    assert again.snapshot() == stopped.snapshot()
    taught(weeks + 6, learner=again, first=weeks)
    assert json.dumps(again.version()) == json.dumps(whole.version())


def test_a_version_as_plain_data_scores_as_the_model_does() -> None:
    learner, churn = taught(20), mixture(5)
    bases, money = people(77, 50)
    version = json.loads(json.dumps(learner.version()))
    stored = ValueScorer.of(version, churn, SETTINGS)
    assert in_rows(stored.value(bases, money)) == in_rows(learner.scorer(churn).value(bases, money))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"weights": [0.0]}, "weights must be a list"),
        ({"weights": None}, "weights must be a list"),
        ({"mbg": [1.0, 1.0, 0.0, 1.0]}, "mbg holds"),
        ({"share": 1.5}, "share is 1.5"),
        ({"lift": 0.5}, "lift is 0.5"),
        ({"level": float("nan")}, "level is nan"),
        ({"net": 0.0}, "net is 0.0"),
        ({"shrink": True}, "shrink is True"),
        ({"amount": 0.0}, "amount is 0.0"),
        ({"log_amount": "3"}, "log_amount is '3'"),
    ],
)
def test_a_version_that_does_not_fit_is_refused(change: dict[str, Any], complaint: str) -> None:
    version = {**ValueLearner(SETTINGS).version(), **change}
    with pytest.raises(SnapshotRefused, match=complaint):
        ValueScorer.of(version, mixture(1), SETTINGS)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"features": ["recency"]}, "features are not those"),
        ({"weights": [0.0]}, "weights must be a list"),
        ({"root": []}, "root must be a list"),
        ({"sums": [1.0]}, "sums must be a list"),
        ({"kept": [1.0, "x"]}, "kept holds"),
        ({"sample": None}, "sample must be an object"),
        ({"sample": {}}, "a sample of size None"),
        ({"boundary": 1.5}, "boundary is 1.5"),
        ({"job": True}, "job is True"),
        ({"age_days": -1.0}, "age_days is -1.0"),
        ({"level": 1e9}, "level is"),
        ({"mbg": [1.0]}, "mbg must be a list"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change: dict[str, Any], complaint: str) -> None:
    learner = taught(3)
    before = learner.snapshot()
    with pytest.raises(SnapshotRefused, match=complaint):
        learner.restore({**taught(7).snapshot(), **change})
    assert learner.snapshot() == before


def test_the_level_is_that_of_counts_by_mbg_where_the_horizon_is_long() -> None:
    """Of a horizon of a week, half of it; of a longer one nearly all."""
    learner, churn = ValueLearner(SETTINGS), mixture(5)
    looked = observed(0)
    learner.look(START, churn, looked, NOTHING_MATURED)
    by_mbg = _by_mbg(learner, looked)
    model = learner.scorer(churn).value(looked.bases, looked.money).values.sum()
    plain = model / learner.version()["level"]
    assert model == pytest.approx(0.75 * by_mbg + 0.25 * plain, rel=2e-2)  # the sample is kept at float16


def _by_mbg(learner: ValueLearner, looked: Observed) -> float:
    from models.value.scoring import value_parts

    valuation = learner._valuation()
    parts = value_parts(looked.bases, looked.money, mixture(5), valuation, course_of(28.0))
    return float(parts.by_mbg.sum() * valuation.population[1] * valuation.population[2])
