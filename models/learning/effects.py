"""What each action changes: a Bayesian regression on randomised draws whose chances are known.

Of every draw, when its response window has ended: y, the share of the value at stake that came (margin less what was
given away, over the value at stake), is regressed on

    u = [x, (1{A=1} - p_1) x, ..., (1{A=q} - p_q) x]

with the chances p as they were drawn from. It is the R-learner (Nie and Wager 2021, "Quasi-oracle estimation of
heterogeneous treatment effects", Biometrika 108) with known propensities, its nuisance m(x) estimated together with
the effects, anew at every version: so no early row keeps a bad m. What is kept are sums, their size that of the
coefficients squared, whatever was learned; the order of the rows is that of the examples.
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
from models.learning.effect_prior import prior_log_determinant, prior_precision, pulled, without
from models.learning.effect_sums import add_rows
from models.numerics.fixed_order import Floats, dot, inverse_and_log_determinant, quadratic, times
from models.numerics.maths import exp2, ln
from models.settings import WEEK

HALF_LIFE: Final = 26 * WEEK
"""ms. What was learned counts half as much after it: habits change, and so does what works. Where nothing changes it
costs nothing that could be measured; where every effect turns half of the loss of the last half year is saved."""
LEAST_SHARE, MOST_SHARE = -0.5, 3.0
"""A share of the value at stake is cut at these: one great order must not decide what everybody gets."""
LEAST_WEIGHT, MOST_WEIGHT = 0.25, 3.0
"""Of a row, by its value at stake over the mean one."""
_MOST: Final = 1e30


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
    """The sums, and the arms they are of; arms are named by the hash of their content.

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
        self.features, self.half_life, self.cut = features, half_life, cut
        self.prior = Prior() if prior is None else prior
        self._arms: list[str] = []
        self._means = np.zeros(features)  # prior means of all coefficients
        self._means[0] = self.prior.base
        self._prior = prior_precision(self.prior, features, 0)
        self._precision = np.zeros((features, features))  # of the data alone, lower triangle
        self._response = np.zeros(features)
        self._squares = self._weight = 0.0
        self._worth = self._draws = 0.0
        self.contacts: dict[str, tuple[int, int]] = {}
        """By arm: contacts opened, and matured."""
        self.learned: dict[str, float] = {}
        """By arm: contacts whose outcome was learned; they fade as the sums do."""

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(self._arms)

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
        share = [(1.0 if name == arm else 0.0) - chances.get(name, 0) / left for name in self._arms]
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
        given = drawn[:, None] == np.arange(1, len(self._arms) + 1)[None, :]
        centred = given.astype(np.float64) - chances
        rows = np.concatenate([x, (centred[:, :, None] * x[:, None, :]).reshape(len(x), -1)], axis=1)
        weights = np.array([self._weight_of(value) for value in worth.tolist()])
        self.learn_rows(rows, weights, np.minimum(np.maximum(y, self.cut[0]), self.cut[1]))
        for place, name in enumerate(self._arms):
            count = int(given[:, place].sum())
            self._mature(name, count)
            for _ in range(count):  # as one after the other rounds
                self.learned[name] += 1.0

    def learn_rows(self, rows: Floats, weights: Floats, outcomes: Floats) -> None:
        """Rows of the regression as they are: shape (n, features (arms + 1)); nothing is cut, no contact counted."""
        add_rows(rows, weights, outcomes, self._precision, self._response)
        for weight, outcome in zip(weights.tolist(), outcomes.tolist(), strict=True):
            self._squares += weight * outcome * outcome
            self._weight += weight

    def forget(self, elapsed: int) -> None:
        """Log time has passed, ms: what was learned fades towards the prior."""
        if self.half_life is None or elapsed <= 0:
            return
        kept = exp2(-elapsed / self.half_life)
        self._precision *= kept
        self._response *= kept
        self._squares *= kept
        self._weight *= kept
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
        return self._fitted(self.prior if prior is None else prior)[0]

    def likeliest(self, priors: Sequence[Prior]) -> Numbers:
        """The version of the prior by which what came was likeliest (its marginal likelihood; of equals the first).

        Where nobody can say beforehand how great effects are, the log can: too narrow a prior hardly learns, too wide a
        one believes in chance.
        """
        best, numbers = max((self._fitted(prior)[::-1] for prior in priors), key=lambda found: found[0])
        return numbers if best == best else self.version()

    def _fitted(self, prior: Prior) -> tuple[Numbers, float]:
        """The posterior under a prior, and the logarithm of the marginal likelihood but for a constant."""
        size = self.features
        before = self._prior if prior == self.prior else prior_precision(prior, size, len(self._arms))
        lower = np.tril(self._precision)
        precision = before + lower + np.tril(lower, -1).T
        response = self._response + times(before, self._means)
        inverted, log_determinant = inverse_and_log_determinant(precision)
        means = times(inverted, response)
        left = self._left(before, means, response)
        variance = left / (self._weight + prior.sigma_rows)
        arms = {}
        for place, name in enumerate(self._arms, start=1):
            own = slice(place * size, (place + 1) * size)
            block = inverted[own, own] * variance
            # Elimination leaves the halves apart by rounding; as plain numbers there is one triangle.
            covariance = tuple(
                tuple(float(block[max(row, column), min(row, column)]) for column in range(size)) for row in range(size)
            )
            arms[name] = Arm(tuple(means[own].tolist()), covariance, *self.contacts[name], learned=self.learned[name])
        known = Numbers(tuple(means[:size].tolist()), variance**0.5, self._weight, arms)
        rows = self._weight + prior.sigma_rows
        return known, 0.5 * (prior_log_determinant(prior, size, len(self._arms)) - log_determinant - rows * ln(left))

    def _posterior(self) -> tuple[Floats, Floats]:
        """Precision and response of prior and data, in units of 1 / sigma²."""
        lower = np.tril(self._precision)
        precision = self._prior + lower + np.tril(lower, -1).T
        return precision, self._response + times(self._prior, self._means)

    def _left(self, before: Floats, means: Floats, response: Floats) -> float:
        """Squares that are left; the prior's sigma² counts as `sigma_rows` outcomes."""
        prior = self.prior
        squares = self._squares + _product(self._means, times(before, self._means))
        left = max(squares - _product(means, response), 1e-9 * prior.sigma * prior.sigma)
        return left + prior.sigma_rows * prior.sigma * prior.sigma

    # Arms that come, change and go

    def set_arms(self, wanted: Mapping[str, ArmWanted]) -> None:
        """Have these arms from now on, those that stay in their order, new ones behind them.

        A new one begins from the prior around its figures; one that replaces another begins from what that one had
        learned, as unsure as a new one; one that is wanted no longer is marginalised out, and what it had told of the
        others stays.
        """
        learned = self._learned_means()
        stays = [name for name in self._arms if name in wanted]
        if stays != self._arms:
            self._drop([name for name in self._arms if name not in wanted])
        for name, arm in wanted.items():
            if name not in self.contacts:
                start = learned.get(arm.replaces) if arm.replaces is not None else None
                self._add(name, arm.figures, start)

    def expect(self, name: str, figure: float) -> None:
        """Have an arm's prior stand around another figure, a share of the value at stake; what came of it stays."""
        self._means[(self._arms.index(name) + 1) * self.features] = figure

    def _learned_means(self) -> dict[str, Floats]:
        if not self._arms:
            return {}
        return {name: np.array(arm.effect) for name, arm in self.version().arms.items()}

    def _add(self, name: str, figures: Figures, start: Floats | None) -> None:
        size = self.features
        if odd := [place for place in figures if not 0 <= place < size]:
            raise ValueError(f"figures of arm {name!r} name feature {odd[0]}; there are {size}, counted from 0")
        means = np.array([figures.get(place, 0.0) for place in range(size)])
        if start is not None:
            # What the others have learned moves it too; its prior mean is such that it comes to stand where it starts.
            known = self._learned_means()
            apart = [known[one] - self._prior_mean(place) for place, one in enumerate(self._arms)]
            means = start - (pulled(self.prior, apart) if apart else 0.0)
        self._arms.append(name)
        self.contacts[name], self.learned[name] = (0, 0), 0.0
        self._means = np.concatenate([self._means, means])
        self._prior = prior_precision(self.prior, size, len(self._arms))
        grown = np.zeros_like(self._prior)
        grown[:-size, :-size] = self._precision
        self._precision = grown
        self._response = np.concatenate([self._response, np.zeros(size)])

    def _prior_mean(self, place: int) -> Floats:
        return self._means[(place + 1) * self.features : (place + 2) * self.features]

    def _drop(self, names: Sequence[str]) -> None:
        size = self.features
        gone = [
            self.features * (place + 1) + one
            for place, name in enumerate(self._arms)
            if name in names
            for one in range(size)
        ]
        precision, response = self._posterior()
        squares = self._squares + _product(self._means, times(self._prior, self._means))
        precision, response, went = without(precision, response, gone)
        self._means = np.delete(self._means, gone)
        self._arms = [name for name in self._arms if name not in names]
        self.contacts = {name: self.contacts[name] for name in self._arms}
        self.learned = {name: self.learned[name] for name in self._arms}
        self._prior = prior_precision(self.prior, size, len(self._arms))
        expected = times(self._prior, self._means)
        self._precision = np.tril(precision - self._prior)
        self._response = response - expected
        self._squares = squares - went - _product(self._means, expected)

    # As plain data

    def state(self) -> dict[str, Any]:
        """All of it, as JSON types."""
        rows = np.tril_indices(len(self._response))
        return {
            "features": self.features,
            "half_life": self.half_life,
            "prior": list(self.prior),
            "arms": list(self._arms),
            "contacts": [list(self.contacts[name]) for name in self._arms],
            "learned": [self.learned[name] for name in self._arms],
            "means": self._means.tolist(),
            "precision": self._precision[rows].tolist(),
            "response": self._response.tolist(),
            "squares": self._squares,
            "weight": self._weight,
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
        size = self.features * (len(arms) + 1)
        means, response = numbers(state, "means", size), numbers(state, "response", size)
        triangle = numbers(state, "precision", size * (size + 1) // 2)
        learned = numbers(state, "learned", len(arms), 0.0).tolist()
        sums = {key: number(state, key, least, _MOST) for key, least in _SUMS.items()}
        self._arms = list(arms)
        self.contacts = {name: (opened, matured) for name, (opened, matured) in zip(arms, contacts, strict=True)}
        self.learned = dict(zip(arms, learned, strict=True))
        self._means, self._response = means, response
        self._precision = np.zeros((size, size))
        self._precision[np.tril_indices(size)] = triangle
        self._prior = prior_precision(self.prior, self.features, len(arms))
        self._squares, self._weight = sums["squares"], sums["weight"]
        self._worth, self._draws = sums["worth"], sums["draws"]


_SUMS: Final = {"squares": -_MOST, "weight": 0.0, "worth": -_MOST, "draws": 0.0}


def _is_pair(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2 or not all(type(one) is int for one in value):
        return False
    return is_finite(value[0]) and 0 <= value[1] <= value[0]


def _product(one: Floats, other: Floats) -> float:
    return float(dot(one.tolist(), other.tolist()))
