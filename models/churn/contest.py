"""Champion and challengers: every model learns the same labels, one of them decides, and evidence may change which.

A label is first forecast by every model as it stands, then learned by all (test, then train). The differences of their
losses are gathered week by week of log time; a challenger takes the champion's place when the confidence sequence of
their differences is above zero (models.churn.evidence). Then all evidence starts anew, and so nothing flaps: who lost
must show, in new weeks, that they are better. All of this is a function of the log's labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.churn.evidence import CLIP, Evidence
from models.churn.mixture_learner import MixtureLearner
from models.churn.port import Learner, Outcomes, Scorer
from models.churn.river_model import CHALLENGERS, RiverModel
from models.churn.snapshot import Promotion, SnapshotRefused
from models.churn.watch import Watch
from models.settings import DAY, EngineSettings

CHAMPION: Final = "mixture"
"""The one that begins as champion."""
WEEK: Final = 7 * DAY


def learners(settings: EngineSettings) -> dict[str, Learner]:
    """The models that learn, by name: the mixture and the challengers that are set. Raises ValueError for a name that
    no model has."""
    models: dict[str, Learner] = {CHAMPION: MixtureLearner(settings)}
    names = named(settings)[1:]
    for name in names:
        if name not in CHALLENGERS:
            raise ValueError(f"challengers names {name!r}; the models there are: {', '.join(CHALLENGERS)}")
    return models | {name: RiverModel(CHALLENGERS[name]) for name in names}


def named(settings: EngineSettings) -> list[str]:
    """The names of the models that learn, the first champion's first."""
    return [CHAMPION, *(name.strip() for name in settings.challengers.split(",") if name.strip())]


class Contest:
    """All models of the learner, behind the model port of the one that is champion."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self.models = learners(settings)
        self.champion = CHAMPION
        self.pinned = False
        self.promotions = 0
        self.promotion: Promotion | None = None  # the last one
        self.watches = {name: Watch() for name in self.models}
        self.evidence = {name: Evidence() for name in self.models if name != self.champion}
        self._week: int | None = None
        self._sums = dict.fromkeys(self.models, 0.0)
        self._labels = 0

    def learn(self, boundary: int, returns: Outcomes, stays: Outcomes) -> None:
        """As for the port. A promotion takes effect with the version that is cut at this boundary."""
        if len(stays.truths):
            self._compare(boundary, stays)
        for model in self.models.values():
            model.learn(boundary, returns, stays)

    def choose(self, boundary: int, champion: str | None) -> None:
        """Somebody has chosen: from the version of this boundary on this model decides, and stays champion; None:
        evidence decides again. To be told before the boundary's labels are learned.

        Raises ValueError for a name that no model has.
        """
        if champion is not None and champion not in self.models:
            raise ValueError(f"there is no model {champion!r}; the models are {', '.join(self.models)}")
        self.pinned = champion is not None
        if champion is not None and champion != self.champion:
            self._promote(boundary, champion, "operator")

    def _compare(self, boundary: int, stays: Outcomes) -> None:
        """What each model expected of these labels, and what that says about the champion's place."""
        week = boundary // WEEK
        if self._week is not None and week > self._week:
            self._close_week(boundary)
        self._week = week
        losses = {}
        for name, model in self.models.items():
            expected = model.scorer().score(stays.bases)
            self.watches[name].add(stays, expected)
            losses[name] = log_losses(expected, stays.truths)
        for name, loss in losses.items():
            self._sums[name] += float(np.clip(losses[self.champion] - loss, -CLIP, CLIP).sum())
        self._labels += len(stays.truths)

    def _close_week(self, boundary: int) -> None:
        if not self._labels:  # a champion was chosen within the week, and no label has come since
            return
        for name, evidence in self.evidence.items():
            evidence.add(self._sums[name] / self._labels)
        self._sums, self._labels = dict.fromkeys(self.models, 0.0), 0
        better = {name: evidence.lower for name, evidence in self.evidence.items() if evidence.lower > 0.0}
        if better and not self.pinned:
            self._promote(boundary, max(better, key=lambda name: (better[name], name)), "evidence")

    def _promote(self, boundary: int, name: str, by: Literal["evidence", "operator"]) -> None:
        self.promotion = Promotion(name, self.champion, boundary, by)
        self.champion = name
        self.promotions += 1
        self.evidence = {other: Evidence() for other in self.models if other != name}
        self._sums, self._labels = dict.fromkeys(self.models, 0.0), 0

    # -- the port

    def version(self) -> dict[str, Any]:
        return {**self.models[self.champion].version(), "name": self.champion}

    def scorer(self) -> Scorer:
        return self.models[self.champion].scorer()

    def summary(self) -> dict[str, Any]:
        """What a version says of every model: quality, drift, and the evidence against the champion."""
        return {
            name: {
                **self.watches[name].summary(),
                "champion": name == self.champion,
                **({"better_by_at_least": self.evidence[name].lower} if name in self.evidence else {}),
            }
            for name in self.models
        }

    def snapshot(self) -> dict[str, Any]:
        return {
            "models": {name: model.snapshot() for name, model in self.models.items()},
            "champion": self.champion,
            "pinned": self.pinned,
            "promotions": self.promotions,
            "promotion": msgspec.to_builtins(self.promotion),
            "watches": {name: watch.state() for name, watch in self.watches.items()},
            "evidence": {name: evidence.state() for name, evidence in self.evidence.items()},
            "week": self._week,
            "sums": self._sums.copy(),
            "labels": self._labels,
        }

    def restore(self, state: dict[str, Any]) -> None:
        fresh = Contest(self._settings)
        champion, pinned = state.get("champion"), state.get("pinned")
        if not isinstance(champion, str) or champion not in fresh.models or not isinstance(pinned, bool):
            raise SnapshotRefused(f"champion {champion!r}, pinned {pinned!r}: not of the models {[*fresh.models]}")
        fresh.champion, fresh.pinned = champion, pinned
        fresh.evidence = {name: Evidence() for name in fresh.models if name != champion}
        for part, things in (("models", fresh.models), ("watches", fresh.watches), ("evidence", fresh.evidence)):
            stored = state.get(part)
            if not isinstance(stored, dict) or stored.keys() != things.keys():
                raise SnapshotRefused(f"{part} must be those of {[*things]}")
            for name, thing in things.items():
                thing.restore(stored[name])
        fresh.promotions, fresh._labels = _count(state, "promotions"), _count(state, "labels")
        fresh.promotion = _promotion(state.get("promotion"))
        fresh._week = None if state.get("week") is None else _count(state, "week")
        sums = state.get("sums")
        if not isinstance(sums, dict) or sums.keys() != fresh.models.keys():
            raise SnapshotRefused("sums must be those of the models")
        fresh._sums = {name: _finite(value) for name, value in sums.items()}
        self.__dict__.update(fresh.__dict__)


def log_losses(expected: NDArray[np.float64], truths: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of probabilities within (0, 1), each with what came."""
    return -np.log(np.where(truths, expected, 1.0 - expected))


def _count(state: Mapping[str, Any], name: str) -> int:
    if type(value := state.get(name)) is not int or value < 0:
        raise SnapshotRefused(f"{name} is {value!r}; it must be a whole number")
    return value


def _promotion(value: Any) -> Promotion | None:
    try:
        return msgspec.convert(value, Promotion | None)
    except msgspec.ValidationError as error:
        raise SnapshotRefused(f"promotion is {value!r:.100}: {error}") from error


def _finite(value: Any) -> float:
    if not isinstance(value, int | float) or not np.isfinite(value):
        raise SnapshotRefused(f"sums holds {value!r}, which is no finite number")
    return float(value)
