"""A log of randomised actions through the learned choice: each row is decided by what the rows before it taught.

One pass, in the order of the log. The learner is that of the engine (`models.learning.effects`), its prior in units of
the reward's own spread; the outcome of a row is known to later blocks of rows only.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.decisions.choosing.columns import chances_of, greedy, scores_of
from models.decisions.choosing.numbers import Numbers
from models.decisions.choosing.prior import Prior
from models.decisions.choosing.rules import ChoiceRules
from models.decisions.draw import ONE
from models.learning.effects import ArmWanted, EffectLearner
from models.numerics.fixed_order import dot

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

MOST_COEFFICIENTS: Final = 480
"""Of the regression: features times actions. A version takes their cube in operations."""
WIDTHS: Final = (1.0, 2.0, 4.0, 8.0)
"""Of the prior, times that of the engine: how great effects are in a log of another kind nobody knows beforehand."""
FIRST_BLOCK: Final = 100
GROWTH: Final = 20
"""A new version after each twentieth more rows: early ones matter, late ones differ little."""
FAR: Final = 10.0
"""Standard deviations of the rewards before at which one is cut for the learner, not for the values that are told."""


class Logged(NamedTuple):
    """Rows of a log, in its order.

    features: shape (rows, features), the first is 1. taken: what was done, as a number; 0 is the action that others
    are held against. propensities: the chance that it had. rewards: what came, less its cost. actions: how many.
    """

    features: Floats
    taken: Whole
    propensities: Floats
    rewards: Floats
    actions: int


class Decided(NamedTuple):
    """What would have been done.

    best: the action with the highest score, shape (rows,). chances: of the choice as the engine makes it, with its
    caution and its promise, shape (rows, actions). expected: what each action is expected to bring, of the same shape.
    versions: how many there were.
    """

    best: Whole
    chances: Floats
    expected: Floats
    versions: int


def decide(log: Logged, rules: ChoiceRules | None = None, train: int | None = None) -> Decided:
    """train: learn from so many rows only; those behind are decided by what was known then."""
    rows, actions = len(log.rewards), log.actions
    rules = ChoiceRules() if rules is None else rules
    best = np.zeros(rows, dtype=np.int64)
    chances = np.zeros((rows, actions))
    expected = np.zeros((rows, actions))
    learner: EffectLearner | None = None
    spread = _Spread()
    counts = np.ones(actions)  # of what was done, one of each beforehand
    begin, versions, end = 0, 0, rows if train is None else train
    while begin < rows:
        # What is frozen decides all that is left at once.
        length = rows - begin if begin >= end else min(max(FIRST_BLOCK, begin // GROWTH), end - begin)
        block = slice(begin, begin + length)
        shares = counts / counts.sum()
        if learner is None:
            # Nothing is known: all alike, and nothing expected. Doubly robust values are then plain ones.
            chances[block] = 1.0 / actions
        else:
            known = learner.likeliest([learner.prior.widened(times) for times in WIDTHS])
            versions += 1
            best[block], chances[block], expected[block] = _decided(known, log.features[block], shares, rules)
        if begin < end:
            if learner is None:
                learner = _learner(log, length)
            else:
                learner.cut = spread.bounds
            _learn(learner, log, block, shares)
            spread.add(log.rewards[block])
            counts = counts + np.bincount(log.taken[block], minlength=actions)
        begin += length
    return Decided(best, chances, expected, versions)


def _decided(known: Numbers, features: Floats, shares: Floats, rules: ChoiceRules) -> tuple[Whole, Floats, Floats]:
    arms = list(known.arms.values())
    ones, costs = np.ones(len(features)), np.zeros(len(arms))
    eligible = np.ones((len(features), len(arms)), dtype=np.bool_)
    scores = scores_of(arms, features, ones, costs)
    best = greedy(scores, eligible).astype(np.int64)
    chances = chances_of(arms, scores, eligible, rules).astype(np.float64) / ONE
    base = dot([features[:, place] for place in range(features.shape[1])], known.base)
    # Effects are held against the mean of all, weighted by how often each was done: m(x) is that mean.
    for place in range(len(arms)):
        base = base - shares[place + 1] * scores.means[:, place + 1]
    return best, chances, base[:, None] + scores.means


def _learner(log: Logged, first: int) -> EffectLearner:
    rewards = log.rewards[:first]
    mean, spread = float(rewards.mean()), float(rewards.std())
    spread = spread or max(abs(mean), 1e-9)
    unit = Prior()
    scale = spread / unit.sigma
    prior = Prior(
        sd=unit.sd * scale,
        slope_sd=unit.slope_sd * scale,
        shared=unit.shared,
        base=mean,
        base_sd=unit.base_sd * scale,
        sigma=spread,
        sigma_rows=unit.sigma_rows,
    )
    learner = EffectLearner(log.features.shape[1], prior, half_life=None, cut=(-np.inf, np.inf))
    learner.set_arms({f"{number}": ArmWanted({}) for number in range(1, log.actions)})
    return learner


def _learn(learner: EffectLearner, log: Logged, block: slice, shares: Floats) -> None:
    rows = block.stop - block.start
    learner.learn_many(
        log.features[block],
        log.rewards[block],
        arms=log.taken[block].tolist(),
        chances=np.broadcast_to(shares[1:], (rows, len(shares) - 1)),
        worth=np.ones(rows),
    )


class _Spread:
    """Mean and spread of the rewards so far, each cut by those before its block: one cannot widen its own bounds."""

    def __init__(self) -> None:
        self._rows = self._sum = self._squares = 0.0
        self._origin = 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        if not self._rows:
            return -np.inf, np.inf
        mean = self._sum / self._rows
        spread = max(self._squares / self._rows - mean * mean, 0.0) ** 0.5
        if spread <= 0.0:
            return -np.inf, np.inf
        return self._origin + mean - FAR * spread, self._origin + mean + FAR * spread

    def add(self, rewards: Floats) -> None:
        low, high = self.bounds
        if not self._rows:
            self._origin = float(rewards[0])
        values = np.minimum(np.maximum(rewards, low), high) - self._origin
        self._rows += len(values)
        self._sum += float(values.sum())
        self._squares += float((values * values).sum())
