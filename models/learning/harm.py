"""Whether contact does harm more often than the policy tolerates: an alarm that may be looked at after every contact.

Harm is a complaint or an unsubscription soon after a contact. Against *its rate is at most p0* stands the likelihood
ratio of a higher rate p1, multiplied contact by contact and begun anew whenever it falls below one, so that a thousand
good contacts hide no bad one that follows (Shin, Ramdas and Rinaldo 2023, "E-detectors", New England Journal of
Statistics in Data Science 2). Averaged over several p1, since one alone is blind to rates well below it.
"""

from __future__ import annotations

from math import inf, log
from typing import Any, Final

from models.churn.plain_data import numbers
from models.churn.snapshot import SnapshotRefused
from models.learning.confidence_sequence import Evidence

TIMES: Final = (1.25, 1.5, 2.0, 3.0, 5.0)
"""The higher rates, as multiples of the tolerated one."""
MOST_RATE: Final = 0.9
ALARM: Final = 20.0
"""At this evidence, times the cells that are watched side by side, it is said. For something that is begun anew it is
no chance of ever being wrong, but the least mean number of contacts between two false alarms: at exactly the tolerated
rate, with five cells side by side, one cell raises one within a thousand contacts in ten of a hundred cases; at half
that rate in less than one."""
_MOST: Final = 1e300


class HarmAlarm:
    """Of one cell: any contact, or one action. A change of content begins a new one.

    >>> alarm = HarmAlarm(tolerated=0.02, cells=1)
    >>> for _ in range(5):
    ...     alarm.add(harmed=True)
    >>> alarm.raised
    True
    """

    def __init__(self, tolerated: float, cells: int, alarm: float = ALARM) -> None:
        """tolerated: the rate of harm the policy accepts, of contacts. cells: watched side by side."""
        if not 0.0 < tolerated <= 0.5:
            raise ValueError(f"tolerated is {tolerated!r}; it must be above 0 and at most 0.5 of the contacts")
        if cells < 1:
            raise ValueError(f"cells is {cells!r}; it must be at least 1")
        self.tolerated, self.cells, self.alarm = tolerated, cells, alarm
        self._rates = [min(times * tolerated, MOST_RATE) for times in TIMES]
        self._evidence = [1.0] * len(TIMES)
        self.raised = False
        """Whether it has ever been: an alarm stays until somebody changes what is sent."""

    def add(self, harmed: bool) -> None:
        """A contact, and what came of it."""
        for place, rate in enumerate(self._rates):
            ratio = rate / self.tolerated if harmed else (1.0 - rate) / (1.0 - self.tolerated)
            self._evidence[place] = min(max(self._evidence[place], 1.0) * ratio, _MOST)
        self.raised = self.raised or self.evidence >= self.alarm * self.cells

    @property
    def evidence(self) -> float:
        """The average over the higher rates."""
        total = 0.0
        for one in self._evidence:
            total += one / len(TIMES)
        return total

    def state(self) -> dict[str, Any]:
        return {"evidence": list(self._evidence), "raised": self.raised}

    def restore(self, state: Any) -> None:
        """Become the alarm of the state. Raises SnapshotRefused, changing nothing."""
        if not isinstance(state, dict) or type(raised := state.get("raised")) is not bool:
            raise SnapshotRefused(f"{state!r:.100} is no alarm of harm")
        self._evidence, self.raised = numbers(state, "evidence", len(TIMES), 0.0).tolist(), raised


class MoneyLoss:
    """Whether an action loses money against leaving alone: the sum of its differences, window by window.

    The bound is that of `models.learning.confidence_sequence.Evidence`, which may be looked at at any time. It is an
    alarm and no brake: with floors of a hundredth one difference weighs a hundredfold, and it takes some hundred
    thousand draws to prove a loss of a twentieth.
    """

    def __init__(self, cut: float, alpha: float) -> None:
        """cut: a window's mean difference is cut at plus and minus this, money. alpha: of this cell."""
        self._evidence = Evidence(alpha, cut)

    def add(self, difference: float) -> None:
        """A window's mean difference of net money, the action's less leaving alone's, weighted by their chances."""
        self._evidence.add(-difference)

    @property
    def raised(self) -> bool:
        """Whether the mean difference to be expected is below zero for sure."""
        return self._evidence.enough

    @property
    def loses_at_least(self) -> float:
        """Money a window, at all times at once; 0 while nothing is proven."""
        return max(self._evidence.lower, 0.0)

    def state(self) -> dict[str, float]:
        return self._evidence.state()

    def restore(self, state: Any) -> None:
        """Raises SnapshotRefused, changing nothing."""
        self._evidence.restore(state)


def least_contacts(tolerated: float, rate: float, cells: int = 1) -> float:
    """Contacts until the alarm, by expected growth of the best of its rates; infinite where none grows.

    >>> round(least_contacts(0.02, 0.15))
    27
    """
    best = 0.0
    for times in TIMES:
        higher = min(times * tolerated, MOST_RATE)
        grown = rate * log(higher / tolerated) + (1.0 - rate) * log((1.0 - higher) / (1.0 - tolerated))
        best = max(best, grown)
    needed = log(ALARM * cells * len(TIMES))
    return needed / best if best > 0.0 else inf
