"""A log of randomised actions through the learned choice: each row is decided by what the rows before it taught.

One pass, in the order of the log. The learner is that of the engine (`models.learning.effects`), its prior in units of
the reward's own spread; the outcome of a row is known to later blocks of rows only. Of our own decisions more is known
than of a log of another kind: `Draws`.
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
Flags = NDArray[np.bool_]

MOST_COEFFICIENTS: Final = 480
"""Of the regression: features times actions. A version takes their cube in operations."""
WIDTHS: Final = (1.0, 2.0, 4.0, 8.0)
"""Of the prior, times that of the engine: how great effects are in a log of another kind nobody knows beforehand."""
FIRST_BLOCK: Final = 100
GROWTH: Final = 20
"""A new version after each twentieth more rows: early ones matter, late ones differ little."""
FAR: Final = 10.0
"""Standard deviations of the rewards before at which one is cut for the learner, not for the values that are told."""


class Draws(NamedTuple):
    """What is known of rows that are draws of the learned choice.

    chances: shape (rows, actions): of each action in its draw. eligible: of the same shape: the gates let it pass, even
    if the draw gave it no chance. worth: the value at stake, money; effects are learned as shares of it. known: of so
    many of the first rows the outcome was known when this one was drawn.
    """

    chances: Floats
    eligible: Flags
    worth: Floats
    known: Whole


class Logged(NamedTuple):
    """Rows of a log, in its order.

    features: shape (rows, features), the first is 1. taken: what was done, as a number; 0 is the action that others
    are held against. propensities: the chance that it had. rewards: what came, less its cost. actions: how many. draws:
    of our own decisions; without it any action could be done in any row, and the row before is known at once.
    """

    features: Floats
    taken: Whole
    propensities: Floats
    rewards: Floats
    actions: int
    draws: Draws | None = None

    @property
    def open(self) -> Flags:
        """Which actions could be done, of shape (rows, actions): those that had a chance."""
        if self.draws is None:
            return np.ones((len(self.rewards), self.actions), dtype=np.bool_)
        return self.draws.chances > 0.0


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
    chances, expected = np.zeros((rows, actions)), np.zeros((rows, actions))
    open_ = log.open
    pupil = _Pupil(log)
    begin, versions, end = 0, 0, rows if train is None else train
    while begin < rows:
        # What is frozen decides all that is left at once.
        length = rows - begin if begin >= end else min(max(FIRST_BLOCK, begin // GROWTH), end - begin)
        block = slice(begin, begin + length)
        pupil.learn(min(end, begin if log.draws is None else int(log.draws.known[begin])))
        if pupil.learner is None:
            # Nothing is known: all alike, and nothing expected. Doubly robust values are then plain ones.
            chances[block] = open_[block] / open_[block].sum(axis=1)[:, None]
        else:
            known = pupil.learner.likeliest([pupil.learner.prior.widened(times) for times in WIDTHS])
            versions += 1
            best[block], chances[block], expected[block] = _decided(known, log, block, pupil, rules)
        begin += length
    return Decided(best, chances, expected, versions)


class _Pupil:
    """The learner, and what it has learned from so far: None before the first rows."""

    def __init__(self, log: Logged) -> None:
        self.learner: EffectLearner | None = None
        self._log, self._spread, self._rows = log, _Spread(), 0
        self._counts = np.ones(log.actions)  # of what was done, one of each beforehand
        self._worth = np.ones(len(log.rewards)) if log.draws is None else log.draws.worth
        self._outcomes = log.rewards / self._worth

    def learn(self, until: int) -> None:
        """Learn the rows before `until` that are not learned yet."""
        if until <= self._rows or (self._log.draws is not None and until < min(FIRST_BLOCK, len(self._outcomes))):
            return
        block = slice(self._rows, until)
        outcomes, worth, taken = self._outcomes[block], self._worth[block], self._log.taken[block]
        if self.learner is None:
            self.learner = _learner(self._log, outcomes)
        else:
            self.learner.cut = self._spread.bounds
        if self._log.draws is not None:
            self.learner.drew(len(outcomes), float(worth.sum()))
        self.learner.learn_many(
            self._log.features[block], outcomes, arms=taken.tolist(), chances=self.chances(block), worth=worth
        )
        self._spread.add(outcomes)
        self._counts = self._counts + np.bincount(taken, minlength=self._log.actions)
        self._rows = until

    def chances(self, block: slice) -> Floats:
        """What effects of all actions but the first are learned around: chances, or how often each was done."""
        if self._log.draws is not None:
            return self._log.draws.chances[block, 1:]
        shares = self._counts / self._counts.sum()
        return np.broadcast_to(shares[1:], (block.stop - block.start, len(shares) - 1))

    def worth(self, block: slice) -> Floats:
        return self._worth[block]


def _decided(
    known: Numbers, log: Logged, block: slice, pupil: _Pupil, rules: ChoiceRules
) -> tuple[Whole, Floats, Floats]:
    arms, features, worth = list(known.arms.values()), log.features[block], pupil.worth(block)
    eligible = log.open[block, 1:]
    scores = scores_of(arms, features, worth, np.zeros(len(arms)))
    best = greedy(scores, eligible).astype(np.int64)
    chances = chances_of(arms, scores, eligible, rules.after(known.rows)).astype(np.float64) / ONE
    base = worth * dot([features[:, place] for place in range(features.shape[1])], known.base)
    # Effects are held against the mean of all, weighted by how often each was done: m(x) is that mean.
    shares = pupil.chances(block)
    for place in range(len(arms)):
        base = base - shares[:, place] * scores.means[:, place + 1]
    return best, chances, base[:, None] + scores.means


def _learner(log: Logged, first: Floats) -> EffectLearner:
    """first: outcomes, by which its prior is scaled."""
    mean, spread = float(first.mean()), float(first.std())
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
