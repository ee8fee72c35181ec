"""Draws: what the policy earned against leaving alone, and each action against leaving alone those it was given to.

Of every draw the chances are known, so rows can stand for those that were drawn otherwise: with p₀ the chance of
leaving alone, the mean of (Y − ĉ)(1 − 1{alone}/p₀) is what the policy earned above leaving alone, a draw. Of an action
a with chance p_a, (Y − ĉ)(1{a} − 1{alone} p_a/p₀), divided by the mean of p_a, is its effect on those to whom it was
given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from models.proof.difference import Lift
from models.proof.intervals import TUNED_FOR, Interval, Running, smallest_visible

By = Literal["action", "level", "tier", "stage", "class"]
"""What draws are told apart by, beside their actions."""
LEAST_EVENTS: Final = 200
"""Draws with any money, of those that were given and of those left alone, before an interval is shown of an action."""


class Draw(NamedTuple):
    """A draw whose window is over. action: drawn; empty: left alone. chances: of all that could be drawn, leaving alone
    by the empty name. money: of the window, net of what the action cost. level: that asked. tier, customer_class: as
    was known then. stage: of the loyalty loop, at which they were before they began to slip."""

    time: int
    action: str
    chances: dict[str, float]
    kept: bool
    money: float
    level: str
    tier: str = ""
    customer_class: str = ""
    stage: str = ""

    def of(self, by: By) -> str:
        """Its group."""
        groups = {"level": self.level, "tier": self.tier, "stage": self.stage, "class": self.customer_class}
        return groups.get(by, "")


class OfAction:
    """What is known of an action, or of the policy as a whole (`whole`)."""

    def __init__(self, whole: bool, tuned_for: int) -> None:
        self.draws = self.given = self.events = 0
        self._whole, self._tuned_for = whole, tuned_for
        self._kept, self._money, self._chance = Running(), Running(), Running()
        self._all_kept, self._all_money = Running(), Running()

    def add(self, draw: Draw, action: str) -> None:
        """A draw. action: whose effect; of the whole policy it says nothing."""
        alone = draw.chances.get("", 0.0)
        chance = 1.0 if self._whole else draw.chances.get(action, 0.0)
        if alone <= 0.0 or chance <= 0.0:
            return  # nobody was left alone who could have been, or it could not be drawn: there is nothing to compare
        drawn = self._whole or draw.action == action
        weight = float(drawn) - (chance / alone if not draw.action else 0.0)
        self.draws += 1
        self.given += bool(draw.action) and drawn
        self.events += draw.money != 0.0
        self._kept.add((float(draw.kept) - self._all_kept.mean) * weight)
        self._money.add((draw.money - self._all_money.mean) * weight)
        self._all_kept.add(float(draw.kept))
        self._all_money.add(draw.money)
        self._chance.add(chance)

    def kept(self, alpha: float) -> Lift:
        return self._lift(self._kept, alpha)

    def money(self, alpha: float) -> Lift:
        return self._lift(self._money, alpha)

    def _lift(self, running: Running, alpha: float) -> Lift:
        scale = 1.0 / self._chance.mean if self._chance.count and self._chance.mean else 1.0
        visible = smallest_visible(running.count, running.variance, alpha, self._tuned_for) * scale
        if self.events < LEAST_EVENTS:
            return Lift(running.mean * scale, None, visible)
        found = running.interval(alpha, self._tuned_for)
        return Lift(running.mean * scale, Interval(found.low * scale, found.high * scale, found.kind), visible)


class Draws(NamedTuple):
    """The tables. policy: against leaving alone. actions: by name. groups: the policy by what `by` says; told
    apart by actions alone there are none."""

    policy: OfAction
    actions: dict[str, OfAction]
    groups: dict[str, OfAction]
    by: By


def of_draws(draws: Iterable[Draw], tuned_for: int = TUNED_FOR, by: By = "level") -> Draws:
    """The tables of draws of customers who are not of the control group. by: to be chosen before one looks, since each
    figure that is shown makes all of them less sure."""
    found = Draws(OfAction(True, tuned_for), {}, {}, by)
    ordered = sorted(draws, key=lambda one: one.time)
    for name in sorted({name for draw in ordered for name in draw.chances if name}):
        found.actions[name] = OfAction(False, tuned_for)
    for draw in ordered:
        found.policy.add(draw, "")
        for name, one in found.actions.items():
            one.add(draw, name)
        if by != "action":
            found.groups.setdefault(draw.of(by), OfAction(True, tuned_for)).add(draw, "")
    return found
