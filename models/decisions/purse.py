"""What a shard may still take of the policy's budgets, and what its triggers have taken.

A version brings what the shard is allowed of each budget and period, counted from the period's beginning; the learner
sees to it that all shards together are never allowed more than there is (`models.learning.allowances`). What is taken
is a fact, whatever a later version allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from models.decisions.periods import period_at
from models.decisions.rule_types import ActionRules, BudgetRules, Rules
from models.decisions.standing import Spent, number_of
from models.settings import DAY
from models.timeline.shared import Units

MOST_OF_A_PERIOD: Final = 32 * DAY
"""No period is longer: a month, and the hour by which its clocks go back."""
WHOLE_UNIT: Final = 2**16
"""What is wanted by chances is counted in multiples of 2^-16 of a unit: whole numbers sum alike in any order."""


@dataclass(slots=True)
class Purse:
    """The shard's part of the budgets while a piece of its line is applied.

    allowed, reserved, wanted: as in `models.timeline.shared.Shared`. unmet: by budget, units that had no room.
    """

    allowed: Units = field(default_factory=dict)
    reserved: Units = field(default_factory=dict)
    unmet: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, allowed: Units, reserved: Units, unmet: dict[str, int], wanted: dict[str, int]) -> Purse:
        """One that may be changed. allowed: is not."""
        return cls(allowed, {name: dict(periods) for name, periods in reserved.items()}, dict(unmet), dict(wanted))

    def copy(self) -> Purse:
        """Another one as this is now."""
        return Purse.of(self.allowed, self.reserved, self.unmet, self.wanted)

    def become(self, other: Purse) -> None:
        """Be as another one, which is of no use any more."""
        self.allowed, self.reserved = other.allowed, other.reserved
        self.unmet, self.wanted = other.unmet, other.wanted

    def lacking(self, rules: Rules, action: ActionRules, now: int) -> list[str]:
        """The budgets that have no room for a trigger of an action."""
        return [name for name, units in action.budgets if self._room(rules.budgets[name], now) < units]

    def reserve(self, rules: Rules, action: ActionRules, now: int) -> tuple[Spent, ...]:
        """Take what a trigger of an action takes at most."""
        taken = []
        for name, units in action.budgets:
            budget = rules.budgets[name]
            period = period_at(budget.per, budget.zone, now).start
            self._add(name, period, units)
            taken.append(Spent(budget.number, period, units, budget.money))
        return tuple(taken)

    def demand(self, rules: Rules, action: ActionRules, now: int) -> None:
        """Let it be known that a trigger would have been sent, had there been room."""
        units = dict(action.budgets)
        for name in self.lacking(rules, action, now):
            self.unmet[name] = self.unmet.get(name, 0) + units[name]

    def want(self, units: Iterable[tuple[str, float]], chance: float) -> None:
        """Let it be known what a draw takes by its chance, whether there is room for it or not. units: by budget."""
        for name, most in units:
            self.wanted[name] = self.wanted.get(name, 0) + round(chance * most * WHOLE_UNIT)

    def give_back(self, taken: Iterable[Spent]) -> None:
        """What was taken can be taken again, in its own period only."""
        for one in taken:
            self._change(one, -one.units)

    def charge(self, taken: Iterable[Spent]) -> None:
        """What was given back has been spent after all, whether there is room for it or not."""
        for one in taken:
            self._change(one, one.units)

    def forget(self, rules: Rules, now: int) -> None:
        """Forget the periods that are over. So that nothing can be had anew by a policy that names a budget otherwise
        for a time: of one that the policy does not have a month's stay, and of all what the version in force still
        names; that is how it was counted before."""
        least = {name: period_at(one.per, one.zone, now).start for name, one in rules.budgets.items()}
        month_ago = now - MOST_OF_A_PERIOD
        kept = {
            name: {
                period: units
                for period, units in periods.items()
                if period >= least.get(name, month_ago) or period in self.allowed.get(name, ())
            }
            for name, periods in self.reserved.items()
        }
        self.reserved = {name: periods for name, periods in kept.items() if periods}
        self.unmet, self.wanted = {}, {}

    def _room(self, budget: BudgetRules, now: int) -> int:
        """Units that may still be taken of the running period."""
        period = period_at(budget.per, budget.zone, now).start
        allowed = self.allowed.get(budget.name, {}).get(period, 0)
        return max(0, allowed - self.reserved.get(budget.name, {}).get(period, 0))

    def _change(self, one: Spent, units: int) -> None:
        for name, periods in self.reserved.items():
            if one.period in periods and number_of(name) == one.budget:
                self._add(name, one.period, units)

    def _add(self, name: str, period: int, units: int) -> None:
        periods = self.reserved.setdefault(name, {})
        periods[period] = max(0, periods.get(period, 0) + units)
