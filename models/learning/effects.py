"""What each action changes: a Bayesian regression on randomised draws whose chances are known.

Of every draw, when its response window has ended: y, the share of the value at stake that came (margin less what was
given away, over the value at stake), is regressed on

    u = [x, (1{A=1} - p_1) x, ..., (1{A=q} - p_q) x]

with the chances p as they were drawn from. It is the R-learner (Nie and Wager 2021, "Quasi-oracle estimation of
heterogeneous treatment effects", Biometrika 108) with known propensities, its nuisance m(x) estimated together with
the effects, anew at every version: so no early row keeps a bad m. The sums are `models.learning.effect_regression`'s;
here are the rows, in the order of the examples, and the contacts behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from models.churn.plain_data import is_finite, number, numbers
from models.churn.snapshot import SnapshotRefused
from models.decisions.choosing.numbers import Arm, Numbers
from models.decisions.choosing.prior import Figures, Prior
from models.decisions.draw import ONE
from models.learning.effect_regression import MOST, EffectRegression, Fit
from models.numerics.fixed_order import Floats, dot, quadratic
from models.numerics.maths import exp2
from models.settings import WEEK

HALF_LIFE: Final = 52 * WEEK
"""ms. What was learned counts half as much after it: habits change, and so does what works. Half of it forgets too much
that is still true, and where every effect turns within two years saves no more."""
LEAST_SHARE, MOST_SHARE = -0.5, 3.0
"""A share of the value at stake is cut at these: one great order must not decide what everybody gets."""
LEAST_WEIGHT, MOST_WEIGHT = 0.25, 3.0
"""Of a row, by its value at stake over the mean one."""


class ArmWanted(NamedTuple):
    """An arm as the policy has it.

    figures: what the policy expects. replaces: the arm whose text it changes: it begins from what that one had learned.
    """

    figures: Figures
    replaces: str | None = None


class Estimate(NamedTuple):
    """Of an effect, in shares of the value at stake."""

    mean: float
    sd: float


class EffectLearner:
    """What is known of each arm, and how often it was tried; arms are named by the hash of their content.

    The interface is that of River's estimators where it fits: `learn_one`, `predict_one`.

    >>> learner = EffectLearner(features=1)
    >>> learner.set_arms({"useful": ArmWanted({0: 0.02})})
    >>> round(learner.predict_one([1.0])["useful"].mean, 6)
    0.02
    """

    def __init__(
        self,
        features: int,
        prior: Prior | None = None,
        half_life: int | None = HALF_LIFE,
        cut: tuple[float, float] = (LEAST_SHARE, MOST_SHARE),
    ) -> None:
        """half_life: ms; None forgets nothing. cut: outcomes below and above count as these."""
        self.half_life, self.cut = half_life, cut
        self.regression = EffectRegression(features, Prior() if prior is None else prior)
        self._worth = self._draws = 0.0
        self.contacts: dict[str, tuple[int, int]] = {}
        """By arm: contacts opened, and matured."""
        self.learned: dict[str, float] = {}
        """By arm: contacts whose outcome was learned; they fade as the sums do."""

    @property
    def features(self) -> int:
        return self.regression.features

    @property
    def prior(self) -> Prior:
        return self.regression.prior

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(self.regression.arms)

    @property
    def mean_worth(self) -> float:
        """Of the value at stake of the draws so far, money; 0 before the first."""
        return self._worth / self._draws if self._draws else 0.0

    # What happens

    def opened(self, arm: str | None, worth: float) -> None:
        """A draw was made: a window is open. arm: None is leaving alone. worth: the value at stake."""
        self.drew(1, worth)
        if arm is not None:
            self.contacted({arm: 1})

    def drew(self, draws: int, worth: float) -> None:
        """So many draws were made. worth: their values at stake, in all."""
        self._worth += worth
        self._draws += draws

    def contacted(self, opened: Mapping[str, int]) -> None:
        """So many windows were opened with a contact, by arm."""
        for arm, count in opened.items():
            if arm in self.contacts:
                before, matured = self.contacts[arm]
                self.contacts[arm] = (before + count, matured)

    def over(self, arm: str) -> None:
        """The window of a contact has ended, and nothing is learned of it."""
        if arm in self.contacts:
            self._mature(arm, 1)

    def learn_one(
        self, x: Sequence[float], y: float, *, arm: str | None, chances: Mapping[str, int], worth: float
    ) -> bool:
        """A window has ended.

        Args:
            x: features as they were frozen at the draw.
            y: what came, as a share of the value at stake; cut here.
            arm: what was drawn, None for leaving alone.
            chances: of each arm in the draw, multiples of 2^-32. One that was no candidate is left out.
            worth: the value at stake, money.

        Returns:
            whether it was learned: not if its arm is gone.
        """
        if arm is not None and arm not in self.contacts:
            return False
        # Given that none of those fell that are gone, the others' chances are greater by as much.
        gone = sum(chance for name, chance in chances.items() if name not in self.contacts)
        left = float(ONE - gone)
        share = [(1.0 if name == arm else 0.0) - chances.get(name, 0) / left for name in self.arms]
        features = np.array(x, dtype=np.float64)
        row = np.concatenate([features, *(one * features for one in share)])
        cut = min(max(y, self.cut[0]), self.cut[1])
        self.learn_rows(row[None, :], np.array([self._weight_of(worth)]), np.array([cut]))
        if arm is not None:
            self._mature(arm, 1)
            self.learned[arm] += 1.0
        return True

    def learn_many(self, x: Floats, y: Floats, *, arms: Sequence[int], chances: Floats, worth: Floats) -> None:
        """Many at once, in their order: to the bit as one after the other.

        Args:
            x: shape (rows, features). y, worth: (rows,).
            arms: what was drawn: 0 for leaving alone, else one more than the place in `arms`.
            chances: shape (rows, arms), of one.
        """
        drawn = np.asarray(arms, dtype=np.int64)
        given = drawn[:, None] == np.arange(1, len(self.arms) + 1)[None, :]
        centred = given.astype(np.float64) - chances
        rows = np.concatenate([x, (centred[:, :, None] * x[:, None, :]).reshape(len(x), -1)], axis=1)
        weights = np.array([self._weight_of(value) for value in worth.tolist()])
        self.learn_rows(rows, weights, np.minimum(np.maximum(y, self.cut[0]), self.cut[1]))
        for place, name in enumerate(self.arms):
            count = int(given[:, place].sum())
            self._mature(name, count)
            for _ in range(count):  # as one after the other rounds
                self.learned[name] += 1.0

    def learn_rows(self, rows: Floats, weights: Floats, outcomes: Floats) -> None:
        """Rows of the regression as they are: shape (n, features (arms + 1)); nothing is cut, no contact counted."""
        self.regression.add_rows(rows, weights, outcomes)

    def forget(self, elapsed: int) -> None:
        """Log time has passed, ms: what was learned fades towards the prior."""
        if self.half_life is None or elapsed <= 0:
            return
        kept = exp2(-elapsed / self.half_life)
        self.regression.fade(kept)
        self._worth *= kept
        self._draws *= kept
        self.learned = {name: count * kept for name, count in self.learned.items()}

    def _weight_of(self, worth: float) -> float:
        if not self._draws or self._worth <= 0.0:
            return 1.0
        return min(max(worth * self._draws / self._worth, LEAST_WEIGHT), MOST_WEIGHT)

    def _mature(self, arm: str, count: int) -> None:
        opened, matured = self.contacts[arm]
        self.contacts[arm] = (max(opened, matured + count), matured + count)

    # What is known

    def predict_one(self, x: Sequence[float]) -> dict[str, Estimate]:
        """Of each arm its effect on a customer with these features."""
        known = self.version()
        return {
            name: Estimate(dot(x, arm.effect), max(quadratic(x, arm.covariance), 0.0) ** 0.5)
            for name, arm in known.arms.items()
        }

    def version(self, prior: Prior | None = None) -> Numbers:
        """What the shards need of it, as plain numbers: some features³ (arms + 1)³ operations.

        prior: another one than the learner's own, over the same sums.
        """
        return self._numbers(self.regression.fit(prior))

    def likeliest(self, priors: Sequence[Prior]) -> Numbers:
        """The version of the prior by which what came was likeliest (its marginal likelihood; of equals the first).

        Where nobody can say beforehand how great effects are, the log can: too narrow a prior hardly learns, too wide a
        one believes in chance.
        """
        best = max((self.regression.fit(prior) for prior in priors), key=lambda fit: fit.evidence)
        return self._numbers(best) if best.evidence == best.evidence else self.version()

    def _numbers(self, fit: Fit) -> Numbers:
        arms, size = {}, range(self.features)
        for place, name in enumerate(self.arms):
            own = self.regression.of(place)
            block = fit.inverse[own, own] * fit.variance
            # Elimination leaves the halves apart by rounding; as plain numbers there is one triangle.
            covariance = tuple(
                tuple(float(block[max(row, column), min(row, column)]) for column in size) for row in size
            )
            effect = tuple(fit.means[own].tolist())
            arms[name] = Arm(effect, covariance, *self.contacts[name], learned=self.learned[name])
        base = tuple(fit.means[: self.features].tolist())
        return Numbers(base, fit.variance**0.5, self.regression.weight, arms)

    # Arms that come, change and go

    def set_arms(self, wanted: Mapping[str, ArmWanted]) -> None:
        """Have these arms from now on, those that stay in their order, new ones behind them.

        A new one begins from the prior around its figures; one that replaces another begins from what that one had
        learned, as unsure as a new one; one that is wanted no longer is marginalised out, and what it had told of the
        others stays.
        """
        learned = self.regression.learned_means()
        if gone := [name for name in self.arms if name not in wanted]:
            self.regression.drop(gone)
            self.contacts = {name: self.contacts[name] for name in self.arms}
            self.learned = {name: self.learned[name] for name in self.arms}
        for name, arm in wanted.items():
            if name not in self.contacts:
                start = learned.get(arm.replaces) if arm.replaces is not None else None
                self.regression.add(name, arm.figures, start)
                self.contacts[name], self.learned[name] = (0, 0), 0.0

    def expect(self, name: str, figure: float) -> None:
        """Have an arm's prior stand around another figure, a share of the value at stake; what came of it stays."""
        self.regression.expect(name, figure)

    # As plain data

    def state(self) -> dict[str, Any]:
        """All of it, as JSON types."""
        return {
            "features": self.features,
            "half_life": self.half_life,
            "prior": list(self.prior),
            "arms": list(self.arms),
            "contacts": [list(self.contacts[name]) for name in self.arms],
            "learned": [self.learned[name] for name in self.arms],
            **self.regression.state(),
            "worth": self._worth,
            "draws": self._draws,
        }

    def restore(self, state: Any) -> None:
        """Become the learner of the state, to the bit. Raises SnapshotRefused, changing nothing."""
        if not isinstance(state, dict):
            raise SnapshotRefused(f"{state!r:.100} is no effect learner")
        for key, own in (("features", self.features), ("half_life", self.half_life), ("prior", list(self.prior))):
            if state.get(key) != own:
                raise SnapshotRefused(f"{key} is {state.get(key)!r} in the snapshot, {own!r} here")
        arms, contacts = state.get("arms"), state.get("contacts")
        if not isinstance(arms, list) or not all(isinstance(one, str) for one in arms) or len({*arms}) < len(arms):
            raise SnapshotRefused(f"arms is {arms!r:.100}; it must be a list of different names")
        if not isinstance(contacts, list) or len(contacts) != len(arms) or not all(map(_is_pair, contacts)):
            raise SnapshotRefused(f"contacts is {contacts!r:.100}; it must be two whole numbers of each arm")
        learned = numbers(state, "learned", len(arms), 0.0).tolist()
        worth, draws = number(state, "worth", -MOST, MOST), number(state, "draws", 0.0, MOST)
        self.regression.restore(arms, state)
        self.contacts = {name: (opened, matured) for name, (opened, matured) in zip(arms, contacts, strict=True)}
        self.learned = dict(zip(arms, learned, strict=True))
        self._worth, self._draws = worth, draws


def _is_pair(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2 or not all(type(one) is int for one in value):
        return False
    return is_finite(value[0]) and 0 <= value[1] <= value[0]
