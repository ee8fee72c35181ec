"""The online-Newton learners as River estimators: River's own battery, data frames, pipelines."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from math import log
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import base, checks, compose, datasets, evaluate, metrics, preprocessing

from models.churn.newton import kernels as kernels
from models.churn.newton.classifiers import NewtonCloglog, NewtonLogistic

Newton = NewtonLogistic | NewtonCloglog

both = pytest.mark.parametrize("kind", [NewtonLogistic, NewtonCloglog])


def scaled(model: Newton) -> compose.Pipeline:
    return preprocessing.StandardScaler() | model


def passed_on(model: Newton) -> compose.Pipeline:
    """In a pipeline whose other step changes nothing."""
    return compose.Discard("no such feature") | model


ESTIMATORS: list[tuple[str, base.Estimator, set[str]]] = [
    ("logistic", NewtonLogistic(), set()),
    ("cloglog", NewtonCloglog(), set()),
    ("tight without intercept", NewtonLogistic(prior_precision={"ip_in_url": 9.0}, intercept=False), set()),
    ("passed on to logistic", passed_on(NewtonLogistic()), set()),
    ("passed on to cloglog", passed_on(NewtonCloglog()), set()),
    # River's scaler has seen all of a batch before it scales the batch's first row, so that no estimator behind it can
    # learn the same from a batch as from its rows; what reaches ours is tested below.
    ("scaled for logistic", scaled(NewtonLogistic()), {"check_learn_many_matches_learn_one"}),
    ("scaled for cloglog", scaled(NewtonCloglog()), {"check_learn_many_matches_learn_one"}),
]


def battery() -> Iterator[Any]:
    for name, estimator, impossible in ESTIMATORS:
        seen: dict[str, int] = {}
        for check in checks.yield_checks(estimator):
            what = check.__name__
            if what not in impossible:
                seen[what] = seen.get(what, 0) + 1
                slow = what == "check_bounded_memory_growth" and name not in ("logistic", "cloglog")
                marks = [pytest.mark.slow] if slow else []
                yield pytest.param(estimator, check, id=f"{name}: {what} {seen[what]}", marks=marks)


@pytest.mark.parametrize(("estimator", "check"), list(battery()))
def test_it_keeps_rivers_conventions(estimator: base.Estimator, check: Callable[[base.Estimator], None]) -> None:
    check(estimator.clone())


@both
def test_no_check_of_rivers_is_left_out(kind: type[Newton]) -> None:
    assert kind()._unit_test_skips() == set()
    names = {check.__name__ for check in checks.yield_checks(kind())}
    assert {
        "check_learn_many_matches_learn_one",
        "check_predict_many_matches_predict_one",
        "check_predict_proba_many_matches_predict_proba_one",
        "check_emerging_features",
        "check_disappearing_features",
    } <= names


# Data frames


@st.composite
def batches(draw: st.DrawFn) -> list[tuple[pd.DataFrame, pd.Series]]:
    """Frames whose columns come, go and change places, with numbers of all sizes."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        columns = draw(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True))
        count = draw(st.integers(1, 6))
        numbers = st.one_of(st.floats(-10, 10), st.floats(-1e6, 1e6), st.just(0.0))
        rows = draw(
            st.lists(st.lists(numbers, min_size=len(columns), max_size=len(columns)), min_size=count, max_size=count)
        )
        labels = draw(st.lists(st.booleans(), min_size=count, max_size=count))
        index = draw(st.permutations(range(count)))
        found.append((pd.DataFrame(rows, columns=columns, index=index), pd.Series(labels, index=index, name="churned")))
    return found


def bits(model: Newton) -> tuple[object, bytes, bytes]:
    return model.names, model.weights.tobytes(), model.covariance.tobytes()


@both
@settings(max_examples=60)
@given(batches())
def test_a_batch_teaches_the_same_bits_as_its_rows_one_by_one(
    kind: type[Newton], frames: list[tuple[pd.DataFrame, pd.Series]]
) -> None:
    many, one = kind(), kind()
    for frame, labels in frames:
        many.learn_many(frame, labels)
        for row, label in zip(frame.to_dict("records"), labels, strict=True):
            one.learn_one(row, label)
        assert bits(many) == bits(one)
    for frame, _ in frames:
        found = many.predict_proba_many(frame)
        assert found.index.equals(frame.index)
        assert found.to_dict("records") == [one.predict_proba_one(row) for row in frame.to_dict("records")]
        assert many.predict_many(frame).tolist() == [one.predict_one(row) for row in frame.to_dict("records")]


@both
def test_a_frame_may_hold_whole_numbers_booleans_and_objects_that_are_numbers(kind: type[Newton]) -> None:
    frame = pd.DataFrame({"whole": [1, 2], "flag": [True, False], "object": pd.Series([1.5, 2], dtype=object)})
    many, one = kind(), kind()
    many.learn_many(frame, pd.Series([1, 0]))
    for row, label in zip(frame.to_dict("records"), (True, False), strict=True):
        one.learn_one(row, label)
    assert bits(many) == bits(one)


@both
@pytest.mark.parametrize(
    "column",
    [[1.0, np.nan], [np.inf, 1.0], ["a", "b"], ["1.5", "2.5"], [1.0, None], pd.array([1, None], dtype="Int64")],
)
def test_a_frame_with_a_value_that_is_no_finite_number_is_refused_by_name_with_all_its_rows(
    kind: type[Newton], column: Any
) -> None:
    model, untouched = kind(), kind()
    for one in (model, untouched):
        one.learn_one({"good": 1.0}, True)
    frame = pd.DataFrame({"good": [1.0, 1.0], "bad": column})
    for call in (lambda: model.learn_many(frame, pd.Series([True, False])), lambda: model.predict_proba_many(frame)):
        with pytest.raises(ValueError, match=r"feature 'bad' .*must be a finite number"):
            call()
    assert bits(model) == bits(untouched)


@both
@pytest.mark.parametrize("labels", [[True, 2], ["yes", "no"], [True], [0.0, np.nan]])
def test_labels_that_are_none_or_too_few_are_refused(kind: type[Newton], labels: list[Any]) -> None:
    model = kind()
    with pytest.raises(ValueError, match="label"):
        model.learn_many(pd.DataFrame({"a": [1.0, 2.0]}), pd.Series(labels))
    assert bits(model) == bits(kind())


@both
def test_a_frame_without_rows_or_columns_changes_nothing_known(kind: type[Newton]) -> None:
    model = kind()
    model.learn_many(pd.DataFrame({"a": np.empty(0)}), pd.Series([], dtype=bool))
    assert bits(model) == bits(kind())
    assert model.predict_proba_many(pd.DataFrame({"a": np.empty(0)})).shape == (0, 2)
    assert model.predict_proba_many(pd.DataFrame(index=[7, 8])).index.tolist() == [7, 8]


# Pipelines


@both
def test_behind_a_scaler_a_batch_teaches_what_the_scaler_hands_on(kind: type[Newton]) -> None:
    pipeline, scaler, alone = scaled(kind()), preprocessing.StandardScaler(), kind()
    draw = np.random.default_rng(5)
    for _ in range(4):
        frame = pd.DataFrame(draw.normal(3.0, 9.0, size=(15, 3)), columns=["a", "b", "c"])
        labels = pd.Series(draw.random(15) < 0.4)
        pipeline.learn_many(frame, labels)
        scaler.learn_many(frame)
        for row, label in zip(scaler.transform_many(frame).to_dict("records"), labels, strict=True):
            alone.learn_one(row, label)
    assert bits(pipeline[kind.__name__]) == bits(alone)


@both
def test_a_pipeline_hands_on_weight_and_offset(kind: type[Newton]) -> None:
    pipeline, alone = passed_on(kind()), kind()
    pipeline.learn_one({"a": 1.0}, True, w=2.0, offset=0.5)
    alone.learn_one({"a": 1.0}, True, w=2.0, offset=0.5)
    assert bits(pipeline[kind.__name__]) == bits(alone)
    assert pipeline.predict_proba_one({"a": 1.0}, offset=0.5) == alone.predict_proba_one({"a": 1.0}, offset=0.5)


@both
def test_on_rivers_own_stream_it_halves_the_log_loss_of_the_base_rate_without_a_scaler(kind: type[Newton]) -> None:
    labels = [label for _, label in datasets.Phishing()]
    rate = sum(labels) / len(labels)
    model = kind(precision=1.0, intercept_variance=1.0)
    found = evaluate.progressive_val_score(datasets.Phishing(), model, metrics.LogLoss()).get()
    assert found < 0.5 * -(rate * log(rate) + (1 - rate) * log(1 - rate))


# River's ways with parameters and copies


@both
def test_a_clone_has_the_parameters_and_nothing_learned(kind: type[Newton]) -> None:
    model = kind(precision=9.0, intercept_variance=3.0, walk=0.1, prior_precision={"a": 2.0}, intercept=False)
    model.learn_one({"a": 1.0}, True)
    clone = model.clone()
    assert clone._get_params() == model._get_params()
    assert clone.names == ()
    assert clone.prior_precision is not model.prior_precision


@both
def test_pickled_it_learns_on_with_the_same_bits(kind: type[Newton]) -> None:
    model = kind()
    model.learn_one({"a": 1.0, "b": 2.0}, True)
    other = pickle.loads(pickle.dumps(model))  # noqa: S301 - River's users do; the engine uses snapshots
    for one in (model, other):
        one.learn_one({"b": 1.0, "c": -1.0}, False)
        one.drift()
    assert bits(model) == bits(other)


def test_on_a_tie_the_answer_is_no_in_both_forms() -> None:
    model = NewtonLogistic()
    assert kernels.probability(kernels.LOGIT, 0.0) == 0.5
    assert model.predict_one({"a": 1.0}) is False
    assert model.predict_many(pd.DataFrame({"a": [1.0]})).tolist() == [False]
