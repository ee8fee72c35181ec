"""The regression under the learned choice: its sums, its fit under a prior, and the arms that come and go.

A conjugate Bayesian linear regression on u = [x, d_1 x, ..., d_q x], one block of coefficients for what is kept and one
for each arm's effect. What is kept are sums, their size that of the coefficients squared, whatever was learned.
`models.learning.effects` makes the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from models.churn.plain_data import number, numbers
from models.decisions.choosing.prior import Figures, Prior
from models.learning.effect_prior import prior_log_determinant, prior_precision, pulled, without
from models.learning.effect_sums import add_rows
from models.numerics.fixed_order import Floats, dot, inverse_and_log_determinant, times
from models.numerics.maths import ln

MOST: Final = 1e30
"""Of a stored sum's size: beyond it a snapshot is refused."""


class Fit(NamedTuple):
    """The posterior under a prior.

    means: of all coefficients. inverse: of the precision, in units of `variance`. evidence: the logarithm of the
    marginal likelihood but for a constant.
    """

    means: Floats
    inverse: Floats
    variance: float
    evidence: float


class EffectRegression:
    """Sums over rows, around a prior; arms are named, their blocks in the order in which they came."""

    def __init__(self, features: int, prior: Prior) -> None:
        self.features, self.prior = features, prior
        self.arms: list[str] = []
        self.weight = 0.0
        self._squares = 0.0
        self._means = np.zeros(features)  # prior means of all coefficients
        self._means[0] = prior.base
        self._prior = prior_precision(prior, features, 0)
        self._precision = np.zeros((features, features))  # of the data alone, lower triangle
        self._response = np.zeros(features)

    def add_rows(self, rows: Floats, weights: Floats, outcomes: Floats) -> None:
        """Learn rows in their order, shape (n, features (arms + 1))."""
        add_rows(rows, weights, outcomes, self._precision, self._response)
        for weight, outcome in zip(weights.tolist(), outcomes.tolist(), strict=True):
            self._squares += weight * outcome * outcome
            self.weight += weight

    def fade(self, kept: float) -> None:
        """Have all that was learned count so much of what it did."""
        self._precision *= kept
        self._response *= kept
        self._squares *= kept
        self.weight *= kept

    # What is known

    def fit(self, prior: Prior | None = None) -> Fit:
        """Some features³ (arms + 1)³ operations. prior: another one than its own, over the same sums."""
        before = self._prior
        if prior is None or prior == self.prior:
            prior = self.prior
        else:
            before = prior_precision(prior, self.features, len(self.arms))
        precision, response = self._posterior(before)
        inverse, log_determinant = inverse_and_log_determinant(precision)
        means = times(inverse, response)
        left = self._left(before, means, response)
        rows = self.weight + prior.sigma_rows
        evidence = prior_log_determinant(prior, self.features, len(self.arms)) - log_determinant - rows * ln(left)
        return Fit(means, inverse, left / rows, 0.5 * evidence)

    def of(self, arm: int) -> slice:
        """The places of an arm's coefficients. arm: its place in `arms`, from 0."""
        return slice((arm + 1) * self.features, (arm + 2) * self.features)

    def learned_means(self) -> dict[str, Floats]:
        """Of each arm, its effect's coefficients as they are known now."""
        if not self.arms:
            return {}
        means = self.fit().means
        return {name: means[self.of(place)].copy() for place, name in enumerate(self.arms)}

    def _posterior(self, before: Floats) -> tuple[Floats, Floats]:
        """Precision and response of prior and data, in units of 1 / sigma². before: the prior's precision."""
        lower = np.tril(self._precision)
        precision = before + lower + np.tril(lower, -1).T
        return precision, self._response + times(before, self._means)

    def _left(self, before: Floats, means: Floats, response: Floats) -> float:
        """Squares that are left; the prior's sigma² counts as `sigma_rows` outcomes."""
        prior = self.prior
        squares = self._squares + _product(self._means, times(before, self._means))
        left = max(squares - _product(means, response), 1e-9 * prior.sigma * prior.sigma)
        return left + prior.sigma_rows * prior.sigma * prior.sigma

    # Arms that come, change and go

    def expect(self, name: str, figure: float) -> None:
        """Have an arm's prior stand around another figure; what came of it stays."""
        self._means[self.of(self.arms.index(name)).start] = figure

    def add(self, name: str, figures: Figures, start: Floats | None) -> None:
        """One more arm. figures: its prior means by feature. start: where it is to stand instead, given the others."""
        size = self.features
        if odd := [place for place in figures if not 0 <= place < size]:
            raise ValueError(f"figures of arm {name!r} name feature {odd[0]}; there are {size}, counted from 0")
        means = np.array([figures.get(place, 0.0) for place in range(size)])
        if start is not None:
            # What the others have learned moves it too; its prior mean is such that it comes to stand where it starts.
            known = self.learned_means()
            apart = [known[one] - self._means[self.of(place)] for place, one in enumerate(self.arms)]
            means = start - (pulled(self.prior, apart) if apart else 0.0)
        self.arms.append(name)
        self._means = np.concatenate([self._means, means])
        self._prior = prior_precision(self.prior, size, len(self.arms))
        grown = np.zeros_like(self._prior)
        grown[:-size, :-size] = self._precision
        self._precision = grown
        self._response = np.concatenate([self._response, np.zeros(size)])

    def drop(self, names: Sequence[str]) -> None:
        """Marginalise arms out: what they had told of the others stays."""
        gone = [
            self.features * (place + 1) + one
            for place, name in enumerate(self.arms)
            if name in names
            for one in range(self.features)
        ]
        precision, response = self._posterior(self._prior)
        squares = self._squares + _product(self._means, times(self._prior, self._means))
        precision, response, went = without(precision, response, gone)
        self._means = np.delete(self._means, gone)
        self.arms = [name for name in self.arms if name not in names]
        self._prior = prior_precision(self.prior, self.features, len(self.arms))
        expected = times(self._prior, self._means)
        self._precision = np.tril(precision - self._prior)
        self._response = response - expected
        self._squares = squares - went - _product(self._means, expected)

    # As plain data

    def state(self) -> dict[str, Any]:
        """The sums, as JSON types."""
        rows = np.tril_indices(len(self._response))
        return {
            "means": self._means.tolist(),
            "precision": self._precision[rows].tolist(),
            "response": self._response.tolist(),
            "squares": self._squares,
            "weight": self.weight,
        }

    def restore(self, arms: Sequence[str], state: dict[str, Any]) -> None:
        """Become the regression of the state, to the bit. Raises SnapshotRefused, changing nothing."""
        size = self.features * (len(arms) + 1)
        means, response = numbers(state, "means", size), numbers(state, "response", size)
        triangle = numbers(state, "precision", size * (size + 1) // 2)
        squares, weight = number(state, "squares", -MOST, MOST), number(state, "weight", 0.0, MOST)
        self.arms, self._means, self._response = list(arms), means, response
        self._precision = np.zeros((size, size))
        self._precision[np.tril_indices(size)] = triangle
        self._prior = prior_precision(self.prior, self.features, len(arms))
        self._squares, self.weight = squares, weight


def _product(one: Floats, other: Floats) -> float:
    return float(dot(one.tolist(), other.tolist()))
