"""Differences between who was treated and who was not, of outcomes with known chances: as rates, and as money."""

from __future__ import annotations

from typing import Final, NamedTuple

from models.proof.intervals import TUNED_FOR, Interval, Running, of_difference, smallest_visible, units_to_see

LEAST_EACH: Final = 50
"""Of a yes or no: with and without it, in each arm, before the asymptotic sequence is used."""
LEAST_MONEY: Final = 100
"""Units of the smaller arm with any money, before one is shown of it."""


class Arm:
    """What was seen of one arm: units, how many of them with the outcome, their money."""

    __slots__ = ("money", "moved", "units", "yes")

    def __init__(self) -> None:
        self.units = self.yes = self.moved = 0
        self.money = 0.0

    def add(self, yes: bool, money: float) -> None:
        self.units += 1
        self.yes += yes
        self.moved += money != 0.0
        self.money += money

    @property
    def rate(self) -> float:
        return self.yes / self.units if self.units else 0.0

    @property
    def mean(self) -> float:
        return self.money / self.units if self.units else 0.0


class Lift(NamedTuple):
    """A difference, treated less control. interval: None where there is too little yet. visible: the smallest lift that
    would be seen by now."""

    lift: float
    interval: Interval | None
    visible: float

    def data(self) -> dict[str, object]:
        found = self.interval
        interval = None if found is None else {"low": found.low, "high": found.high, "kind": found.kind}
        return {"lift": self.lift, "interval": interval, "smallest_visible": self.visible if found else None}


class Difference:
    """Treated against control, unit by unit, weighted by the known share of control.

    The mean of φ = (Y − ĉ)(T/(1 − s) − C/s) is the difference of the arms' means; ĉ, the mean outcome of the units
    before, makes it steadier and changes nothing in what it is the mean of, since the draw does not know it.
    """

    def __init__(self, tuned_for: int = TUNED_FOR) -> None:
        self.treated, self.control, self._tuned_for = Arm(), Arm(), tuned_for
        self._rates, self._money = Running(), Running()
        self._all_yes, self._all_money = Running(), Running()

    def add(self, control: bool, share: float, yes: bool, money: float) -> None:
        """A unit. share: of control, set at its time; money: as it is to be compared, cut already."""
        weight = -1.0 / share if control else 1.0 / (1.0 - share)
        self._rates.add((float(yes) - self._all_yes.mean) * weight)
        self._money.add((money - self._all_money.mean) * weight)
        self._all_yes.add(float(yes))
        self._all_money.add(money)
        (self.control if control else self.treated).add(yes, money)

    def rates(self, alpha: float) -> Lift:
        """Of the yes or no."""
        arms = (self.treated, self.control)
        visible = smallest_visible(self._rates.count, self._rates.variance, alpha, self._tuned_for)
        if all(min(arm.yes, arm.units - arm.yes) >= LEAST_EACH for arm in arms):
            return Lift(self._rates.mean, self._rates.interval(alpha, self._tuned_for), visible)
        shares = [(arm.units, arm.yes) for arm in arms]
        interval = of_difference(shares[0], shares[1], alpha) if all(arm.units for arm in arms) else None
        return Lift(self.treated.rate - self.control.rate, interval, visible)

    def units_to_see(self, lift: float, alpha: float) -> int | None:
        """Units after which a lift of the yes or no would be seen, if it goes on as until now; None: not to be told."""
        if self._rates.count < 2 or not self._rates.variance:
            return None
        return units_to_see(lift, self._rates.variance, alpha, self._tuned_for)

    def money(self, alpha: float) -> Lift:
        """Of the money."""
        shown = min(self.treated.moved, self.control.moved) >= LEAST_MONEY
        interval = self._money.interval(alpha, self._tuned_for) if shown else None
        visible = smallest_visible(self._money.count, self._money.variance, alpha, self._tuned_for)
        lift = self._money.mean if shown else self.treated.mean - self.control.mean
        return Lift(lift, interval, visible)
