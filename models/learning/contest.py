"""Champion-challenger evaluation: all models learn the same labels, one decides, evidence may promote another.

A label is compared with what every model had predicted at its observation (models.learning.past_versions), then
learned by all. The differences of their losses are gathered window by window; a challenger takes the champion's place
when the confidence sequence of their differences is above zero (models.learning.comparison). Then all evidence starts
anew, and so nothing flaps: a former champion must show, on examples to come, that it is better. All of this is a
function of the log's labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from models.churn.port import Outcomes, Scorer
from models.churn.registry import CHAMPION, learners
from models.churn.scorers import scorer_of_model
from models.churn.snapshot import Promotion, SnapshotRefused
from models.learning.comparison import Comparison
from models.learning.monitor import Watch
from models.learning.past_versions import Past
from models.settings import EngineSettings


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
        self.comparison = self._new_comparison(CHAMPION)
        self.past = Past(settings, self._versions(), lambda model: scorer_of_model(model, settings))

    def _new_comparison(self, champion: str, since: int = 0) -> Comparison:
        return Comparison(self._settings, champion, [name for name in self.models if name != champion], since)

    def _versions(self) -> dict[str, dict[str, Any]]:
        return {name: model.version() for name, model in self.models.items()}

    def learn(self, boundary: int, returned: Outcomes, churned: Outcomes) -> None:
        """As for the port. A promotion takes effect with the version that is published at this boundary."""
        if len(churned.truths):
            expected = self.past.expected(churned)
            for name, watch in self.watches.items():
                watch.add(churned, expected[name])
            self.comparison.add(churned, expected)
        better = self.comparison.close(boundary)
        if better is not None and not self.pinned:
            self._promote(boundary, better, "evidence")
        for model in self.models.values():
            model.learn(boundary, returned, churned)
        self.past.note(boundary, self._versions)

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

    def _promote(self, boundary: int, name: str, by: Literal["evidence", "operator"]) -> None:
        self.promotion = Promotion(name, self.champion, boundary, by)
        self.champion = name
        self.promotions += 1
        self.comparison = self._new_comparison(name, boundary)

    # -- the port

    def version(self) -> dict[str, Any]:
        return {**self.models[self.champion].version(), "name": self.champion}

    def scorer(self) -> Scorer:
        return self.models[self.champion].scorer()

    def summary(self) -> dict[str, Any]:
        """What a version says of every model: quality, drift, and the evidence against the champion."""
        evidence = self.comparison.evidence
        return {
            name: {
                **self.watches[name].summary(),
                "champion": name == self.champion,
                **({"better_by_at_least": evidence[name].lower} if name in evidence else {}),
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
            "duel": self.comparison.state(),
            "past": self.past.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        fresh = Contest(self._settings)
        champion, pinned = state.get("champion"), state.get("pinned")
        if not isinstance(champion, str) or champion not in fresh.models or not isinstance(pinned, bool):
            raise SnapshotRefused(f"champion {champion!r}, pinned {pinned!r}: not of the models {[*fresh.models]}")
        fresh.champion, fresh.pinned = champion, pinned
        for part, things in (("models", fresh.models), ("watches", fresh.watches)):
            stored = state.get(part)
            if not isinstance(stored, dict) or stored.keys() != things.keys():
                raise SnapshotRefused(f"{part} must be those of {[*things]}")
            for name, thing in things.items():
                thing.restore(stored[name])
        fresh.comparison = fresh._new_comparison(champion)
        fresh.comparison.restore(state.get("duel"))
        fresh.past.restore(state.get("past"))
        fresh.promotions = _count(state, "promotions")
        fresh.promotion = _promotion(state.get("promotion"))
        self.__dict__.update(fresh.__dict__)


def _count(state: Mapping[str, Any], name: str) -> int:
    if type(value := state.get(name)) is not int or value < 0:
        raise SnapshotRefused(f"{name} is {value!r}; it must be a whole number")
    return value


def _promotion(value: Any) -> Promotion | None:
    try:
        return msgspec.convert(value, Promotion | None)
    except msgspec.ValidationError as error:
        raise SnapshotRefused(f"promotion is {value!r:.100}: {error}") from error
