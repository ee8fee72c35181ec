"""What is believed of an arm before anything was learned: the policy's figures, sceptically.

Effects are shares of the value at stake: .05 is a twentieth of what a customer brings in a response window. The width
of the prior matters more than any rule of choice: it must be about the size of real effects. One that is too wide makes
the best of several arms look good by chance alone (the optimism of a maximum), which costs more than all exploring.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from models.decisions.choosing.numbers import Arm

Figures = Mapping[int, float]
"""Of an arm, by the place of a feature: the expected change of the kept share per unit of it. 0 is the intercept."""


class Prior(NamedTuple):
    """Standard deviations of coefficients before the first outcome.

    sd: of an arm's intercept. slope_sd: of its other coefficients. shared: the part of both variances that all arms
    have in common: the first thing learned is what contact as such does. base, base_sd: mean of the kept share's
    intercept, and standard deviation of all its coefficients. sigma: standard deviation of one outcome; it counts as
    `sigma_rows` outcomes.
    """

    sd: float = 0.05
    slope_sd: float = 0.025
    shared: float = 0.8
    base: float = 0.5
    base_sd: float = 0.5
    sigma: float = 0.6
    sigma_rows: float = 20.0

    def sd_of(self, place: int) -> float:
        return self.sd if place == 0 else self.slope_sd

    def widened(self, times: float) -> Prior:
        """With effects that may be so many times as great."""
        return self._replace(sd=self.sd * times, slope_sd=self.slope_sd * times)


def prior_arm(prior: Prior, figures: Figures, features: int) -> Arm:
    """An arm of which a version knows nothing yet."""
    return Arm(tuple(figures.get(place, 0.0) for place in range(features)), _uncertain(prior, features))


@cache
def _uncertain(prior: Prior, features: int) -> tuple[tuple[float, ...], ...]:
    variances = [prior.sd_of(place) ** 2 for place in range(features)]
    return tuple(tuple(v if row == place else 0.0 for place in range(features)) for row, v in enumerate(variances))
