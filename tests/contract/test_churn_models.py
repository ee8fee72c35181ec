"""What every churn model has to be able to do, whatever it is inside. A new one joins `MODELS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from models.churn import Learner, LogisticLearner, SnapshotRefused
from models.customer import BASIS
from models.features import COLUMNS, FEATURES

MODELS: list[Callable[[], Learner]] = [LogisticLearner]
every_model = pytest.mark.parametrize("make", MODELS)
Bases = NDArray[np.float32]
DAYS = COLUMNS.index("purchase_days")
RECENCY = COLUMNS.index("recency_days")


def customers(rows: int, seed: int = 1) -> tuple[Bases, list[bool]]:
    """Bases of customers, of whom those who have been silent for longer churn more often."""
    random = np.random.default_rng(seed)
    bases = random.lognormal(1, 1, size=(rows, BASIS)).astype(np.float32)
    bases[:, DAYS] = random.integers(1, 20, rows)
    bases[:, RECENCY] = random.uniform(0, 120, rows)
    churned = random.random(rows) < bases[:, RECENCY] / 120
    return bases, churned.tolist()


def taught(make: Callable[[], Learner], rows: int = 400, seed: int = 1) -> Learner:
    model = make()
    model.learn(*customers(rows, seed))
    return model


def stored(model: Learner) -> dict[str, Any]:
    """The snapshot as it comes back from a store."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(model.snapshot()))
    return plain


def bits(model: Learner, bases: Bases) -> bytes:
    return model.scorer().score(bases).tobytes()


PROBES = customers(200, seed=9)[0]


@every_model
def test_a_model_that_has_learned_nothing_says_one_half(make: Callable[[], Learner]) -> None:
    assert make().scorer().score(PROBES).tolist() == [0.5] * len(PROBES)
    assert list(make().scorer().drivers(PROBES[0])) == []


@every_model
def test_a_model_learns_what_there_is_to_learn(make: Callable[[], Learner]) -> None:
    model = taught(make, 3_000)
    bases = np.repeat(PROBES[:1], 2, axis=0)
    bases[:, RECENCY] = 2, 110
    low, high = model.scorer().score(bases)
    assert low < 0.4 < 0.6 < high


@every_model
def test_a_restored_model_scores_the_same_bits_and_learns_on_the_same(make: Callable[[], Learner]) -> None:
    for rows in (0, 1, 2, 50):
        model, other = taught(make, rows), make()
        other.restore(stored(model))
        assert bits(model, PROBES) == bits(other, PROBES)
        assert stored(model) == stored(other)
        for seed in (2, 3):
            more = customers(30, seed)
            model.learn(*more)
            other.learn(*more)
            other_again = make()
            other_again.restore(stored(other))
            assert bits(model, PROBES) == bits(other, PROBES) == bits(other_again, PROBES)


@every_model
def test_looking_at_a_model_does_not_change_it(make: Callable[[], Learner]) -> None:
    model, other = make(), make()
    for seed in (1, 2):
        model.snapshot()
        model.scorer().score(PROBES)
        list(model.scorer().drivers(PROBES[0]))
        model.learn(*customers(20, seed))
        other.learn(*customers(20, seed))
    assert stored(model) == stored(other)


@every_model
def test_a_scorer_is_frozen(make: Callable[[], Learner]) -> None:
    model = taught(make)
    scorer = model.scorer()
    before = scorer.score(PROBES).tobytes()
    model.learn(*customers(50, 4))
    assert scorer.score(PROBES).tobytes() == before != bits(model, PROBES)


@every_model
def test_learning_is_the_same_in_one_portion_or_in_many(make: Callable[[], Learner]) -> None:
    bases, churned = customers(60)
    model, other = make(), make()
    model.learn(bases, churned)
    other.learn(bases[:0], [])
    for i in range(60):
        other.learn(bases[i : i + 1], churned[i : i + 1])
    assert stored(model) == stored(other)


@every_model
def test_two_models_that_learned_the_same_are_the_same(make: Callable[[], Learner]) -> None:
    assert stored(taught(make)) == stored(taught(make))


@every_model
@pytest.mark.parametrize("label", [False, True])
def test_a_model_that_has_seen_one_class_only_stays_reasonable(make: Callable[[], Learner], label: bool) -> None:
    model = make()
    bases, _ = customers(500)
    model.learn(bases, [label] * 500)
    scores = model.scorer().score(PROBES)
    assert np.isfinite(scores).all()
    assert ((scores > 0.5) == label).mean() > 0.95


@every_model
def test_a_feature_that_never_varies_does_no_harm(make: Callable[[], Learner]) -> None:
    model = make()
    bases = np.repeat(PROBES[:1], 50, axis=0)
    model.learn(bases, [True, False] * 25)
    assert np.isfinite(model.scorer().score(PROBES)).all()


@every_model
@given(bases=hnp.arrays(np.float32, (4, BASIS), elements=st.sampled_from([0.0, 1e-9, 1.0, 30.0, 2e4, 1e8])))
def test_extreme_customers_get_probabilities(make: Callable[[], Learner], bases: Bases) -> None:
    bases[:, DAYS] = np.maximum(bases[:, DAYS], 1)
    model = taught(make, 50)
    model.learn(bases, [True, False, True, False])
    for batch in (bases, PROBES):
        scores = model.scorer().score(batch)
        assert scores.dtype == np.float64
        assert scores.shape == (len(batch),)
        assert ((scores > 0) & (scores < 1)).all()


@every_model
def test_the_bits_of_a_score_do_not_depend_on_the_batch(make: Callable[[], Learner]) -> None:
    scorer = taught(make).scorer()
    bases = customers(1_000, 5)[0]
    together = scorer.score(bases).tobytes()
    for size in (1, 7, 333, 1_000):
        parts = [scorer.score(bases[at : at + size]).tobytes() for at in range(0, 1_000, size)]
        assert b"".join(parts) == together
    backwards = scorer.score(np.ascontiguousarray(bases[::-1]))[::-1]
    assert np.ascontiguousarray(backwards).tobytes() == together
    assert scorer.score(bases[:0]).shape == (0,)


@every_model
def test_drivers_are_the_largest_reasons_for_risk_largest_first(make: Callable[[], Learner]) -> None:
    scorer = taught(make).scorer()
    for basis in PROBES[:50]:
        drivers = list(scorer.drivers(basis))
        contributions = [driver.contribution for driver in drivers]
        assert contributions == sorted(contributions, reverse=True)
        assert all(contribution > 0 for contribution in contributions)
        assert len({driver.feature for driver in drivers}) == len(drivers)
        assert all(driver.feature in FEATURES and driver.words for driver in drivers)


def _wrongs(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Snapshots that are not whole: each value left out, and replaced by what it can't be."""
    wrongs: list[dict[str, Any]] = [{}]
    for name, value in state.items():
        wrongs.append({other: kept for other, kept in state.items() if other != name})
        worse: list[Any] = [None, "x", {}]
        if isinstance(value, list):
            worse += [[], value[:-1], [*value, 0.0], [*value[:-1], None], [*value[:-1], float("nan")]]
            worse += [[*value[:-1], float("inf")], [*value[:-1], 10**400], [*value[:-1], "1"]]
        else:
            worse += [[], float("nan"), float("inf"), "1"]
        wrongs += [{**state, name: bad} for bad in worse]
    return wrongs


@every_model
def test_a_snapshot_that_is_not_whole_is_refused_and_the_model_stays_as_it_was(make: Callable[[], Learner]) -> None:
    good = stored(taught(make, seed=7))
    model = taught(make)
    before = stored(model)
    for wrong in _wrongs(good):
        with pytest.raises(SnapshotRefused):
            model.restore(wrong)
        assert stored(model) == before
    model.restore(good)
    assert stored(model) == good


@every_model
def test_a_snapshot_is_plain_data(make: Callable[[], Learner]) -> None:
    model = taught(make)
    assert stored(model) == model.snapshot()
