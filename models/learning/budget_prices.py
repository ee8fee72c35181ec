"""The prices of a policy's budgets in the learned draw: what a unit must bring, so that it goes to whom it helps most.

Demand counts whether there was room for it or not: what a week's draws would have taken by their chances. Counted by
what was taken, a budget that runs dry in the middle of its period would seem to be little in demand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from models.churn.snapshot import SnapshotRefused
from models.decisions.purse import WHOLE_UNIT
from models.learning.budget_price import stepped
from models.outputs import BudgetPulse, ChoicePulse

RATE: Final = 0.02
"""Of the mean value at stake: how far the price of a lot moves where twice the allowance was wanted."""
MOST_WANTED: Final = 5.0
"""Allowances of a step: what is wanted beyond moves a price no further. Where next to nothing is allowed it would pass
its height by far in one step, and come down by `RATE` a step."""
_MOST: Final = 1e15


class Allowed(NamedTuple):
    """Of a budget, by the newest policy: units of a period, its length (ms), and what the dearest trigger takes."""

    most: int
    length: int
    lot: int


class BudgetPrices:
    """What a unit of each budget must bring beside its cost; begins at nothing, and moves once in a step of log time.

    A step is measured by the mean value at stake, and by a lot, the units that the dearest trigger takes: so a price
    moves alike whatever a budget counts.
    """

    def __init__(self) -> None:
        self._allowed: dict[str, Allowed] = {}
        self.money: dict[str, float] = {}
        """Of a unit, by budget."""
        self._wanted: dict[str, int] = {}
        self.last: dict[str, float] = {}
        """What was wanted in the last step, in allowances of it."""

    def under(self, budgets: Sequence[BudgetPulse]) -> None:
        """Have the budgets of a policy. One that is gone loses its price; one that is named as before keeps it."""
        self._allowed = {one.name: Allowed(one.most, one.next - one.period, max(one.lot, 1)) for one in budgets}
        self.money = {name: self.money.get(name, 0.0) for name in sorted(self._allowed)}
        self._wanted = {name: units for name, units in self._wanted.items() if name in self._allowed}
        self.last = {name: share for name, share in self.last.items() if name in self._allowed}

    def hear(self, drawn: Sequence[ChoicePulse]) -> None:
        """What shards say of their draws."""
        for one in drawn:
            for name, wanted in one.wanted.items():
                if name in self._allowed:
                    self._wanted[name] = self._wanted.get(name, 0) + wanted

    def step(self, elapsed: int, mean_worth: float) -> None:
        """A step of log time is over. elapsed: since the last one, ms. mean_worth: the mean value at stake, money."""
        for name, budget in self._allowed.items():
            allowed = budget.most * elapsed / budget.length
            if allowed > 0.0 and mean_worth > 0.0:  # of nothing nothing is drawn, whatever its price
                wanted = self._wanted.get(name, 0) / WHOLE_UNIT
                counted, rate = min(wanted, MOST_WANTED * allowed), RATE * mean_worth / budget.lot
                self.money[name] = stepped(self.money[name], counted, allowed, rate)
                self.last[name] = wanted / allowed
        self._wanted = {}

    def state(self) -> dict[str, Any] | None:
        """Plain data; None: the policy has no budget."""
        if not self._allowed:
            return None
        allowed = {name: list(budget) for name, budget in self._allowed.items()}
        return {"allowed": allowed, "price": dict(self.money), "wanted": dict(self._wanted), "last": dict(self.last)}

    @classmethod
    def of(cls, stored: Any) -> BudgetPrices:
        """Inverse of `state`. Raises SnapshotRefused."""
        found = cls()
        if stored is None:
            return found
        try:
            kept = msgspec.convert(stored, _Kept)
        except msgspec.ValidationError as error:
            raise SnapshotRefused(f"what is kept of the prices of budgets can't be read: {error}") from error
        odd = {*kept.wanted, *kept.last} - kept.allowed.keys()
        if kept.price.keys() != kept.allowed.keys() or odd:
            raise SnapshotRefused(f"prices of {sorted(kept.price)} are kept, of the budgets {sorted(kept.allowed)}")
        if wrong := [name for name, price in kept.price.items() if not 0.0 <= price <= _MOST]:
            raise SnapshotRefused(f"the price of budget {wrong[0]!r} is {kept.price[wrong[0]]!r}; it is at least 0")
        if wrong := [name for name, (_, length, lot) in kept.allowed.items() if length <= 0 or lot <= 0]:
            raise SnapshotRefused(f"budget {wrong[0]!r} has {kept.allowed[wrong[0]]}; period and lot are above 0")
        found._allowed = {name: Allowed(*one) for name, one in kept.allowed.items()}
        found.money, found._wanted, found.last = dict(kept.price), dict(kept.wanted), dict(kept.last)
        return found


class _Kept(msgspec.Struct):
    allowed: Mapping[str, tuple[int, int, int]]
    price: Mapping[str, float]
    wanted: Mapping[str, int]
    last: Mapping[str, float]
