"""Anytime-valid confidence sequence for the mean loss difference of two models.

Two models forecast the same outcomes; window by window the mean difference of their losses is taken, of windows that do
not overlap, so that what happened in one of them is no part of the next. A confidence sequence says, for all windows at
once, where the running mean of the differences to be expected lies; so it may be looked at every hour, and acted on the
first time that it says enough, without fooling oneself: Choe and Ramdas (2023), "Comparing sequential forecasters",
Operations Research 72. The bound is the empirical-Bernstein one of Howard, Ramdas, McAuliffe and Sekhon (2021),
"Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49, theorem 4, with a mixture of
several rates (Robbins 1970, "Statistical methods related to the law of the iterated logarithm") as its boundary.
"""

from __future__ import annotations

from math import exp, log
from typing import Any, Final

from models.churn.plain_data import number
from models.churn.snapshot import SnapshotRefused

CLIP: Final = 0.05
"""Of a window's mean difference of log-losses: what one window may say at most. A smaller one is sooner sure and hears
less of great differences; means of hundreds of outcomes hardly ever differ by as much."""
ALPHA: Final = 0.05
"""Probability that the sequence is ever wrong, on its one side."""
MOST: Final = 100.0
"""No difference of log-losses comes near."""

_RATES: Final = (0.9, 0.6, 0.4, 0.2, 0.1, 0.05)
"""Shares of the greatest rate. High ones are soon sure of great differences, low ones at last of small ones."""
_HALVINGS: Final = 50


class Evidence:
    """The confidence sequence of one pair. Differences are positive where the challenger is better."""

    def __init__(self, alpha: float = ALPHA, clip: float = CLIP) -> None:
        self.clip, self.alpha = clip, alpha
        self.windows = 0
        self._sum = 0.0
        self._variance = 0.0
        self.gained = 0.0
        """The sum of the means as they were: between two who are better by more than the clip, it says who is best."""

    def add(self, mean: float) -> None:
        """A window's mean difference, clipped here."""
        value = min(max(mean, -self.clip), self.clip)
        expected = self._sum / self.windows if self.windows else 0.0
        self._variance += (value - expected) ** 2
        self._sum += value
        self.gained += mean
        self.windows += 1

    @property
    def mean(self) -> float:
        return min(max(self._sum / self.windows, -self.clip), self.clip) if self.windows else 0.0

    @property
    def lower(self) -> float:
        """Lower bound of the mean difference to be expected, at all times at once; -clip without a window.

        The greatest mean that can be refused: of a mean m, the average over the rates of exp(rate * (sum - n m) -
        psi(rate) * variance) is a supermartingale that ever reaches 1/alpha with a probability of at most alpha.
        """
        low, high = -self.clip, self.mean
        if not self._refuses(low):
            return low
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._refuses(middle) else (low, middle)
        return low

    @property
    def enough(self) -> bool:
        """Whether the mean difference to be expected is above zero for sure: whether `lower` is."""
        return self._refuses(0.0)

    def _refuses(self, mean: float) -> bool:
        """Whether the differences to be expected have a greater mean than this."""
        span = 2.0 * self.clip
        total = 0.0
        for share in _RATES:
            psi = (-log(1.0 - share) - share) / span**2
            total += exp(min(share / span * (self._sum - self.windows * mean) - psi * self._variance, 700.0))
        return total / len(_RATES) >= 1.0 / self.alpha

    def state(self) -> dict[str, float]:
        return {"windows": self.windows, "sum": self._sum, "variance": self._variance, "gained": self.gained}

    def restore(self, state: Any) -> None:
        """Become the evidence of the state. Raises SnapshotRefused, changing nothing."""
        if not isinstance(state, dict) or type(windows := state.get("windows")) is not int or windows < 0:
            raise SnapshotRefused(f"{state!r:.100} is no evidence")
        found = number(state, "sum", -windows * self.clip - 1e-9, windows * self.clip + 1e-9)
        variance = number(state, "variance", 0.0, 4.0 * self.clip**2 * windows + 1e-9)
        gained = number(state, "gained", -MOST * windows - 1e-9, MOST * windows + 1e-9)
        self.windows, self._sum, self._variance, self.gained = windows, found, variance, gained
