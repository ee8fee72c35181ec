"""A budget of contacts in the world of `benchmarks.choice_world`: what there is no room for is left alone."""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.choice_episodes import Flags, Whole
from models.decisions.choosing.columns import Chances
from models.decisions.draw import ONE
from models.decisions.purse import WHOLE_UNIT
from models.learning.budget_prices import BudgetPrices
from models.outputs import BudgetPulse, ChoicePulse
from models.settings import WEEK

NAME: Final = "contacts"


class ContactBudget:
    """So many contacts a week, first come, first served; what is left of a week is carried over. priced: a unit has the
    product's price."""

    def __init__(self, a_week: float, *, priced: bool) -> None:
        self._a_week, self._room, self._priced = a_week, 0.0, priced
        self._prices = BudgetPrices()
        # Periods of a hundred weeks: of one, a fraction of a contact would be lost.
        self._prices.under([BudgetPulse(NAME, round(100 * a_week), 0, 0, 100 * WEEK, 0, 0)])

    @property
    def money(self) -> float:
        """What a contact must bring beside its cost."""
        return self._prices.money[NAME] if self._priced else 0.0

    def begin_week(self) -> None:
        self._room += self._a_week

    def held(self, fallen: Whole) -> Flags:
        """Which rows meet an empty budget. fallen: what was drawn in each, in their order, had there been room."""
        contacts = (fallen > 0).cumsum()
        before = contacts - (fallen > 0)
        most = max(int(self._room), 0)
        self._room -= min(int(contacts[-1]) if len(contacts) else 0, most)
        found: Flags = before >= most
        return found

    def end_week(self, chances: Chances, mean_worth: float) -> None:
        """chances: of the week's draws, had there been room. mean_worth: the mean value at stake, money."""
        wanted = int(chances[:, 1:].sum()) * WHOLE_UNIT // ONE
        self._prices.hear([ChoicePulse((), 0.3, WEEK, 0.02, wanted={NAME: wanted})])
        self._prices.step(WEEK, mean_worth)


def left_alone(chances: Chances, held: Flags) -> Chances:
    """The chances of rows that meet an empty budget: leaving alone is all that is open, and it is known before."""
    nothing = np.zeros_like(chances)
    nothing[:, 0] = ONE
    return np.where(held[:, None], nothing, chances)
