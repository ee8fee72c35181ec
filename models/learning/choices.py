"""The learned choice at the learner: outcomes of draws become what is known of each action.

It begins with the first draw that a pulse tells of, which a shard makes whose policy wants a learned choice; without
one nothing of it is in the learner's state or in a version. At a boundary the newest policy's arms come first, then
what was drawn, then the outcomes in their order (time, customer, decision): so nothing depends on how any of it came.

An arm that is gone from the policy stays for a time: its open windows still teach, and it goes on where it stood if it
comes back. That it is stopped is never forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import xxhash

from models.churn import SnapshotRefused
from models.churn.plain_data import number
from models.decisions.choosing import arms, prior
from models.decisions.choosing.arms import expected_share
from models.decisions.choosing.described import SIZE
from models.decisions.choosing.numbers import Numbers
from models.decisions.choosing.schema import choice_schema, schema_number
from models.decisions.draw import ONE
from models.learning import budget_price, effect_prior, effects, harm
from models.learning.budget_price import UnprovenPrice
from models.learning.budget_prices import BudgetPrices
from models.learning.contact_watch import ContactWatch
from models.learning.effects import ArmWanted, EffectLearner
from models.learning.harm import HarmAlarm
from models.numerics.constants import constants_of
from models.outputs import ChoicePulse, Outcome, Pulse
from models.settings import WEEK

KEPT: Final = 26 * WEEK
"""ms. So long an arm stays that is gone from the policy, the `MOST_GONE` that went last."""
MOST_GONE: Final = 4
_LEARNS: Final = 3
"""To be raised where what is kept here is kept otherwise."""
_MOST: Final = 1e15


class _Tried(NamedTuple):
    """Of the running step: since when (log time, ms), how much chance arms that were not proven would have had, and
    the draws in which one was open."""

    since: int = 0
    chances: int = 0
    draws: int = 0


@cache
def learned_by() -> str:
    """The schema of what is kept here: another one's state is not gone on from."""
    constants = constants_of((arms, prior, effects, effect_prior, harm, budget_price))
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode([_LEARNS, choice_schema(), constants], order="sorted"))


class Choices:
    """What is learned of the actions."""

    def __init__(self, stored: Mapping[str, Any] | None = None) -> None:
        """stored: of `state`. What another release learned by other rules is left (`left`): it begins anew, and what
        the churn model has learned stays. Raises SnapshotRefused where it does not fit."""
        self.left: str | None = None
        """By what that was learned that could not be gone on from."""
        self._effects: EffectLearner | None = None
        self._at = 0
        self._policy = (0, "")
        self._named: dict[str, str] = {}
        self._figures: dict[str, float] = {}
        self._gone: dict[str, int] = {}
        self._cohort = 0
        self._harms: dict[str, Mapping[str, Any]] = {}
        self._price = UnprovenPrice(1.0)
        self._prices = BudgetPrices()
        self._tried = _Tried()
        self._every = WEEK
        self._unproven: float | None = None
        self._contact = ContactWatch(0)
        self._numbers: Numbers | None = None
        if stored is not None:
            self._restore(stored)

    def learn(self, boundary: int, outcomes: Sequence[Outcome], pulses: Sequence[Pulse]) -> None:
        """All that became known up to a boundary.

        Args:
            boundary: log time, ms; they rise from call to call.
            outcomes: in the order of learning.
            pulses: of the boundary.
        """
        drawn = [pulse.choice for pulse in pulses if pulse.choice is not None]
        if self._effects is None and not any(one.draws for one in drawn):
            return
        learner = self._effects
        if learner is None:
            learner = self._effects = EffectLearner(SIZE)
            self._at, self._tried, self._contact = boundary, _Tried(boundary), ContactWatch(boundary)
        learner.forget(boundary - self._at)
        self._at, self._numbers = boundary, None
        for one in drawn:
            learner.drew(one.draws, one.worth / 100.0)
        newest = max(pulses, key=lambda pulse: pulse.rank, default=None)
        if newest is not None and newest.rank >= self._policy:
            self._policy = newest.rank
            if newest.choice is not None:
                self._under(boundary, newest.choice, learner)
                self._prices.under(newest.budgets)
        for name, figure in self._figures.items():
            learner.expect(name, expected_share(figure, learner.mean_worth))
        for one in drawn:
            learner.contacted(one.opened)
        self._prices.hear(drawn)
        self._step(boundary, drawn, learner.mean_worth)
        self._contact.step(boundary)
        for outcome in outcomes:
            self._learn_one(outcome, learner)

    def _under(self, boundary: int, policy: ChoicePulse, learner: EffectLearner) -> None:
        """Have the arms of a policy, and its rules."""
        learner.half_life, self._price.share, self._every = policy.forget, policy.unproven, policy.step
        worth, wanted = learner.mean_worth, {}
        for arm in policy.arms:
            former = self._named.get(arm.action)
            replaces = former if former != arm.arm and former in learner.contacts else None
            wanted[arm.arm] = ArmWanted({0: expected_share(arm.figure, worth)}, replaces)
            if arm.arm in self._figures or (arm.arm not in learner.contacts and replaces is None):
                self._figures[arm.arm] = arm.figure
        named = {arm.action: arm.arm for arm in policy.arms}
        if named != self._named:
            self._price.settled = False
        self._named = named
        gone = {name: self._gone.get(name, boundary) for name in learner.arms if name not in wanted}
        latest = sorted(gone, key=lambda name: (-gone[name], name))[:MOST_GONE]
        self._gone = {name: gone[name] for name in latest if boundary - gone[name] < KEPT}
        learner.set_arms({**wanted, **{name: ArmWanted({}) for name in self._gone}})
        self._figures = {name: figure for name, figure in self._figures.items() if name in learner.contacts}
        for name in wanted:
            kept = self._harms.get(name)
            if kept is None or kept["tolerated"] != policy.tolerated:
                raised = kept is not None and kept["raised"]
                kept = {**HarmAlarm(policy.tolerated, 1).state(), "raised": raised, "tolerated": policy.tolerated}
            self._harms[name] = kept
        self._harms = {name: one for name, one in self._harms.items() if name in learner.contacts or one["raised"]}
        self._contact.watch(policy.tolerated, tuple(sorted(wanted)))

    def _step(self, boundary: int, drawn: Sequence[ChoicePulse], worth: float) -> None:
        """The prices of what is not proven, and of budgets, move once in a step of the policy."""
        tried = self._tried
        chances = tried.chances + sum(one.tried for one in drawn)
        draws = tried.draws + sum(one.open for one in drawn)
        self._tried = _Tried(tried.since, chances, draws)
        if boundary - tried.since >= self._every:
            self._price.step(chances / ONE, draws)
            self._unproven = chances / ONE / draws if draws else None
            self._prices.step(boundary - tried.since, worth)
            self._tried = _Tried(boundary)

    def _learn_one(self, outcome: Outcome, learner: EffectLearner) -> None:
        arm = outcome.arm or None
        if arm is not None and outcome.delivered and not outcome.control:
            self._hear(arm, outcome.soon, learner)
            self._contact.contacted(outcome.soon)
        if not outcome.features or outcome.schema != schema_number():
            if arm is not None and not outcome.control:
                learner.over(arm)
            return
        x = np.frombuffer(outcome.features, dtype="<f2").astype(np.float64).tolist()
        share = outcome.gain / outcome.worth
        if outcome.control:  # nothing was done, for sure
            learner.learn_one(x, share, arm=None, chances={}, worth=outcome.worth)
            return
        if (alone := 1.0 - sum(outcome.arms.values()) / ONE) < 1.0:
            self._contact.drew(share, outcome.worth, arm is not None, max(alone, 1.0 / ONE))
        if learner.learn_one(x, share, arm=arm, chances=outcome.arms, worth=outcome.worth) and arm is not None:
            self._cohort += 1

    def _hear(self, arm: str, soon: bool, learner: EffectLearner) -> None:
        """A contact arrived, and did harm or none. Whether anything may be learned of whom makes no difference."""
        kept = self._harms.get(arm)
        if kept is None:
            return
        cells = sum(learner.contacts.get(name, (0, 0))[0] > 0 for name in self._named.values())
        alarm = HarmAlarm(float(kept["tolerated"]), max(cells, 1))
        alarm.restore(dict(kept))
        alarm.add(soon)
        self._harms[arm] = {**alarm.state(), "tolerated": kept["tolerated"]}

    def version(self) -> dict[str, Any] | None:
        """What a version says of actions; None: nothing."""
        if self._effects is None:
            return None
        if self._numbers is None:
            self._numbers = self._known(self._effects)
        return {"scorer": choice_schema(), **self._numbers.plain(), "watched": self._watched()}

    def _watched(self) -> dict[str, Any]:
        """For people alone: how near the alarms are, by arm and of any contact, and the mean chance that unproven
        actions would have had in the draws of the last step in which one was open; of each budget, how many allowances
        of that step its draws wanted."""
        evidence = {}
        for name in sorted(self._named.values()):
            if (kept := self._harms.get(name)) is not None:
                alarm = HarmAlarm(float(kept["tolerated"]), 1)
                alarm.restore(dict(kept))
                evidence[name] = alarm.evidence
        wanted = {"budgets": dict(self._prices.last)} if self._prices.last else {}
        return {"unproven": self._unproven, "arms": evidence, "contact": self._contact.told(), **wanted}

    def _known(self, learner: EffectLearner) -> Numbers:
        found = learner.version()
        stopped = {name for name, kept in self._harms.items() if kept["raised"]}
        known = {name: arm._replace(stopped=name in stopped) for name, arm in found.arms.items()}
        price, settled = self._price.price * learner.mean_worth, self._price.settled
        return found._replace(
            arms=known,
            unproven_price=price,
            settled=settled,
            cohort=self._cohort,
            named=dict(self._named),
            prices=dict(self._prices.money),
        )

    def state(self) -> dict[str, Any] | None:
        """Plain data; None: nothing has been learned."""
        if self._effects is None:
            return None
        return {
            "learned_by": learned_by(),
            "at": self._at,
            "policy": list(self._policy),
            "named": dict(self._named),
            "figures": dict(self._figures),
            "gone": dict(self._gone),
            "cohort": self._cohort,
            "harms": {name: dict(kept) for name, kept in self._harms.items()},
            "share": self._price.share,
            "price": self._price.state(),
            **({} if (prices := self._prices.state()) is None else {"prices": prices}),
            "tried": list(self._tried),
            **({} if self._every == WEEK else {"step": self._every}),
            "unproven": self._unproven,
            "contact": self._contact.state(),
            "half_life": self._effects.half_life,
            "effects": self._effects.state(),
        }

    def _restore(self, stored: Mapping[str, Any]) -> None:
        if (found := stored.get("learned_by")) != learned_by():
            self.left = str(found)
            return
        half_life = int(number(stored, "half_life", 1.0, _MOST))
        self._effects = EffectLearner(SIZE, half_life=half_life)
        self._effects.restore(stored.get("effects"))
        self._at = int(number(stored, "at", 0.0, _MOST))
        try:
            self._policy = msgspec.convert(stored.get("policy"), tuple[int, str])
            self._named = msgspec.convert(stored.get("named"), dict[str, str])
            self._figures = msgspec.convert(stored.get("figures"), dict[str, float])
            self._gone = msgspec.convert(stored.get("gone"), dict[str, int])
            kept = msgspec.convert(stored.get("harms"), dict[str, dict[str, Any]])
            self._tried = _Tried(*msgspec.convert(stored.get("tried"), tuple[int, int, int]))
        except msgspec.ValidationError as error:
            raise SnapshotRefused(f"what is kept of actions can't be read: {error}") from error
        if odd := [name for name in (*self._figures, *self._gone) if name not in self._effects.contacts]:
            raise SnapshotRefused(f"arm {odd[0]!r} has a figure, or is gone, and nothing is kept of it")
        self._every = int(number(stored, "step", 1.0, _MOST)) if "step" in stored else WEEK
        self._cohort = int(number(stored, "cohort", 0.0, _MOST))
        for name, one in kept.items():
            HarmAlarm(number(one, "tolerated", 0.0, 0.5), 1).restore(one)
            self._harms[name] = one
        self._contact = ContactWatch.of(stored.get("contact"))
        self._unproven = None if stored.get("unproven") is None else number(stored, "unproven", 0.0, 1.0)
        self._price = UnprovenPrice(number(stored, "share", 0.0, 1.0))
        self._price.restore(stored.get("price"))
        self._prices = BudgetPrices.of(stored.get("prices"))


def goes_on(stored: Mapping[str, Any], boundary: int) -> bool:
    """Whether another application's learner may go on from there at a boundary (log time, ms): it was learned by the
    same rules, and lately. A learner that another one has taken the place of stands where it stood then."""
    at = stored.get("at")
    return stored.get("learned_by") == learned_by() and isinstance(at, int) and at >= boundary - WEEK


def check_outcome(outcome: Outcome) -> None:
    """Raises ValueError for one that is not of this model."""
    if outcome.schema != schema_number():
        return  # another release described customers otherwise: a contact is over, and nothing more
    if outcome.features and len(outcome.features) != 2 * SIZE:
        raise ValueError(f"its features have {len(outcome.features)} bytes, this model reads {SIZE} float16 numbers")
    if outcome.features and not outcome.worth > 0.0:
        raise ValueError(f"its worth is {outcome.worth:g}; of what is learned from it is above zero")
    if outcome.arm and outcome.features and outcome.arm not in outcome.arms:
        raise ValueError(f"its arm {outcome.arm!r} is none of {', '.join(outcome.arms)}")
