"""Renewals by arm: how many renewed what they did not use, and how many cancelled soon after. A gift that only keeps
people paying shows here, and nowhere in money."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from models.settings import DAY

WITHIN: Final = 30 * DAY
"""Use is looked for in so long before a renewal, a cancellation in so long after it."""
NOBODY: Final = "no decision before"
CONTROL: Final = "control group"
ALONE: Final = "left alone"


@dataclass(slots=True)
class OfArm:
    """Renewals whose customer had this answer last, before them."""

    renewals: int = 0
    without_use: int = 0
    cancelled: int = 0

    def data(self) -> dict[str, int]:
        return {"renewals": self.renewals, "without_use": self.without_use, "cancelled": self.cancelled}


@dataclass(slots=True)
class Renewals:
    """All of them, by arm. tells_of_use: some touchpoint of somebody was one of use."""

    arms: dict[str, OfArm] = field(default_factory=dict)
    tells_of_use: bool = False

    def take(
        self,
        answers: Sequence[tuple[int, str]],
        renewed: Sequence[int],
        cancelled: Sequence[int],
        used: Sequence[int],
        now: int,
    ) -> None:
        """One customer's. answers: (time, arm) in order; the others: times in order, ms. now: where the log ends: what
        is too young to be known is left out."""
        self.tells_of_use |= bool(used)
        times = [time for time, _ in answers]
        for at in renewed:
            if at + WITHIN > now:
                continue
            place = bisect_right(times, at)
            arm = self.arms.setdefault(answers[place - 1][1] if place else NOBODY, OfArm())
            arm.renewals += 1
            arm.without_use += bisect_left(used, at - WITHIN) == bisect_left(used, at)
            arm.cancelled += bisect_right(cancelled, at) < bisect_right(cancelled, at + WITHIN)

    def data(self) -> dict[str, Any]:
        """As plain data. What the topics do not tell is null."""
        arms = {name: one.data() for name, one in sorted(self.arms.items())}
        known = {"tells_of_use": self.tells_of_use, "days": WITHIN // DAY}
        if self.tells_of_use:
            return {**known, "arms": arms}
        return {**known, "arms": {name: {**one, "without_use": None} for name, one in arms.items()}}
