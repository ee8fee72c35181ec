"""Why a risk is as high as it is: against the customer's own usual state, in words a marketer reads."""

from __future__ import annotations

from array import array
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.churn import MixtureScorer, drivers
from models.churn.usual import COMING_OFTEN, THEMES, usual_gap, usual_states
from models.features import COLUMNS
from models.settings import Alive
from tests.reference import usual as plain
from tests.support.bench import Silence
from tests.unit.models.churn.test_crossing import customer, mixture
from tests.unit.models.churn.test_side_by_side import at_an_edge

PLACE = {name: place for place, name in enumerate(COLUMNS)}
Basis = NDArray[np.float32]


class Linear:
    """The logit is a weighted sum of columns."""

    def __init__(self, **weights: float) -> None:
        self.weights = weights

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        z = np.zeros(len(bases))
        for name, weight in self.weights.items():
            z += weight * bases[:, PLACE[name]].astype(np.float64)
        return np.asarray(1.0 / (1.0 + np.exp(-z)))


def regular(**changes: float) -> Basis:
    """Bought on ten days, every nine days, and has been silent for as long as usual."""
    basis = np.zeros(len(COLUMNS), dtype=np.float32)
    own = {
        "recency_days": 4.5,
        "tenure_days": 85.5,
        "purchase_days": 10,
        "gap_max": 12,
        "gap_log_sum": 9 * log(9),
        "gap_ewma": log(9),
        "amount_last": 3.0,
        "amount_ewma": 3.0,
        "amount_mean": 3.0,
    }
    for name, value in (own | changes).items():
        basis[PLACE[name]] = value
    return basis


def words(basis: Basis, alive: Alive = "purchase", **weights: float) -> list[str]:
    return [driver.text for driver in drivers(Linear(**weights), basis, alive)]


def test_who_is_as_usual_is_at_risk_for_the_silence_as_a_whole_or_for_their_habit() -> None:
    assert words(regular(), recency_days=0.1) == ["silent 4 days, usually buys every 9 days"]
    assert words(regular(), gap_max=0.1) == ["usually buys every 9 days"], "evened out the longest would be shorter"
    seldom = regular(tenure_days=304.5, purchase_days=2, gap_max=300, gap_log_sum=log(300), gap_ewma=log(300))
    assert words(seldom, gap_ewma=0.2, recency_days=0.1) == ["usually buys every 300 days"], "the larger one"
    once = regular(tenure_days=4.5, purchase_days=1, gap_max=0, gap_log_sum=0, gap_ewma=0)
    assert words(once, purchases_56=-1.0) == ["bought once so far"]
    assert words(regular(), recency_days=-0.1) == [], "what lowers the risk is no reason"


def test_what_has_hardly_changed_does_not_stand_for_who_they_are() -> None:
    seldom = regular(tenure_days=304.5, purchase_days=2, gap_max=300, amount_last=2.9)
    told = drivers(Linear(gap_max=0.01, amount_last=-0.2), seldom, "purchase")
    assert [driver.text for driver in told] == ["usually buys every 300 days", "spends less than usual"]
    told = drivers(Linear(gap_max=0.01, amount_last=-2.0), seldom, "purchase")
    assert [driver.text for driver in told] == ["spends less than usual"]


@pytest.mark.parametrize("days", [1, 2, 7])
def test_the_habit_is_held_against_somebody_who_comes_every_28_days(days: int) -> None:
    """The decayed counts are those of purchases at these days."""
    seldom = regular(recency_days=10, tenure_days=10 + 100.0 * (days - 1), purchase_days=days)
    often = usual_states(seldom)[COMING_OFTEN]
    purchases = max(days, 2)
    gap = 28.0
    assert often[PLACE["tenure_days"]] == pytest.approx(10 + gap * (purchases - 1))
    for half_life in (14, 28, 56, 112, 224):
        decayed = sum(2.0 ** (-(10 + gap * k) / half_life) for k in range(purchases))
        assert often[PLACE[f"purchases_{half_life}"]] == pytest.approx(decayed)


@pytest.mark.parametrize(
    ("changes", "weights", "said"),
    [
        ({"recency_days": 24, "tenure_days": 105}, {"recency_days": 0.1}, "silent 24 days, usually buys every 9 days"),
        ({"recency_days": 31, "tenure_days": 31, "purchase_days": 1}, {"recency_days": 0.1}, "bought once so far"),
        ({"recency_days": 30, "tenure_days": 30, "purchase_days": 2}, {"recency_days": 0.1}, "bought on 2 days so far"),
        ({"open_cases": 1, "oldest_case_days": 3}, {"open_cases": 1.0}, "1 open service case, the oldest for 3 days"),
        ({"open_cases": 2, "oldest_case_days": 1}, {"open_cases": 1.0}, "2 open service cases, the oldest for 1 day"),
        ({"sentiment": -0.5}, {"sentiment": -1.0}, "sounds unhappy"),
        ({"sentiment": 0.5}, {"sentiment": 1.0}, "sounds content"),
        ({"complaints": 1}, {"complaints": 1.0}, "complained lately"),
        ({"payment_failures": 1}, {"payment_failures": 1.0}, "a payment failed lately"),
        ({"unsubscribes": 1}, {"unsubscribes": 1.0}, "unsubscribed from messages lately"),
        ({"returns": 1}, {"returns": 1.0}, "returned goods lately"),
        ({"campaigns": 1}, {"campaigns": 1.0}, "received many campaigns lately"),
        ({"amount_last": 2}, {"amount_last": -1.0}, "spends less than usual"),
        ({"amount_last": 4}, {"amount_last": 1.0}, "spends more than usual"),
        ({"gap_ewma": log(20)}, {"gap_ewma": 1.0}, "buys less often than before"),
        ({"gap_ewma": log(4)}, {"gap_ewma": -1.0}, "buys more often than before"),
        ({"recency_days": 40, "tenure_days": 121, "visits": 0.5}, {"visits": -1.0}, "looks at us less than before"),
    ],
)
def test_words_say_what_is_the_case(changes: dict[str, float], weights: dict[str, float], said: str) -> None:
    [found] = words(regular(**changes), **weights)
    assert found.endswith(said)


@pytest.mark.parametrize(
    ("alive", "said"), [("engagement", "usually comes every 9 days"), ("contract", "usually renews every 9 days")]
)
def test_words_know_what_counts_as_staying(alive: Alive, said: str) -> None:
    assert words(regular(recency_days=24, tenure_days=105), alive, recency_days=0.1) == [f"silent 24 days, {said}"]


def test_a_contribution_is_what_the_logit_would_lose_if_the_customer_were_as_usual() -> None:
    basis = regular(recency_days=24.5, tenure_days=105.5, complaints=2.0)
    one, two = drivers(Linear(recency_days=0.1, complaints=0.3), basis, "purchase")
    usual = usual_gap(basis) / 2
    assert one.contribution == pytest.approx(0.1 * (24.5 - usual), rel=1e-5)
    assert (one.feature, two.feature, two.contribution) == ("silence", "complaints", pytest.approx(0.6))


def test_who_looked_at_us_within_the_silence_does_not_look_at_us_less() -> None:
    silent = {"recency_days": 120.0, "tenure_days": 201.0}
    visits = {"visits": -0.1}
    for count in (1.0, 5.0, 30.0):
        assert words(regular(**silent, visits=count), **visits) == [], "so many would have been a crowd back then"
    stopped = regular(recency_days=32.5, tenure_days=113.5, visits=3.0)
    assert words(stopped, **visits) == ["looks at us less than before"], "four weeks ago it was twelve"
    for days in (1_000.0, 5_000.0):
        assert words(regular(recency_days=days, tenure_days=days + 81, visits=1e-30), **visits) == []


def test_silence_is_told_of_any_scorer_that_heeds_it() -> None:
    [found] = drivers(Silence(14.0), regular(recency_days=60, tenure_days=141), "purchase")
    assert found.feature == "silence"


@given(st.integers(0, 10**6))
def test_the_usual_states_are_those_of_the_plain_form(seed: int) -> None:
    basis = at_an_edge(seed)
    before, plainly = basis.copy(), plain.usual_states(array("f", basis.tolist()))
    now, *states = usual_states(basis)
    assert basis.tobytes() == now.tobytes() == before.tobytes()
    assert list(plainly) == [*THEMES, "at_first", "coming_often"]
    for state, (theme, usual) in zip(states, plainly.items(), strict=True):
        assert state.tobytes() == usual.tobytes(), theme


def test_the_usual_state_of_who_is_as_usual_in_a_theme_is_their_own() -> None:
    for row, theme in enumerate(THEMES, 1):
        changed = usual_states(customer(5))[row]
        assert (usual_states(changed)[row] == changed).all() or theme in ("silence", "interest"), theme


def test_the_first_reasons_are_those_of_all() -> None:
    for seed in range(20):
        scorer, basis = MixtureScorer(mixture(seed)), customer(seed)
        assert drivers(scorer, basis, "purchase", 2) == drivers(scorer, basis, "purchase")[:2]


class SlowWay:
    """A scorer of the main model that reasons know nothing of."""

    def __init__(self, scorer: MixtureScorer) -> None:
        self.score = scorer.score


@given(st.integers(0, 10**6))
def test_the_main_model_gives_the_same_reasons_in_one_call_as_any_scorer_in_three(seed: int) -> None:
    scorer = MixtureScorer(mixture(seed))
    for basis in (customer(seed), at_an_edge(seed)):
        assert drivers(scorer, basis, "purchase") == drivers(SlowWay(scorer), basis, "purchase")


@given(st.integers(0, 10**6), st.sampled_from(["purchase", "engagement", "contract"]))
def test_words_never_raise_and_never_say_what_no_reader_understands(seed: int, alive: Alive) -> None:
    for driver in drivers(MixtureScorer(mixture(seed)), customer(seed), alive):
        assert driver.contribution > 0
        assert driver.text
        assert "nan" not in driver.text
        assert "inf" not in driver.text
