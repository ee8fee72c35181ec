"""What every churn model has to be able to do, whatever it is inside. A new one joins `MODELS`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from models.churn import (
    Learner,
    MixtureLearner,
    Outcomes,
    Scorer,
    SnapshotRefused,
    Version,
    drivers,
    scorer_of,
)
from models.churn.challengers.river_model import RiverModel, adagrad, adaptive_forest
from models.churn.port import NO_OUTCOMES
from models.churn.usual import THEMES
from models.customer.layout import BASIS
from models.features import COLUMNS
from models.learning.contest import Contest
from models.numerics.float16 import from_float16, to_float16
from models.settings import DAY, EngineSettings

SETTINGS = EngineSettings(horizon=28 * DAY, phase="aligned", lateness=0, boundary=7 * DAY, version_delay=0)
Make = Callable[[], Learner]
MODELS: dict[str, Make] = {
    "mixture": lambda: MixtureLearner(SETTINGS),
    "adagrad": lambda: RiverModel(adagrad),
    "forest": lambda: RiverModel(adaptive_forest),
    "contest": lambda: Contest(SETTINGS),
}
every_model = pytest.mark.parametrize(
    "make",
    [pytest.param(make, id=name, marks=[pytest.mark.slow] * (name == "forest")) for name, make in MODELS.items()],
)
Bases = NDArray[np.float32]
PLACE = {name: place for place, name in enumerate(COLUMNS)}
RECENCY, TENURE, DAYS = PLACE["recency_days"], PLACE["tenure_days"], PLACE["purchase_days"]
WEEK = 7 * DAY
BEGIN = 1_000 * WEEK


def customers(rows: int, seed: int = 1) -> tuple[Bases, NDArray[np.bool_]]:
    """Bases of customers, and who churns: the more likely the longer they have been silent."""
    random = np.random.default_rng(seed)
    bases = random.lognormal(1, 1, size=(rows, BASIS)).astype(np.float32)
    bases[:, DAYS] = random.integers(1, 20, rows)
    bases[:, RECENCY] = random.uniform(0, 56, rows)
    bases[:, TENURE] = bases[:, RECENCY] + random.uniform(0, 200, rows)
    churned = random.random(rows) < bases[:, RECENCY] / 56
    return from_float16(to_float16(bases)).reshape(rows, BASIS), churned


def outcomes(bases: Bases, truths: NDArray[np.bool_], taken: int, name: str = "c") -> Outcomes:
    names = [f"{name}-{row}".encode() for row in range(len(bases))]
    return Outcomes(names, bases, np.full(len(bases), taken), truths)


def teach(model: Learner, rows: int, seed: int, week: int) -> None:
    """A week's outcomes: who came back, and who churned."""
    bases, churned = customers(rows, seed)
    returned = outcomes(bases, ~churned, BEGIN + (week - 1) * WEEK, str(seed))
    model.learn(BEGIN + week * WEEK, returned, outcomes(bases, churned, BEGIN + (week - 4) * WEEK, str(seed)))


def taught(make: Make, rows: int = 400, seed: int = 1, weeks: int = 4) -> Learner:
    model = make()
    for week in range(weeks):
        teach(model, rows // weeks, seed + 100 * week, 40 + week)
    return model


def stored(model: Learner) -> dict[str, Any]:
    """The snapshot as it comes back from a store."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(model.snapshot()))
    return plain


def bits(model: Learner, bases: Bases) -> bytes:
    return model.scorer().score(bases).tobytes()


PROBES = customers(200, seed=9)[0]


@every_model
def test_a_model_that_has_learned_nothing_gives_probabilities(make: Make) -> None:
    scores = make().scorer().score(PROBES)
    assert ((scores > 0.0) & (scores < 1.0)).all()
    nothing = make()
    nothing.learn(BEGIN, NO_OUTCOMES, NO_OUTCOMES)
    assert bits(nothing, PROBES) == bits(make(), PROBES)


@every_model
def test_a_model_learns_what_there_is_to_learn(make: Make) -> None:
    model = taught(make, 4_000)
    bases, churned = customers(2_000, 77)
    scores = model.scorer().score(bases)
    assert scores[churned].mean() > scores[~churned].mean() + 0.2
    assert abs(scores.mean() - churned.mean()) < 0.2


@every_model
def test_a_restored_model_scores_the_same_bits_and_learns_on_the_same(make: Make) -> None:
    for rows in (0, 4, 8, 60):
        model, other = taught(make, rows), make()
        other.restore(stored(model))
        assert bits(model, PROBES) == bits(other, PROBES)
        assert stored(model) == stored(other)
        for week in (44, 45):
            teach(model, 30, week, week)
            teach(other, 30, week, week)
            other_again = make()
            other_again.restore(stored(other))
            assert bits(model, PROBES) == bits(other, PROBES) == bits(other_again, PROBES)


@every_model
def test_a_version_is_plain_data_that_scores_the_same_bits(make: Make) -> None:
    model = taught(make)
    version = msgspec.json.decode(msgspec.json.encode(Version(0, 1, model.version(), {})), type=Version)
    assert scorer_of(version, SETTINGS).score(PROBES).tobytes() == bits(model, PROBES)


@every_model
def test_looking_at_a_model_does_not_change_it(make: Make) -> None:
    model, other = make(), make()
    for week in (40, 41):
        model.snapshot()
        model.version()
        model.scorer().score(PROBES)
        drivers(model.scorer(), PROBES[0], "purchase")
        teach(model, 20, week, week)
        teach(other, 20, week, week)
    assert stored(model) == stored(other)


@every_model
def test_a_scorer_is_frozen(make: Make) -> None:
    model = taught(make)
    scorer = model.scorer()
    before = scorer.score(PROBES).tobytes()
    teach(model, 50, 4, 44)
    assert scorer.score(PROBES).tobytes() == before != bits(model, PROBES)


@every_model
def test_two_models_that_learned_the_same_are_the_same(make: Make) -> None:
    assert stored(taught(make)) == stored(taught(make))


@every_model
def test_a_model_that_has_seen_one_class_only_stays_reasonable(make: Make) -> None:
    means = []
    for label in (False, True):
        model = make()
        for week in range(8):
            bases, _ = customers(300, week)
            taken = BEGIN + (39 + week) * WEEK
            model.learn(
                taken + WEEK,
                outcomes(bases, np.full(300, not label), taken, str(week)),
                outcomes(bases, np.full(300, label), taken - 3 * WEEK, str(week)),
            )
        scores = model.scorer().score(PROBES)
        assert ((scores > 0.0) & (scores < 1.0)).all()
        means.append(scores.mean())
    assert means[1] > means[0] + 0.2


@every_model
def test_a_feature_that_never_varies_does_no_harm(make: Make) -> None:
    model = make()
    bases = np.repeat(PROBES[:1], 50, axis=0)
    truths = np.array([True, False] * 25)
    model.learn(BEGIN, outcomes(bases, truths, BEGIN - WEEK), outcomes(bases, truths, BEGIN - 4 * WEEK))
    assert np.isfinite(model.scorer().score(PROBES)).all()


@every_model
def test_what_customers_have_never_done_is_no_reason_to_fail(make: Make) -> None:
    model = make()
    bases = PROBES.copy()
    bases[:, PLACE["open_cases"] :] = 0.0
    truths = np.arange(len(bases)) % 2 == 0
    model.learn(BEGIN, outcomes(bases, truths, BEGIN - WEEK), outcomes(bases, truths, BEGIN - 4 * WEEK))
    assert np.isfinite(model.scorer().score(PROBES)).all()


@settings(max_examples=30)
@every_model
@given(bases=hnp.arrays(np.float32, (4, BASIS), elements=st.sampled_from([0.0, 1e-9, 1.0, 30.0, 2e4, 6e4])))
def test_extreme_customers_get_probabilities(make: Make, bases: Bases) -> None:
    bases[:, DAYS] = np.maximum(bases[:, DAYS], 1)
    model = taught(make, 48)
    truths = np.array([True, False, True, False])
    taken = BEGIN + 100 * WEEK
    model.learn(taken + WEEK, outcomes(bases, truths, taken), outcomes(bases, truths, taken - 3 * WEEK))
    for batch in (bases, PROBES):
        scores = model.scorer().score(batch)
        assert scores.dtype == np.float64
        assert scores.shape == (len(batch),)
        assert ((scores > 0) & (scores < 1)).all()


@every_model
def test_the_bits_of_a_score_do_not_depend_on_the_batch(make: Make) -> None:
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
def test_drivers_are_the_largest_reasons_for_risk_largest_first(make: Make) -> None:
    scorer: Scorer = taught(make).scorer()
    for basis in PROBES[:50]:
        found = drivers(scorer, basis, "purchase")
        contributions = [driver.contribution for driver in found]
        assert contributions == sorted(contributions, reverse=True)
        assert all(contribution > 0 for contribution in contributions)
        assert len({driver.feature for driver in found}) == len(found)
        assert all(driver.feature in (*THEMES, "habit") and driver.text for driver in found)


def _leaves(state: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value of a nested snapshot, by its path; lists are values."""
    if isinstance(state, dict) and "learner" not in path and "parameters" not in path:
        for name, value in state.items():
            yield from _leaves(value, (*path, name))
    else:
        yield path, state


def _changed(state: dict[str, Any], path: tuple[str, ...], change: Callable[[dict[str, Any], str], None]) -> Any:
    """A copy of what lies on the path; all else is shared."""
    copy = dict(state)
    at = copy
    for name in path[:-1]:
        at[name] = dict(at[name])
        at = at[name]
    change(at, path[-1])
    return copy


def _wrongs(state: dict[str, Any]) -> Iterator[Any]:
    """Snapshots that are not whole: each value left out, and replaced by what it can't be."""
    yield {}
    for path, value in _leaves(state):
        if value is not None and path[-1] not in MAY_BE_MISSING:
            yield _changed(state, path, lambda at, name: at.pop(name))
        worse: list[Any] = ["?", {}]
        if isinstance(value, list):
            worse += [[], value[:-1], [*value, 0.0], [*value[:-1], None], [*value[:-1], float("nan")]]
            worse += [[*value[:-1], float("inf")], [*value[:-1], 10**400], [*value[:-1], "1"]]
        else:
            worse += [[], float("nan"), float("inf"), "1"]
        for bad in worse:
            yield _changed(state, path, lambda at, name, bad=bad: at.update({name: bad}))


MAY_BE_MISSING = ("job",)


@every_model
def test_a_snapshot_that_is_not_whole_is_refused_and_the_model_stays_as_it_was(make: Make) -> None:
    good = stored(taught(make, 40, seed=7))
    model = taught(make, 40)
    before = msgspec.json.encode(model.snapshot())
    for wrong in _wrongs(good):
        with pytest.raises(SnapshotRefused):
            model.restore(wrong)
        assert msgspec.json.encode(model.snapshot()) == before
    model.restore(good)
    assert stored(model) == good


@every_model
def test_a_snapshot_is_plain_data(make: Make) -> None:
    model = taught(make)
    assert json.loads(json.dumps(model.snapshot())) == stored(model)
    assert stored(model) == model.snapshot()
