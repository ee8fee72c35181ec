"""Evidence that one model is better than another, which holds at any time it is looked at.

Two models forecast the same labels; week by week the mean difference of their losses is taken. A confidence sequence
says, for all weeks at once, where the running mean of the differences to be expected lies; so it may be looked at every
hour, and acted on the first time that it says enough, without fooling oneself: Choe and Ramdas (2023), "Comparing
sequential forecasters", Operations Research 72. The bound is the empirical-Bernstein one of Howard, Ramdas, McAuliffe
and Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49: theorem 4
with the stitched boundary of their equation 10.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Any, Final

from models.churn.plain import number
from models.churn.snapshot import SnapshotRefused

CLIP: Final = 0.1
"""Of a paired difference of losses: what one label may say at most, so that a few odd ones do not decide."""
ALPHA: Final = 0.05
"""Probability that the sequence is ever wrong, on its one side."""

_ETA: Final = 2.0
_S: Final = 1.4
_ZETA_S = 3.105_547_2  # Riemann's zeta function at 1.4
_K1: Final = (2.0**0.25 + 2.0**-0.25) / sqrt(2.0)
_K2: Final = (sqrt(_ETA) + 1.0) / 2.0
_LEAST_VARIANCE = 0.01
"""From which on the boundary is tight: a mean of some weeks' differences, which are a few hundredths each."""


class Evidence:
    """The confidence sequence of one pair. Differences are positive where the challenger is better."""

    def __init__(self, clip: float = CLIP, alpha: float = ALPHA) -> None:
        self.clip, self.alpha = clip, alpha
        self.weeks = 0
        self._sum = 0.0
        self._variance = 0.0

    def add(self, mean: float) -> None:
        """A week's mean of clipped differences."""
        value = min(max(mean, -self.clip), self.clip)
        expected = self._sum / self.weeks if self.weeks else 0.0
        self._variance += (value - expected) ** 2
        self._sum += value
        self.weeks += 1

    @property
    def mean(self) -> float:
        return min(max(self._sum / self.weeks, -self.clip), self.clip) if self.weeks else 0.0

    @property
    def lower(self) -> float:
        """Lower bound of the mean difference to be expected, at all times at once; -clip without a week."""
        if not self.weeks:
            return -self.clip
        variance = max(self._variance, _LEAST_VARIANCE)
        stitched = _S * log(log(_ETA * variance / _LEAST_VARIANCE)) + log(_ZETA_S / (self.alpha * pow(log(_ETA), _S)))
        width = _K1 * sqrt(variance * stitched) + _K2 * 2.0 * self.clip * stitched
        return max(self.mean - float(width) / self.weeks, -self.clip)

    def state(self) -> dict[str, float]:
        return {"weeks": self.weeks, "sum": self._sum, "variance": self._variance}

    def restore(self, state: Any) -> None:
        """Become the evidence of the state. Raises SnapshotRefused, changing nothing."""
        if not isinstance(state, dict) or type(weeks := state.get("weeks")) is not int or weeks < 0:
            raise SnapshotRefused(f"{state!r:.100} is no evidence")
        found = number(state, "sum", -weeks * self.clip - 1e-9, weeks * self.clip + 1e-9)
        variance = number(state, "variance", 0.0, 4.0 * self.clip**2 * weeks + 1e-9)
        self.weeks, self._sum, self._variance = weeks, found, variance
