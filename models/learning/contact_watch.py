"""Any contact against leaving alone: whether it does harm too often, and whether it brings less. Alarms, no brakes.

Of one action there are few contacts; of all of them together what is wrong with writing at all shows sooner. Money is
held against the hold-out with the chances that were drawn by, week by week (`models.learning.harm.MoneyLoss`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.churn.plain_data import number
from models.churn.snapshot import SnapshotRefused
from models.learning.confidence_sequence import ALPHA
from models.learning.harm import HarmAlarm, MoneyLoss
from models.settings import WEEK

CUT: Final = 0.25
"""Of a week's mean difference, in shares of the value at stake: the narrower, the fewer weeks it takes."""
_MOST: Final = 1e15


class ContactWatch:
    """Of a policy's learned choice. Another rate that is tolerated, or other actions, begin the harm anew."""

    def __init__(self, at: int) -> None:
        """at: log time, ms, at which the first week begins."""
        self._since = at
        self._tolerated = 0.0
        self._of: tuple[str, ...] = ()
        self._harm: HarmAlarm | None = None
        self._money = MoneyLoss(CUT, ALPHA)
        self._rows, self._sum = 0, 0.0
        self._worth, self._lifted = 0.0, 0.0

    def watch(self, tolerated: float, arms: tuple[str, ...]) -> None:
        """The policy's. arms: by name."""
        if self._harm is None or (tolerated, arms) != (self._tolerated, self._of):
            self._tolerated, self._of = tolerated, arms
            self._harm = HarmAlarm(tolerated, len(arms) + 1)

    def contacted(self, harmed: bool) -> None:
        """A contact arrived, and did harm or none."""
        if self._harm is not None:
            self._harm.add(harmed)

    def drew(self, share: float, worth: float, contact: bool, alone: float) -> None:
        """What came of a draw in which something could be done.

        share: of the value at stake that was earned. worth: that value, money. alone: the chance of being left alone.
        """
        centred = share - (self._sum / self._rows if self._rows else share)
        self._lifted += worth * centred * (1.0 if contact else 1.0 - 1.0 / alone)
        self._worth += worth
        self._rows, self._sum = self._rows + 1, self._sum + share

    def step(self, boundary: int) -> None:
        """At a version boundary: a week that is over is added to what is known."""
        if boundary - self._since >= WEEK:
            if self._worth > 0.0:
                self._money.add(self._lifted / self._worth)
            self._since, self._worth, self._lifted = boundary, 0.0, 0.0

    def told(self) -> dict[str, Any]:
        """What a version says: evidence of harm, from 1 on, and whether it has been enough; whether contact brings less
        than leaving alone for sure, and by how much at least, in shares of the value at stake; before its cost."""
        harm, money = self._harm, self._money
        return {
            "harm": 0.0 if harm is None else harm.evidence,
            "harm_needed": 0.0 if harm is None else harm.alarm * harm.cells,
            "harms": harm is not None and harm.raised,
            "loses": money.raised,
            "loses_at_least": money.loses_at_least,
        }

    def state(self) -> dict[str, Any]:
        return {
            "since": self._since,
            "tolerated": self._tolerated,
            "of": list(self._of),
            "harm": None if self._harm is None else self._harm.state(),
            "money": self._money.state(),
            "sums": [self._rows, self._sum, self._worth, self._lifted],
        }

    @classmethod
    def of(cls, state: Any) -> ContactWatch:
        """Inverse of `state`. Raises SnapshotRefused."""
        if not isinstance(state, Mapping) or not isinstance(sums := state.get("sums"), list) or len(sums) != 4:
            raise SnapshotRefused(f"{state!r:.100} is no watch over contact")
        found = cls(int(number(dict(state), "since", 0.0, _MOST)))
        arms = state.get("of")
        if not isinstance(arms, list) or not all(isinstance(arm, str) for arm in arms):
            raise SnapshotRefused(f"of is {arms!r:.100}; it must have the names of arms")
        if state.get("harm") is not None:
            found.watch(number(dict(state), "tolerated", 0.0, 0.5), tuple(arms))
            if found._harm is not None:
                found._harm.restore(state.get("harm"))
        found._money.restore(state.get("money"))
        named = dict(zip(("rows", "sum", "worth", "lifted"), sums, strict=True))
        found._rows = int(number(named, "rows", 0.0, _MOST))
        found._sum, found._worth, found._lifted = (
            number(named, name, -_MOST, _MOST) for name in ("sum", "worth", "lifted")
        )
        return found
