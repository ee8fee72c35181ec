"""The main churn model, learning: two online classifiers, MBG/NBD and the churn level, from labelled outcomes.

At every boundary the learners take what has become known. Once a week of log time the weights are let drift, MBG/NBD is
fitted anew and the level is set; a version between two weeks keeps those of the last one.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.churn.mbg.fit import Customers, MbgParameters, covariance, fit, prior_of
from models.churn.mixture.interval import Beliefs
from models.churn.mixture.level import UNLEARNED_SHARE, Shares, means_of, shares, shift_to_level
from models.churn.mixture.probability import DAYS_A_WEEK, Mixture, parts
from models.churn.mixture.reservoir import Reservoir
from models.churn.mixture.scorer import MixtureScorer
from models.churn.mixture.trust import Trust
from models.churn.newton.classifiers import NewtonCloglog, NewtonLogistic
from models.churn.plain_data import number, numbers, whole_or_none
from models.churn.port import Outcomes
from models.churn.snapshot import SnapshotRefused
from models.features.basis import (
    AMOUNT_COLUMN,
    BASKETS_COLUMN,
    DAYS_COLUMN,
    QUANTITY_COLUMN,
    RECENCY_COLUMN,
    TENURE_COLUMN,
    TOUCH_COLUMNS,
)
from models.features.columns import FEATURES, MEANS, ROOM, features_of, load_lanes, moving, steady
from models.numerics.compiled import LANES, compiled
from models.settings import DAY, WEEK, EngineSettings

PRECISION_HAZARD: Final = 50.0
PRECISION_DIRECT: Final = 400.0
"""Of a weight's prior. The direct learner corrects the hazard: it must be sure before it does."""
INTERCEPT_HAZARD: Final = 200.0
INTERCEPT_DIRECT: Final = 400.0
"""Variance of the constant's prior over the other weights'."""
WALK: Final = 1e-3
SELDOM: Final = ("sentiment", "visits", "opens", "presence", "campaigns")
"""Frequent signs, each of little weight: their prior variance is `SELDOM_VARIANCE` of the others'."""
SELDOM_VARIANCE: Final = 0.3
MEMORY: Final = 20_000.0
"""Examples that the running means remember."""
A_WEEKS_WORTH: Final = 12.0
"""Customers: how much a week of log tells MBG/NBD at most, however many customers there are."""
MOST_DAYS: Final = 1e6
CROWD: Final = 500
"""Customers of the sample by whom an interval sees how the level follows the weights."""


def hazard_learner() -> NewtonCloglog:
    """The weekly hazard of a purchase, of nothing learned yet."""
    return NewtonCloglog(PRECISION_HAZARD, INTERCEPT_HAZARD, WALK, _precisions(PRECISION_HAZARD))


def direct_learner() -> NewtonLogistic:
    """The correction to the hazard's logit of churn, of nothing learned yet."""
    return NewtonLogistic(PRECISION_DIRECT, INTERCEPT_DIRECT, WALK, _precisions(PRECISION_DIRECT))


def _precisions(precision: float) -> dict[str, float]:
    return {name: precision / SELDOM_VARIANCE for name in SELDOM if name in TOUCH_COLUMNS}


class MixtureLearner:
    """The churn model of CDNOW's and every other log, behind the model port."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._horizon_days, self._tick_days = settings.horizon / DAY, settings.tick / DAY
        self._prior = prior_of(self._horizon_days / DAYS_A_WEEK)
        self._hazard, self._direct = hazard_learner(), direct_learner()
        self._hazard.bind(FEATURES)
        self._direct.bind(FEATURES)
        self._means, self._counted = np.zeros(MEANS), 0.0
        self._reservoir = Reservoir()
        self._job: int | None = None  # the boundary of the last weekly job
        self._age_days = 0.0  # of the log, at that boundary
        self._trust = Trust(settings.horizon)
        self._mbg = self._prior.medians
        self._share, self._shift, self._learned = UNLEARNED_SHARE, 0.0, False

    def learn(self, boundary: int, returned: Outcomes, churned: Outcomes) -> None:
        before = self._mixture()
        self._reservoir.observe(returned.customers, returned.bases, returned.observed_at, returned.truths)
        weekly = self._is_week_over(boundary)
        if weekly:
            self._hazard.drift()
            self._direct.drift()
        if len(returned.truths):
            rows = self._rows_of(returned.bases)
            self._hazard.learn_rows(rows, returned.truths, weights=returned.weights)
        if len(churned.truths):
            self._correct(churned, before)
            self._trust.learn(churned.observed_at, churned.truths, churned.weights)
        if weekly:
            self._job = boundary
            self._set_level(boundary)

    def _is_week_over(self, boundary: int) -> bool:
        """Since the last weekly job; since the log began, before the first one."""
        if self._job is not None:
            return boundary - self._job >= WEEK
        return len(self._reservoir) > 0 and boundary / DAY - self._reservoir.began() >= DAYS_A_WEEK

    def _rows_of(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features of hazard examples, each centred on the running means that include it."""
        rows = np.empty((len(bases), len(FEATURES)))
        self._counted = _centred_rows(np.ascontiguousarray(bases), self._means, self._counted, rows)
        return rows

    def _correct(self, churned: Outcomes, before: Mixture) -> None:
        """The direct learner's examples are corrections to what the last version's hazard says of them."""
        bases = np.ascontiguousarray(churned.bases)
        shifts = parts(bases, before).hazards
        self._direct.learn_rows(features_of(bases, before.means), churned.truths, shifts, churned.weights)

    def _set_level(self, boundary: int) -> None:
        """The weekly job: MBG/NBD from the reservoir, and the level from those of it who were looked at lately."""
        self._age_days = boundary / DAY - self._reservoir.began()
        self._mbg = fit(self._customers(boundary), self._prior, self._worth(), self._mbg)
        share = self._shares()
        self._share, self._learned = share.mbg, True
        bases = np.ascontiguousarray(self._reservoir.bases[self._active(boundary)])
        if len(bases):  # else last week's level stands
            _, learners, anchor = parts(bases, self._mixture())
            self._shift = shift_to_level(learners, anchor, share)
            self._trust.note(boundary, *means_of(learners, anchor))

    def _shares(self) -> Shares:
        """By the log's age, and by what came of the levels so far."""
        share = shares(self._age_days, self._horizon_days)
        return share._replace(own=share.own + (1.0 - share.own) * self._trust.lost)

    def _active(self, boundary: int) -> NDArray[np.bool_]:
        """The members whose newest example is of this week, or of the last round of examples, where that is longer; and
        who had given a sign within the horizon."""
        settings, members = self._settings, self._reservoir
        round_of_all = max(WEEK, settings.cadence(settings.tick) * settings.tick)
        lately = members.observed_at > boundary - round_of_all - settings.tick - settings.lateness
        active: NDArray[np.bool_] = lately & (members.bases[:, RECENCY_COLUMN] <= self._horizon_days)
        return active

    def _worth(self) -> float:
        """How many independent customers the log tells of."""
        weeks = max(self._age_days // DAYS_A_WEEK - 1.0, 1.0)
        return 1.0 / (1.0 / len(self._reservoir) + 1.0 / (A_WEEKS_WORTH * weeks))

    def _customers(self, boundary: int) -> Customers:
        """The reservoir as MBG/NBD reads it: each as of the newest example, with what came in the tick after it.

        Who has gone beyond the ticks gives no example any more, and is known to have been silent since.
        """
        members, settings = self._reservoir, self._settings
        bases = members.bases.astype(np.float64)
        tenure, recency = bases[:, TENURE_COLUMN], bases[:, RECENCY_COLUMN]
        cadence = settings.cadence(settings.tick) * settings.tick
        gone = ~members.back & (recency * DAY + cadence > settings.silence)
        since = np.maximum(boundary - cadence - members.observed_at - settings.tick, 0) / WEEK
        return Customers(
            x=np.maximum(bases[:, DAYS_COLUMN] - 1.0, 0.0),
            last=np.maximum(tenure - recency, 0.0) / DAYS_A_WEEK,
            age=np.maximum(tenure, tenure - recency) / DAYS_A_WEEK + np.where(gone, since, 0.0),
            back=members.back,
            window=self._tick_days / DAYS_A_WEEK,
        )

    # -- plain data

    def version(self) -> dict[str, Any]:
        return {
            "kind": MixtureScorer.KIND,
            "hazard": self._hazard.weights.tolist(),
            "direct": self._direct.weights.tolist(),
            "means": self._means.tolist(),
            "mbg": list(self._mbg),
            "share": self._share,
            "shift": self._shift,
            "learned": self._learned,
        }

    def beliefs(self, boundary: int) -> Beliefs:
        """What the version of a boundary is sure of, for `models.churn.mixture.interval`."""
        if self._learned:
            worth, customers = self._worth(), self._customers(boundary)
            mbg = covariance(self._mbg, customers, self._prior, worth)
        else:
            mbg = np.diag(np.square(self._prior.spreads))
        members = self._reservoir.bases
        crowd = members[members[:, RECENCY_COLUMN] <= self._horizon_days][:CROWD] if self._learned else members[:0]
        return Beliefs(
            self._mixture(), self._hazard.covariance, self._direct.covariance, mbg, crowd, self._shares().own
        )

    def scorer(self) -> MixtureScorer:
        return MixtureScorer(self._mixture())

    def _mixture(self) -> Mixture:
        return MixtureScorer.of(self.version(), self._settings).mixture

    def snapshot(self) -> dict[str, Any]:
        return {
            "hazard": self._hazard.snapshot(),
            "direct": self._direct.snapshot(),
            "means": self._means.tolist(),
            "counted": self._counted,
            "reservoir": self._reservoir.snapshot(),
            "job": self._job,
            "age_days": self._age_days,
            "trust": self._trust.state(),
            "mbg": list(self._mbg),
            "share": self._share,
            "shift": self._shift,
            "learned": self._learned,
        }

    def restore(self, state: dict[str, Any]) -> None:
        fresh = MixtureLearner(self._settings)
        fresh._hazard.restore(_part(state, "hazard"))
        fresh._direct.restore(_part(state, "direct"))
        if fresh._hazard.names != FEATURES or fresh._direct.names != FEATURES:
            raise SnapshotRefused("the learners' features are not those of this model")
        fresh._reservoir.restore(_part(state, "reservoir"))
        fresh._means = numbers(state, "means", MEANS)
        fresh._counted = number(state, "counted", 0.0, MEMORY)
        fresh._job = whole_or_none(state, "job")
        fresh._age_days = number(state, "age_days", 0.0, MOST_DAYS)
        fresh._trust.restore(_part(state, "trust"))
        fresh._mbg = MbgParameters(*numbers(state, "mbg", 4, 1e-9).tolist())
        fresh._share = number(state, "share", 0.0, 1.0)
        fresh._shift = number(state, "shift", -100.0, 100.0)
        if not isinstance(learned := state.get("learned"), bool):
            raise SnapshotRefused(f"learned is {learned!r}; it must be true or false")
        fresh._learned = learned
        self.__dict__.update(fresh.__dict__)


def _part(state: dict[str, Any], name: str) -> dict[str, Any]:
    part = state.get(name)
    if not isinstance(part, dict):
        raise SnapshotRefused(f"{name} must be an object, it is {part!r:.100}")
    return part


@compiled
def _centred_rows(bases: Any, means: Any, counted: float, rows: Any) -> float:
    """Features of each basis after it has entered the running means, in place. Gives how many they remember now."""
    b, x, centres = np.empty((bases.shape[1], LANES)), np.empty((ROOM, LANES)), np.zeros((MEANS, LANES))
    for first in range(0, bases.shape[0], LANES):
        used = load_lanes(bases, first, b)
        for lane in range(used):
            counted = min(counted + 1.0, MEMORY)
            means[0] += (b[AMOUNT_COLUMN, lane] - means[0]) / counted
            means[1] += (b[QUANTITY_COLUMN, lane] - means[1]) / counted
            means[2] += (b[BASKETS_COLUMN, lane] - means[2]) / counted
            for i in range(MEANS):
                centres[i, lane] = means[i]
        steady(b, centres, x)
        moving(b, 0.0, x)
        for lane in range(used):
            for i in range(rows.shape[1]):
                rows[first + lane, i] = x[1 + i, lane]
    return counted
