"""The first churn model: River's scaler and logistic regression, learning online from matured labels.

River learns; scoring uses River's weights and moments in compiled code, so that a score costs a fraction of a
microsecond and its bits do not depend on the batch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from sys import float_info
from typing import Any

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray
from river import compose, linear_model, optim, preprocessing

from models.churn.port import Driver
from models.churn.snapshot import SnapshotRefused, Version
from models.churn.words import WORDS
from models.compiled import compiled
from models.features import FEATURES, feature_row, features_of
from models.maths import exp
from models.settings import EngineSettings

LEARNING_RATE = 0.01
INTERCEPT_RATE = 0.05
"""Five times the weights': the level of churn must follow the season sooner than the ranking has to change. (On CDNOW
the prequential log-loss is .62 so, against .65 with .02 for both.)"""

MOST_LOGIT = 30.0
_WIDTH = len(FEATURES)
_MEANS, _SLOPES = slice(1, 1 + _WIDTH), slice(1 + _WIDTH, 1 + 2 * _WIDTH)


def schema_of(settings: EngineSettings) -> str:
    """Names what a snapshot belongs to: the model's family, its features in order, and all settings that decide.

    Settings that are not the model's own decide which examples there are, at which boundaries, and what was predicted.
    """
    named = ["scaler|logistic", LEARNING_RATE, INTERCEPT_RATE, FEATURES, settings.deciding()]
    plain = msgspec.json.encode(named, order="sorted")
    return xxhash.xxh3_64_hexdigest(plain)


class LogisticScorer:
    """A frozen version. `parameters`: the intercept, then a mean per feature, then a slope per feature (weight by
    scale); float64 of shape (1 + 2 * features,). Compiled code scores with them (`probability`)."""

    __slots__ = ("parameters",)

    def __init__(self, parameters: NDArray[np.float64]) -> None:
        self.parameters = parameters

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        probabilities = np.empty(len(bases))
        _probabilities(np.ascontiguousarray(bases), self.parameters, probabilities)
        return probabilities

    def drivers(self, basis: NDArray[np.float32]) -> Iterator[Driver]:
        features = np.empty(_WIDTH)
        feature_row(basis, features)
        parts = ((features - self.parameters[_MEANS]) * self.parameters[_SLOPES]).tolist()
        numbers = basis.tolist()
        for part, i in sorted([(-part, i) for i, part in enumerate(parts) if part > 0.0]):
            yield Driver(FEATURES[i], -part, WORDS[FEATURES[i]](numbers))


@compiled
def probability(basis: Any, parameters: Any, features: Any) -> float:
    """Probability of churn from one basis, shape (BASIS,). `features`: room for them, shape (len(FEATURES),)."""
    feature_row(basis, features)
    logit = parameters[0]
    for i in range(_WIDTH):
        logit += (features[i] - parameters[1 + i]) * parameters[1 + _WIDTH + i]
    return 1.0 / (1.0 + exp(-max(min(logit, MOST_LOGIT), -MOST_LOGIT)))


@compiled
def _probabilities(bases: Any, parameters: Any, out: Any) -> None:
    features = np.empty(_WIDTH)
    for row in range(bases.shape[0]):
        out[row] = probability(bases[row], parameters, features)


class LogisticLearner:
    """`StandardScaler | LogisticRegression` of River, behind the model port."""

    def __init__(self) -> None:
        self._scaler = preprocessing.StandardScaler()
        self._regression = linear_model.LogisticRegression(optim.SGD(LEARNING_RATE), intercept_lr=INTERCEPT_RATE)
        self._pipeline = compose.Pipeline(self._scaler, self._regression)

    def learn(self, bases: NDArray[np.float32], churned: Sequence[bool]) -> None:
        if not len(bases):
            return
        for row, label in zip(features_of(bases).tolist(), churned, strict=True):
            self._pipeline.learn_one(dict(zip(FEATURES, row, strict=True)), label)

    def snapshot(self) -> dict[str, Any]:
        scaler, regression = self._scaler, self._regression
        weights = regression.weights
        return {
            "count": scaler.counts[FEATURES[0]],
            "means": [float(scaler.means[name]) for name in FEATURES],
            "variances": [float(scaler.vars[name]) for name in FEATURES],
            "weights": [float(weights[name]) if name in weights else 0.0 for name in FEATURES],
            "intercept": float(regression.intercept),
            "steps": regression.optimizer.n_iterations,
        }

    def restore(self, state: dict[str, Any]) -> None:
        count, steps = state.get("count"), state.get("steps")
        if not isinstance(count, int) or not isinstance(steps, int) or count < 0 or steps < 0:
            raise SnapshotRefused(f"count {count!r} and steps {steps!r} must be whole numbers of examples")
        rows = {}
        for name in ("means", "variances", "weights"):
            values = state.get(name)
            if not isinstance(values, list) or len(values) != len(FEATURES):
                raise SnapshotRefused(f"{name} must be a list of {len(FEATURES)} numbers")
            if not all(map(_is_finite, values)):
                raise SnapshotRefused(f"{name} holds something that is not a finite number")
            rows[name] = dict(zip(FEATURES, map(float, values), strict=True))
        intercept = state.get("intercept")
        if not isinstance(intercept, int | float) or not _is_finite(intercept):
            raise SnapshotRefused(f"intercept is {intercept!r}; it must be a finite number")
        fresh = LogisticLearner()
        if count:
            fresh._scaler.counts = Counter(dict.fromkeys(FEATURES, count))
            fresh._scaler.means = defaultdict(float, rows["means"])
            fresh._scaler.vars = defaultdict(float, rows["variances"])
            fresh._regression._weights.update(rows["weights"])
        fresh._regression.intercept = float(intercept)
        fresh._regression.optimizer.n_iterations = steps
        self._scaler, self._regression, self._pipeline = fresh._scaler, fresh._regression, fresh._pipeline

    def scorer(self) -> LogisticScorer:
        state = self.snapshot()
        # River scales a feature without variance to zero.
        slopes = [w / v**0.5 if v > 0.0 else 0.0 for w, v in zip(state["weights"], state["variances"], strict=True)]
        return LogisticScorer(np.array([state["intercept"], *state["means"], *slopes]))


def _is_finite(value: object) -> bool:
    # Plain data may hold whole numbers beyond any float; a comparison takes them, math.isfinite raises.
    return isinstance(value, int | float) and -float_info.max <= value <= float_info.max


def scorer_of(version: Version) -> LogisticScorer:
    """The scorer of a version. Raises SnapshotRefused when its model does not fit."""
    learner = LogisticLearner()
    if version.model:
        learner.restore(version.model)
    return learner.scorer()
