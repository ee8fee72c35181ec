"""The value model, learning: what the population spends, the correction, and the level.

At every boundary it takes the customers who were looked at since the last one, and the observations whose window is
over. Once a week of log time the correction's weights are let drift and the level is set. It learns beside the churn
model and is handed that model as it stands: counts of purchase days are that one's.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from models.churn.mbg.fit import MbgParameters, prior_of
from models.churn.mixture.probability import Mixture
from models.churn.mixture.reservoir import Reservoir
from models.churn.newton.kernels import widen
from models.churn.plain_data import number, numbers, whole_or_none
from models.churn.snapshot import SnapshotRefused
from models.customer.layout import BASIS
from models.features.basis import RECENCY_COLUMN
from models.numerics import maths
from models.settings import DAY, WEEK, EngineSettings
from models.value.columns import MONEY, Matured, Observed
from models.value.correction import WALK, first_correction, learn_correction, prior_variances
from models.value.counts import fitted
from models.value.level import correction_share, level_of, own_share
from models.value.scorer import MOST_FACTOR, ValueScorer
from models.value.scoring import CORRECTED, Valuation, value_parts
from models.value.spend import SUMS, add_buyers, population_of
from models.value.visits import course_of

FORGET: Final = 0.01
"""Of all running sums, a week: half is forgotten in sixteen months."""
SALT: Final = 0x76616C7565
"""Of the sample that the level is set on."""
MOST_DAYS: Final = 1e6


class ValueLearner:
    """The value model of one horizon, which is the churn model's."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._horizon_days, self._tick_days = settings.horizon / DAY, settings.tick / DAY
        self._course = course_of(self._horizon_days, self._tick_days)
        self._correction = first_correction()
        self._sums = np.zeros(SUMS)
        self._kept = np.zeros(2)  # what came, and what of it was learned
        self._sample = Reservoir(salt=SALT, width=BASIS + MONEY)
        self._boundary: int | None = None  # the last one
        self._job: int | None = None  # that of the last weekly job
        self._age_days, self._level = 0.0, 1.0
        self._prior = prior_of(self._horizon_days / 7.0)
        self._mbg = self._prior.medians

    def look(self, boundary: int, mixture: Mixture, observed: Observed, matured: Matured) -> None:
        """Learn all that became known up to a boundary of log time (ms), which rise from call to call.

        Args:
            boundary: where the log stands.
            mixture: the churn model of this boundary.
            observed: the customers looked at since the last boundary whose silence is of two horizons at most.
            matured: observations, one a customer at a time, whose window has ended since the last boundary.
        """
        self._forget(boundary)
        add_buyers(observed.bases, observed.money, self._tick_days, self._sums)
        rows = np.hstack([observed.bases, observed.money])
        self._sample.observe(observed.customers, rows, observed.observed_at, np.zeros(len(rows), dtype=np.bool_))
        weekly = len(self._sample) > 0 and (self._job is None or boundary - self._job >= WEEK)
        if weekly:
            widen(self._correction.root, WALK * prior_variances())
        if len(matured.net):
            learn_correction(self._correction, matured, mixture, self._valuation(), self._course, self._kept)
        if weekly:
            self._job = boundary
            self._age_days = boundary / DAY - self._sample.began()
            self._mbg = fitted(self._sample, self._settings.silence, self._age_days, self._prior, self._mbg)
            self._set_level(mixture)
        self._boundary = boundary

    def _forget(self, boundary: int) -> None:
        if self._boundary is not None:
            left = maths.exp((boundary - self._boundary) / WEEK * maths.ln(1.0 - FORGET))
            self._sums *= left
            self._kept *= left

    def _set_level(self, mixture: Mixture) -> None:
        """On those of the sample who were looked at in the last week of looks."""
        members = self._sample
        recent = members.observed_at > members.observed_at.max() - WEEK
        recent &= members.bases[:, RECENCY_COLUMN] <= 2.0 * self._horizon_days
        rows, valuation = members.bases[recent], self._valuation()
        parts = value_parts(rows[:, :BASIS], rows[:, BASIS:], mixture, valuation, self._course)
        own = own_share(self._horizon_days)
        self._level = min(level_of(parts, valuation.factors, own), MOST_FACTOR)

    def _valuation(self) -> Valuation:
        factors = np.array([self.share, self._lift(), self._level])
        return Valuation(
            np.array(self._mbg), self._correction.weights.copy(), np.array(population_of(self._sums)), factors
        )

    @property
    def share(self) -> float:
        """Of the correction, by the log's age."""
        return correction_share(self._age_days, self._horizon_days)

    def _lift(self) -> float:
        """What winsorising has taken from the total, as far as the correction that learned so counts."""
        came, learned = self._kept.tolist()
        ratio = came / learned if learned > 0.0 else 1.0
        return min(maths.exp(self.share * maths.ln(max(ratio, 1.0))), MOST_FACTOR)

    # -- plain data

    def version(self) -> dict[str, Any]:
        """What a scorer needs of the model as it stands: plain data (JSON types)."""
        population = population_of(self._sums)
        return {
            "mbg": list(self._mbg),
            "weights": self._correction.weights.tolist(),
            **population._asdict(),
            "share": self.share,
            "lift": self._lift(),
            "level": self._level,
        }

    def scorer(self, mixture: Mixture) -> ValueScorer:
        """The model as it stands now, frozen, with the churn model of the same moment."""
        return ValueScorer(mixture, self._valuation(), self._settings)

    def snapshot(self) -> dict[str, Any]:
        """All of the model as plain data (JSON types), from which `restore` makes an equal model."""
        return {
            "features": list(CORRECTED),
            "weights": self._correction.weights.tolist(),
            "root": self._correction.root.tolist(),
            "sums": self._sums.tolist(),
            "kept": self._kept.tolist(),
            "sample": self._sample.snapshot(),
            "boundary": self._boundary,
            "job": self._job,
            "mbg": list(self._mbg),
            "age_days": self._age_days,
            "level": self._level,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the model of the snapshot. Raises SnapshotRefused, and stays as it was, when it does not fit."""
        fresh = ValueLearner(self._settings)
        if state.get("features") != list(CORRECTED):
            raise SnapshotRefused("features are not those of this model")
        fresh._correction.restore(state.get("features"), state.get("weights"), state.get("root"))
        fresh._sums, fresh._kept = numbers(state, "sums", SUMS), numbers(state, "kept", 2)
        sample = state.get("sample")
        if not isinstance(sample, dict):
            raise SnapshotRefused(f"sample must be an object, it is {sample!r:.100}")
        fresh._sample.restore(sample)
        fresh._boundary, fresh._job = whole_or_none(state, "boundary"), whole_or_none(state, "job")
        fresh._mbg = MbgParameters(*numbers(state, "mbg", 4, 1e-9).tolist())
        fresh._age_days = number(state, "age_days", 0.0, MOST_DAYS)
        fresh._level = number(state, "level", 0.0, MOST_FACTOR)
        self.__dict__.update(fresh.__dict__)
