"""Policies through the world of `benchmarks.choice_world`: the product's own choice and learner, and fixed rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from benchmarks.choice_budget import ContactBudget, left_alone
from benchmarks.choice_episodes import Episodes, Floats, Whole
from benchmarks.choice_kinds import ACTIONS, NONE
from benchmarks.choice_world import FEATURES, Effects, World
from models.decisions.choosing.columns import Chances, chances_of, scores_of, unproven
from models.decisions.choosing.domains import Domain, in_share, keyed
from models.decisions.choosing.numbers import Numbers
from models.decisions.choosing.prior import Prior
from models.decisions.choosing.rules import ChoiceRules
from models.decisions.draw import ONE, drawn
from models.learning.budget_price import UnprovenPrice
from models.learning.effects import HALF_LIFE, ArmWanted, EffectLearner
from models.settings import WEEK

SIZES: Final = {"500": (450, 90), "5,000": (4_200, 104), "50,000": (40_000, 104)}
"""Customers and weeks, by the number of episodes that they make, about."""

CASE, COUPONS = 5, 9
FIGURES: Final = {
    "care": {0: -0.03, CASE: 0.10},
    "useful": {0: -0.02},
    "reward": {0: -0.02},
    "offer": {0: -0.03, COUPONS: 0.05},
}
"""What the policy expects, as shares of the value at stake: any contact costs a little, care helps where there is a
case, an offer helps who likes coupons. It knows what the actions are for, and not how much they do."""


class Outcome(NamedTuple):
    """gain: of each episode, its expected net value above leaving alone under the chances that it had. contact: the
    chance of any action. kinds: of the customers. net: margin less cost of the whole world. version: the last one."""

    gain: Floats
    contact: Floats
    kinds: Whole
    net: float
    version: Numbers | None

    @property
    def mean(self) -> float:
        return float(self.gain.mean())


class Setup(NamedTuple):
    """Of the learned choice. budget: contacts of a week; None: as many as wanted. priced: they have a price. control:
    the share of customers who are left alone whatever is drawn."""

    rules: ChoiceRules = ChoiceRules()
    prior: Prior = Prior()
    half_life: int | None = HALF_LIFE
    figures: bool = True
    budget: float | None = None
    priced: bool = True
    control: float = 0.0


def learned(world: World, setup: Setup, hear: Callable[[Episodes], None] | None = None) -> Outcome:
    """The product's choice, a version a week, outcomes learned as their windows end. hear: is told of each."""
    learner = EffectLearner(14, setup.prior, setup.half_life)
    learner.set_arms({name: ArmWanted(FIGURES[name] if setup.figures else {}) for name in ACTIONS[1:]})
    tally = _Tally()
    price = UnprovenPrice(setup.rules.unproven)
    budget = None if setup.budget is None else ContactBudget(setup.budget, priced=setup.priced)
    known = learner.version()
    for opened in world.weeks():
        for ended in world.matured:
            if hear is not None:
                hear(ended)
            shares = (ended.margin - ended.redeemed) / ended.worth
            learner.learn_many(
                ended.features, shares, arms=ended.action.tolist(), chances=ended.notes["chances"], worth=ended.worth
            )
        learner.forget(WEEK)
        known = learner.version()
        # As they are stored and learned from.
        opened.features = opened.features.astype(np.float16).astype(np.float64)
        arms = list(known.arms.values())
        costs = world.cost[1:] + (0.0 if budget is None else budget.money)
        scores = scores_of(arms, opened.features, opened.worth, costs)
        money = price.price * learner.mean_worth
        rules = setup.rules.after(known.rows)
        chances = chances_of(arms, scores, opened.eligible[:, 1:], rules, unproven_price=money)
        opened.notes["would"] = chances.astype(np.float64) / ONE
        if setup.control:
            opened.notes["control"] = _control(world, opened, setup.control)
            chances = left_alone(chances, opened.notes["control"] > 0.0)
        action = _drawn(world, opened, chances)
        if budget is not None:
            budget.begin_week()
            held = budget.held(action)
            budget.end_week(chances, learner.mean_worth)
            chances, action = left_alone(chances, held), np.where(held, 0, action)
        for one, worth in zip(action.tolist(), opened.worth.tolist(), strict=True):
            learner.opened(ACTIONS[one] if one else None, worth)
        likely = chances.astype(np.float64) / ONE
        price.step(float(likely[:, 1:][unproven(arms, scores, setup.rules)].sum()), len(opened))
        opened.notes["chances"] = likely[:, 1:]
        tally.add(opened, likely)
        world.act(opened, action)
    return tally.outcome(world, known)


def fixed(world: World, policy: Callable[[Episodes], Floats]) -> Outcome:
    """policy: chances of each action, shape (n, actions); what is not eligible goes to leaving alone."""
    tally = _Tally()
    for opened in world.weeks():
        likely = np.where(opened.eligible, policy(opened), 0.0)
        likely[:, NONE] = 1.0 - likely[:, 1:].sum(axis=1)
        chances = (likely * ONE).astype(np.int64)
        chances[:, NONE] = ONE - chances[:, 1:].sum(axis=1)
        tally.add(opened, likely)
        world.act(opened, _drawn(world, opened, chances))
    return tally.outcome(world, None)


def beside_control(world: World, share: float, hear: Callable[[Episodes], None]) -> None:
    """Everybody but a lasting control group gets an action at random: enough where contact changes nothing."""
    for opened in world.weeks():
        for ended in world.matured:
            hear(ended)
        control = opened.notes["control"] = _control(world, opened, share)
        opened.notes["would"] = at_random(opened)
        fallen = np.random.default_rng([world.seed, opened.week + 1]).integers(0, len(ACTIONS), len(opened))
        open_ = opened.eligible[np.arange(len(opened)), fallen] & (control == 0.0)
        world.act(opened, np.where(open_, fallen, NONE))


def everybody(action: int) -> Callable[[Episodes], Floats]:
    """The same for all."""
    return lambda opened: np.tile(np.eye(len(ACTIONS))[action], (len(opened), 1))


def riskier_half(action: int) -> Callable[[Episodes], Floats]:
    """The same for the riskier half of each week's, and nothing for the others."""

    def policy(opened: Episodes) -> Floats:
        risk = opened.features[:, FEATURES.index("risk")]
        wanted = risk >= np.median(risk) if len(risk) else risk > 0.0
        return np.eye(len(ACTIONS))[np.where(wanted, action, NONE)]

    return policy


def at_random(opened: Episodes) -> Floats:
    return np.full((len(opened), len(ACTIONS)), 1.0 / len(ACTIONS))


def world_of(seed: int, effects: Effects, size: str) -> World:
    customers, weeks = SIZES[size]
    return World(seed, customers, weeks, effects)


class _Tally:
    def __init__(self) -> None:
        self._gain: list[Floats] = []
        self._contact: list[Floats] = []
        self._kinds: list[Whole] = []

    def add(self, opened: Episodes, likely: Floats) -> None:
        self._gain.append((likely * (opened.truth - opened.truth[:, :1])).sum(axis=1))
        self._contact.append(1.0 - likely[:, NONE])
        self._kinds.append(opened.kinds)

    def outcome(self, world: World, known: Numbers | None) -> Outcome:
        gain, contact = np.concatenate(self._gain), np.concatenate(self._contact)
        return Outcome(gain, contact, np.concatenate(self._kinds), world.net, known)


def _control(world: World, opened: Episodes, share: float) -> Floats:
    """1.0 of who is of the control group: the same for as long as the world lasts."""
    salt = b"%d" % world.seed
    units = (b"%d" % customer for customer in opened.customers.tolist())
    return np.array([float(in_share(share, Domain.CONTROL, salt, unit)) for unit in units])


def _drawn(world: World, opened: Episodes, chances: Chances) -> Whole:
    ids = (b"%d|%d|%d" % (world.seed, customer, opened.week) for customer in opened.customers.tolist())
    return np.array(
        [drawn(row, keyed(Domain.CHOICE, one)) for row, one in zip(chances.tolist(), ids, strict=True)], dtype=np.int64
    )
