"""The effect learner: what it finds, what it forgets, and what becomes of it when arms come, change and go."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.churn.snapshot import SnapshotRefused
from models.decisions.choosing import Numbers
from models.decisions.choosing.prior import Prior
from models.decisions.draw import ONE
from models.learning.effect_prior import prior_precision, without
from models.learning.effects import HALF_LIFE, ArmWanted, EffectLearner
from models.numerics.fixed_order import Floats, dot, exps, inverse, quadratic, quadratic_of, times
from models.numerics.maths import exp

SIZE = 3
TRUE = np.array([[0.10, 0.05, 0.0], [-0.05, 0.0, 0.04]])
BASE = np.array([0.5, 0.1, -0.1])


class Log:
    """Randomised draws with known effects."""

    def __init__(self, rows: int, seed: int = 1, effects: Floats = TRUE) -> None:
        rng = np.random.default_rng(seed)
        self.x = np.column_stack([np.ones(rows), rng.normal(0, 1, (rows, SIZE - 1)).clip(-2.5, 2.5)])
        self.chances = rng.dirichlet([2.0, 2.0, 2.0], rows)
        self.arms = np.array([rng.choice(3, p=p) for p in self.chances])
        lifts = np.column_stack([np.zeros(rows), self.x @ effects.T])
        self.y = self.x @ BASE + lifts[np.arange(rows), self.arms] + rng.normal(0, 0.3, rows)
        self.worth = rng.lognormal(4, 0.5, rows)

    def taught(self, learner: EffectLearner, begin: int = 0, end: int | None = None) -> None:
        part = slice(begin, end)
        learner.learn_many(
            self.x[part], self.y[part], arms=self.arms[part], chances=self.chances[part, 1:], worth=self.worth[part]
        )


def made(prior: Prior | None = None, half_life: int | None = HALF_LIFE, **arms: ArmWanted) -> EffectLearner:
    learner = EffectLearner(SIZE, prior, half_life)
    learner.set_arms(arms or {"a": ArmWanted({}), "b": ArmWanted({})})
    return learner


def effects(learner: EffectLearner) -> dict[str, Floats]:
    return {name: np.array(arm.effect) for name, arm in learner.version().arms.items()}


def as_chances(row: Floats) -> dict[str, int]:
    return {"a": int(row[1] * ONE), "b": int(row[2] * ONE)}


def test_it_finds_the_effects_whatever_the_chances_were() -> None:
    learner = made()
    Log(20_000).taught(learner)
    found = effects(learner)
    assert found["a"] == pytest.approx(TRUE[0], abs=0.02)
    assert found["b"] == pytest.approx(TRUE[1], abs=0.02)
    assert learner.version().sigma == pytest.approx(0.3, abs=0.03)


def test_a_posteriors_sd_is_honest() -> None:
    wide = Prior(sd=1.0, slope_sd=1.0, shared=0.0)
    apart = []
    for seed in range(30):
        learner = made(wide)
        Log(400, seed).taught(learner)
        for name, truth in zip("ab", TRUE, strict=True):
            arm = learner.version().arms[name]
            apart += [
                (mean - true) / arm.covariance[place][place] ** 0.5
                for place, (mean, true) in enumerate(zip(arm.effect, truth, strict=True))
            ]
    assert np.std(apart) == pytest.approx(1.0, abs=0.2)


def test_it_is_the_ridge_regression_of_the_whole_log() -> None:
    learner, log = made(), Log(300)
    log.taught(learner)
    given_arm = np.column_stack([log.arms == 1, log.arms == 2]) - log.chances[:, 1:]
    u = np.concatenate([log.x, given_arm[:, :1] * log.x, given_arm[:, 1:] * log.x], axis=1)
    precision = prior_precision(Prior(), SIZE, 2) + u.T @ u
    mean = np.zeros(3 * SIZE)
    mean[0] = 0.5
    y = np.clip(log.y, -0.5, 3.0)
    expected = np.linalg.solve(precision, prior_precision(Prior(), SIZE, 2) @ mean + u.T @ y)
    found = learner.version()
    assert [*found.base, *found.arms["a"].effect, *found.arms["b"].effect] == pytest.approx(expected.tolist())


def test_one_after_the_other_is_many_at_once_to_the_bit() -> None:
    log = Log(60)
    log.chances = np.floor(log.chances * ONE) / ONE
    one, many, parts = made(), made(), made()
    for learner in (one, many, parts):
        learner.opened(None, 50.0)
    for x, y, arm, p, worth in zip(log.x, log.y, log.arms, log.chances, log.worth, strict=True):
        one.learn_one(x.tolist(), y, arm=(None, "a", "b")[arm], chances=as_chances(p), worth=worth)
    log.taught(many)
    for begin in range(0, 60, 7):
        log.taught(parts, begin, begin + 7)
    assert one.state() == many.state() == parts.state()


def test_a_row_weighs_by_its_worth_within_bounds() -> None:
    learner = made()
    learner.opened(None, 100.0)
    weights = []
    for worth in (100.0, 50.0, 1.0, 1e6):
        before = learner.version().rows
        learner.learn_one([1.0, 0.0, 0.0], 0.5, arm=None, chances={}, worth=worth)
        weights.append(learner.version().rows - before)
    assert weights == pytest.approx([1.0, 0.5, 0.25, 3.0])


def test_an_outcome_is_cut() -> None:
    one, other = made(), made()
    one.learn_one([1.0, 0.0, 0.0], 1e9, arm="a", chances={"a": ONE // 2}, worth=1.0)
    other.learn_one([1.0, 0.0, 0.0], 3.0, arm="a", chances={"a": ONE // 2}, worth=1.0)
    assert one.state() == other.state()


def test_a_control_row_tells_of_the_base_alone() -> None:
    learner = made()
    for _ in range(500):
        learner.learn_one([1.0, 0.5, 0.5], 0.9, arm=None, chances={}, worth=1.0)
    assert all(effect == pytest.approx([0.0] * SIZE, abs=1e-12) for effect in effects(learner).values())
    assert dot([1.0, 0.5, 0.5], learner.version().base) == pytest.approx(0.9, abs=0.01)


def test_what_contact_as_such_does_is_learned_first_and_for_all() -> None:
    shared, apart = made(), made(Prior(shared=0.0))
    for learner in (shared, apart):
        for n in range(300):
            learner.learn_one(
                [1.0, 0, 0], 0.3 if n % 2 else 0.6, arm="a" if n % 2 else None, chances={"a": ONE // 2}, worth=1.0
            )
    assert effects(shared)["b"][0] < -0.05
    assert effects(apart)["b"][0] == pytest.approx(0.0, abs=1e-12)


def test_without_outcomes_there_are_the_policys_figures() -> None:
    learner = made(useful=ArmWanted({0: -0.02}), offer=ArmWanted({0: -0.03, 2: 0.05}))
    known = learner.version()
    assert known.arms["offer"].effect == pytest.approx([-0.03, 0.0, 0.05])
    assert [known.arms["useful"].covariance[place][place] ** 0.5 for place in range(SIZE)] == pytest.approx(
        [0.05, 0.025, 0.025]
    )
    assert learner.predict_one([1.0, 0.0, 2.0])["offer"].mean == pytest.approx(0.07)


def test_the_likeliest_prior_is_as_wide_as_effects_are() -> None:
    for scale, expected in ((1.0, 1.0), (8.0, 8.0)):
        learner = EffectLearner(SIZE, cut=(-1e9, 1e9))
        learner.set_arms({"a": ArmWanted({}), "b": ArmWanted({})})
        Log(3_000, effects=scale * np.array([[0.03, 0.02, -0.02], [0.04, -0.02, 0.02]])).taught(learner)
        widths = [learner.prior.widened(times) for times in (1.0, 8.0)]
        assert learner.likeliest(widths) == learner.version(learner.prior.widened(expected))


def test_the_marginal_likelihood_is_that_of_the_whole_log() -> None:
    """Of y = U theta + e, with theta drawn from the prior: log N(y; U m, s² (I + U V U')), s² integrated out."""
    learner, log = EffectLearner(SIZE, cut=(-1e9, 1e9)), Log(40)
    learner.set_arms({"a": ArmWanted({}), "b": ArmWanted({})})
    log.taught(learner)
    given_arm = np.column_stack([log.arms == 1, log.arms == 2]) - log.chances[:, 1:]
    u = np.concatenate([log.x, given_arm[:, :1] * log.x, given_arm[:, 1:] * log.x], axis=1)
    found, expected = [], []
    for times_ in (1.0, 3.0):
        prior = Prior().widened(times_)
        spread = np.eye(40) + u @ np.linalg.inv(prior_precision(prior, SIZE, 2)) @ u.T
        apart = log.y - 0.5
        left = apart @ np.linalg.solve(spread, apart) + 20 * 0.6**2
        expected.append(-0.5 * np.linalg.slogdet(spread)[1] - 0.5 * (40 + 20) * np.log(left))
        found.append(learner.regression.fit(prior).evidence)
    assert found[1] - found[0] == pytest.approx(expected[1] - expected[0], abs=1e-6)


# Forgetting


def test_a_half_life_halves_what_was_learned_and_keeps_the_prior() -> None:
    learner = made(a=ArmWanted({0: 0.03}))
    learner.learn_rows(np.ones((1, 2 * SIZE)), np.array([4.0]), np.array([1.0]))
    half = made(a=ArmWanted({0: 0.03}))
    half.learn_rows(np.ones((1, 2 * SIZE)), np.array([2.0]), np.array([1.0]))
    learner.forget(HALF_LIFE)
    assert learner.version() == half.version()
    learner.forget(200 * HALF_LIFE)
    assert learner.version().arms["a"].effect == pytest.approx([0.03, 0.0, 0.0], abs=1e-12)


def test_a_world_that_turns_is_followed_sooner_by_who_forgets() -> None:
    errors = {}
    for half_life in (HALF_LIFE, None):
        learner = made(half_life=half_life)
        Log(5_000, 1).taught(learner)
        learner.forget(2 * HALF_LIFE)
        Log(2_000, 2, -TRUE).taught(learner)
        errors[half_life] = abs(effects(learner)["a"] + TRUE[0]).max()
    assert errors[HALF_LIFE] < 0.6 * errors[None]


def test_forgetting_in_parts_is_forgetting_at_once_and_no_time_forgets_nothing() -> None:
    one, other = made(), made()
    for learner in (one, other):
        Log(200).taught(learner)
    before = one.state()
    one.forget(0)
    assert one.state() == before
    one.forget(HALF_LIFE)
    one.forget(HALF_LIFE)
    other.forget(2 * HALF_LIFE)
    assert effects(one)["a"] == pytest.approx(effects(other)["a"])


# Arms


def test_an_arm_that_goes_leaves_what_it_told_of_the_others() -> None:
    learner = made()
    Log(3_000).taught(learner)
    before = learner.version()
    learner.set_arms({"b": ArmWanted({})})
    after = learner.version()
    assert list(after.arms) == ["b"]
    assert after.base == pytest.approx(before.base)
    assert after.arms["b"].effect == pytest.approx(before.arms["b"].effect)
    assert np.array(after.arms["b"].covariance) == pytest.approx(np.array(before.arms["b"].covariance))
    assert after.sigma == pytest.approx(before.sigma)
    assert after.arms["b"].matured == before.arms["b"].matured


def test_a_new_arm_begins_from_its_figures_moved_by_what_contact_does() -> None:
    learner = made(a=ArmWanted({0: 0.0}))
    learner.set_arms({"a": ArmWanted({}), "c": ArmWanted({0: -0.02})})
    assert effects(learner)["c"] == pytest.approx([-0.02, 0.0, 0.0])
    for n in range(2_000):
        learner.learn_one(
            [1.0, 0, 0], 0.3 if n % 2 else 0.6, arm="a" if n % 2 else None, chances={"a": ONE // 2}, worth=1.0
        )
    learner.set_arms({"a": ArmWanted({}), "c": ArmWanted({}), "d": ArmWanted({0: -0.02})})
    assert effects(learner)["d"][0] < -0.1


def test_an_arm_that_comes_late_knows_what_one_knows_that_was_there() -> None:
    """Whether an arm without contacts was there from the beginning or came later makes no difference."""
    early, late = made(a=ArmWanted({}), c=ArmWanted({0: 0.01})), made(a=ArmWanted({}))
    for learner in (early, late):
        for n in range(100):
            learner.learn_one(
                [1.0, 0.5, 0], 0.3 if n % 2 else 0.6, arm="a" if n % 2 else None, chances={"a": ONE // 2}, worth=1.0
            )
    late.set_arms({"a": ArmWanted({}), "c": ArmWanted({0: 0.01})})
    assert late.version() == early.version()


def test_a_changed_text_begins_where_the_old_one_stood_as_unsure_as_a_new_one() -> None:
    learner, other = made(), made()
    for one in (learner, other):
        Log(3_000).taught(one)
    before = learner.version()
    learner.set_arms({"b": ArmWanted({}), "a2": ArmWanted({0: -0.03}, replaces="a")})
    other.set_arms({"b": ArmWanted({}), "c": ArmWanted({0: -0.03})})
    after = learner.version()
    assert after.arms["a2"].effect == pytest.approx(before.arms["a"].effect)
    assert np.array(after.arms["a2"].covariance) == pytest.approx(np.array(other.version().arms["c"].covariance))
    assert after.arms["a2"].covariance[0][0] > 2 * before.arms["a"].covariance[0][0]
    assert (after.arms["a2"].opened, after.arms["a2"].matured) == (0, 0)
    assert after.arms["b"].effect == pytest.approx(before.arms["b"].effect)


def test_replacing_what_never_was_is_a_new_arm() -> None:
    learner = made(a=ArmWanted({0: 0.02}, replaces="nothing"))
    assert effects(learner)["a"] == pytest.approx([0.02, 0.0, 0.0])


def test_an_outcome_of_an_arm_that_is_gone_is_not_learned() -> None:
    learner = made()
    learner.set_arms({"a": ArmWanted({})})
    before = learner.state()
    assert not learner.learn_one([1.0, 0, 0], 1.0, arm="b", chances={"a": ONE // 4, "b": ONE // 4}, worth=1.0)
    assert learner.state() == before


def test_chances_are_those_given_that_no_gone_arm_fell() -> None:
    one, other = made(), made(a=ArmWanted({}))
    one.set_arms({"a": ArmWanted({})})
    one.learn_one([1.0, 0, 0], 1.0, arm="a", chances={"a": ONE // 4, "b": ONE // 2}, worth=1.0)
    other.learn_one([1.0, 0, 0], 1.0, arm="a", chances={"a": ONE // 2}, worth=1.0)
    assert effects(one)["a"] == pytest.approx(effects(other)["a"])


def test_contacts_are_counted_opened_and_matured() -> None:
    learner = made()
    for arm in ("a", "a", "b", None):
        learner.opened(arm, 10.0)
    learner.learn_one([1.0, 0, 0], 1.0, arm="a", chances={"a": ONE // 2}, worth=10.0)
    assert learner.contacts == {"a": (2, 1), "b": (1, 0)}
    known = learner.version().arms
    assert (known["a"].opened, known["a"].matured) == (2, 1)


def test_figures_of_a_feature_that_is_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"arm 'a' name feature 7; there are 3"):
        made(a=ArmWanted({7: 0.1}))


# Plain data


def test_a_state_passes_through_json_and_goes_on_to_the_bit() -> None:
    log = Log(400)
    whole, first = made(), made()
    log.taught(whole)
    log.taught(first, 0, 150)
    second = EffectLearner(SIZE)
    second.restore(json.loads(json.dumps(first.state())))
    log.taught(second, 150)
    assert second.state() == whole.state()
    assert second.version() == whole.version()
    assert Numbers.of(json.loads(json.dumps(second.version().plain()))) == second.version()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("features", 4, "features is 4"),
        ("half_life", None, "half_life is None"),
        ("prior", [1], "prior is"),
        ("arms", ["a", "a"], "different names"),
        ("contacts", [[1, 2], [0, 0]], "contacts"),
        ("contacts", [[1, 0]], "contacts"),
        ("means", [0.0], "means must be a list of 9"),
        ("precision", [0.0], "precision must be a list of 45"),
        ("response", [float("nan")] * 9, "response holds"),
        ("weight", -1.0, "weight is -1.0"),
        ("squares", "many", "squares is 'many'"),
    ],
)
def test_a_damaged_state_is_refused_by_name_and_changes_nothing(key: str, value: Any, said: str) -> None:
    learner = made()
    Log(20).taught(learner)
    before = learner.state()
    with pytest.raises(SnapshotRefused, match=said):
        learner.restore(before | {key: value})
    assert learner.state() == before


def test_no_effect_learner_is_refused() -> None:
    with pytest.raises(SnapshotRefused, match="no effect learner"):
        made().restore([])


# Arithmetic of a fixed order


@given(st.integers(1, 12), st.integers(0, 1_000))
@settings(max_examples=30)
def test_the_inverse_is_the_inverse(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(0, 1, (size, size + 3))
    matrix = root @ root.T + 0.1 * np.eye(size)
    assert inverse(matrix) @ matrix == pytest.approx(np.eye(size), abs=1e-7)


def test_what_is_not_positive_definite_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pivot 1 of the matrix is -3"):
        inverse(np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_columns_give_the_bits_of_numbers() -> None:
    rng = np.random.default_rng(3)
    x, matrix = rng.normal(0, 1, (50, 6)), rng.normal(0, 1, (6, 6))
    columns, rows = [x[:, place] for place in range(6)], matrix.tolist()
    assert dot(columns, rows[0]).tolist() == [dot(row, rows[0]) for row in x.tolist()]
    assert quadratic(columns, rows).tolist() == [quadratic(row, rows) for row in x.tolist()]
    assert quadratic(columns, rows).tolist() == [quadratic_of(row, matrix) for row in x]
    assert times(x, matrix[0]).tolist() == [dot(row, rows[0]) for row in x.tolist()]
    assert exps(x).tolist() == [[exp(value) for value in row] for row in x.tolist()]


def test_marginalising_is_the_block_of_the_inverse() -> None:
    rng = np.random.default_rng(4)
    root = rng.normal(0, 1, (7, 9))
    precision, response = root @ root.T, rng.normal(0, 1, 7)
    kept, left, _ = without(precision, response, [1, 4])
    stays = [0, 2, 3, 5, 6]
    assert np.linalg.inv(kept) == pytest.approx(np.linalg.inv(precision)[np.ix_(stays, stays)])
    assert np.linalg.solve(kept, left) == pytest.approx(np.linalg.solve(precision, response)[stays])
