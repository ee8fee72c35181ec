"""Intervals for the mean of what is compared that hold at every moment at once, so that they may be watched.

Two kinds. The *asymptotic confidence sequence* (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, Time-uniform central
limit theory and asymptotic confidence sequences, 2021) is for any mean with a variance; it is right once there is
enough of what it is the mean of, so each use has a start rule. The *beta-binomial* one (a likelihood ratio mixed over a
uniform prior, Robbins 1970) is for yes or no, and right from the first unit on; it is wider.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, lgamma, log, sqrt
from typing import Final, NamedTuple

TUNED_FOR: Final = 10_000
"""Units at which the sequence is about as narrow as it can be, unless told otherwise. It must not follow the data."""
_STEPS: Final = 60
_MOST_UNITS: Final = 10**10


class Interval(NamedTuple):
    """Where a mean lies. kind: how it was found, `asymptotic` or `beta-binomial`."""

    low: float
    high: float
    kind: str

    @property
    def above_zero(self) -> bool:
        return self.low > 0.0

    @property
    def below_zero(self) -> bool:
        return self.high < 0.0


class Running:
    """Mean and variance of numbers that come one by one (Welford, 1962)."""

    __slots__ = ("_squares", "count", "mean")

    def __init__(self) -> None:
        self.count, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        self.count += 1
        before = value - self.mean
        self.mean += before / self.count
        self._squares += before * (value - self.mean)

    @property
    def variance(self) -> float:
        """Of the numbers so far; 0.0 of fewer than two."""
        return self._squares / self.count if self.count > 1 else 0.0

    def interval(self, alpha: float, tuned_for: int = TUNED_FOR) -> Interval:
        """The asymptotic confidence sequence at this moment.

        alpha: the chance that it is ever wrong, as far as it is in force yet. tuned_for: units.
        """
        width = radius(self.count, self.variance, alpha, tuned_for)
        return Interval(self.mean - width, self.mean + width, "asymptotic")


def radius(count: int, variance: float, alpha: float, tuned_for: int = TUNED_FOR) -> float:
    """Half the width of the asymptotic confidence sequence after `count` units of a variance; infinite after none."""
    if count < 2:
        return inf
    rho2 = (-2.0 * log(alpha) + log(1.0 - 2.0 * log(alpha))) / tuned_for
    spread = count * rho2 + 1.0
    return sqrt(variance * 2.0 * spread / (count * count * rho2) * log(sqrt(spread) / alpha))


def of_share(count: int, yes: int, alpha: float) -> Interval:
    """The beta-binomial confidence sequence of a share: all shares that the mixture does not refuse."""
    if not count:
        return Interval(0.0, 1.0, "beta-binomial")
    # ln of the marginal likelihood under a uniform prior; a share p is refused where it is ln(1/alpha) above p's own.
    marginal = lgamma(yes + 1.0) + lgamma(count - yes + 1.0) - lgamma(count + 2.0)
    least, found = marginal + log(alpha), yes / count

    def kept(share: float) -> bool:
        return _log_likelihood(share, count, yes) >= least

    low = 0.0 if not yes else _edge(0.0, found, kept)
    high = 1.0 if yes == count else _edge(1.0, found, kept)
    return Interval(low, high, "beta-binomial")


def of_difference(treated: tuple[int, int], control: tuple[int, int], alpha: float) -> Interval:
    """Of two shares, the first less the second, each as (count, yes): right from the first unit on, and wide."""
    first, second = of_share(*treated, alpha / 2.0), of_share(*control, alpha / 2.0)
    return Interval(first.low - second.high, first.high - second.low, "beta-binomial")


def smallest_visible(count: int, variance: float, alpha: float, tuned_for: int = TUNED_FOR) -> float:
    """The lift that would be seen by now with a chance of four in five; infinite where nothing could be."""
    return radius(count, variance, alpha, tuned_for) + 0.84 * sqrt(variance / count) if count > 1 else inf


def units_to_see(lift: float, variance: float, alpha: float, tuned_for: int = TUNED_FOR) -> int | None:
    """How many units of a variance make a lift the smallest visible one; None: more than `_MOST_UNITS`."""
    few, many = 1, 2
    while smallest_visible(many, variance, alpha, tuned_for) > lift:
        if many >= _MOST_UNITS:
            return None
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if smallest_visible(middle, variance, alpha, tuned_for) > lift else (few, middle)
    return many


def _log_likelihood(share: float, count: int, yes: int) -> float:
    found = 0.0
    if yes:
        found += yes * log(share) if share > 0.0 else -inf
    if count - yes:
        found += (count - yes) * log(1.0 - share) if share < 1.0 else -inf
    return found


def _edge(outside: float, inside: float, kept: Callable[[float], bool]) -> float:
    """Between a share that may be refused and one that is not, where that changes."""
    if kept(outside):
        return outside
    for _ in range(_STEPS):
        middle = 0.5 * (outside + inside)
        outside, inside = (outside, middle) if kept(middle) else (middle, inside)
    return outside
