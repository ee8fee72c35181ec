"""Adapter: any River classifier as a churn model, learning the same labels from the same features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from river import base, compose, forest, linear_model, optim, preprocessing

from models.churn import challengers
from models.churn.challengers.river_plain_data import from_plain, to_plain
from models.churn.port import Outcomes
from models.churn.snapshot import SnapshotRefused
from models.features.columns import FEATURES, MEANS, features_of
from models.settings import CHALLENGERS as NAMES

Classifier = base.Classifier | compose.Pipeline

FLOOR: Final = 1e-4
ROWS: Final = 500
"""Rows that become Python numbers in one go: it holds the interpreter's lock, and each takes a kilobyte or two."""
_NO_MEANS = np.zeros(MEANS)


def adagrad() -> Classifier:
    """Logistic regression with a step of its own for every weight (Duchi, Hazan and Singer 2011, JMLR 12)."""
    regression = linear_model.LogisticRegression(optim.AdaGrad(0.05), intercept_lr=0.05)
    return compose.Pipeline(preprocessing.StandardScaler(), regression)


def adaptive_forest() -> Classifier:
    """Trees that are replaced when they drift (Gomes et al. 2017, "Adaptive random forests for evolving data stream
    classification", Machine Learning 106). About a hundred times the cost of the others.

    Small trees that split late: River's own settings took 31 MB after 3,600 examples where these take 2, and foretold
    worse. A learner keeps a horizon's versions of it.
    """
    return forest.ARFClassifier(n_models=5, max_depth=4, grace_period=200, leaf_prediction="mc", seed=1)


CHALLENGERS: Final[dict[str, Callable[[], Classifier]]] = {"adagrad": adagrad, "forest": adaptive_forest}
"""By name. A new one is a function here and a name in `models.settings.CHALLENGERS`."""

if tuple(CHALLENGERS) != NAMES:
    raise ImportError(f"the models are {', '.join(CHALLENGERS)}, the settings know {', '.join(NAMES)}")


class RiverScorer:
    """A frozen River classifier."""

    KIND: Final = challengers.KIND

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self.values: Mapping[str, Any] | None = None  # what the version says of them, if it does
        self.choice: Mapping[str, Any] | None = None  # the same of actions

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> RiverScorer:
        """From a version's plain data. Raises SnapshotRefused."""
        return cls(_classifier(model.get("classifier")))

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        found: list[dict[Any, float]] = []
        for first in range(0, len(bases), ROWS):
            rows = features_of(np.ascontiguousarray(bases[first : first + ROWS]), _NO_MEANS).tolist()
            found += [self._classifier.predict_proba_one(dict(zip(FEATURES, row, strict=True))) for row in rows]
        # A classifier that has seen one class only does not know the other.
        probabilities = [p.get(True, 1.0 - p.get(False, 0.5)) for p in found]
        return np.clip(np.nan_to_num(np.array(probabilities, dtype=np.float64), nan=0.5), FLOOR, 1.0 - FLOOR)


class RiverModel:
    """A River classifier behind the model port."""

    def __init__(self, make: Callable[[], Classifier]) -> None:
        self._classifier = make()

    def learn(self, boundary: int, returned: Outcomes, churned: Outcomes) -> None:
        repeats = None if churned.weights is None else _whole(churned.weights)
        for first in range(0, len(churned.truths), ROWS):
            bases, truths = churned.bases[first : first + ROWS], churned.truths[first : first + ROWS]
            rows = features_of(np.ascontiguousarray(bases), _NO_MEANS).tolist()
            times = repeats[first : first + ROWS] if repeats is not None else [1] * len(rows)
            for row, truth, often in zip(rows, truths.tolist(), times, strict=True):
                for _ in range(often):
                    self._classifier.learn_one(dict(zip(FEATURES, row, strict=True)), truth)

    def snapshot(self) -> dict[str, Any]:
        return {"classifier": to_plain(self._classifier)}

    def restore(self, state: dict[str, Any]) -> None:
        found = _classifier(state.get("classifier"))
        if type(found) is not type(self._classifier):
            raise SnapshotRefused(f"the snapshot is of {type(found).__name__}, not {type(self._classifier).__name__}")
        self._classifier = found

    def version(self) -> dict[str, Any]:
        return {"kind": RiverScorer.KIND, **self.snapshot()}

    def scorer(self) -> RiverScorer:
        return RiverScorer.of(self.version())


def _whole(weights: NDArray[np.float64]) -> list[int]:
    """How often each example is learned, since not every classifier of River's takes weights: whole numbers whose sums
    are those of the weights, to the nearest one."""
    sums = np.rint(np.cumsum(weights)).astype(np.int64)
    found: list[int] = np.diff(sums, prepend=0).tolist()
    return found


def _classifier(plain: Any) -> Classifier:
    found = from_plain(plain)
    if not isinstance(found, base.Classifier | compose.Pipeline):
        raise SnapshotRefused(f"{type(found).__name__} is no classifier of River")
    return found
