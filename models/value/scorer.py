"""A version of the value model, beside the version of the churn model that its counts come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.probability import Mixture, quadrature
from models.churn.plain_data import number, numbers
from models.settings import DAY, EngineSettings
from models.value.scoring import CORRECTION, Valuation, Values, values_of
from models.value.spend import LEAST_NET, LEAST_SHRINK, MOST_SHRINK
from models.value.visits import course_of

MOST_FACTOR: Final = 1e6
_MOST_LOG, _MOST_AMOUNT, _LEAST_AMOUNT = 700.0, 1e300, 1e-9


class ValueScorer:
    """A frozen version: values of customers, whatever the batch they come in."""

    __slots__ = ("_course", "_horizon_days", "_tick_days", "mixture", "valuation")

    def __init__(self, mixture: Mixture, valuation: Valuation, settings: EngineSettings) -> None:
        """mixture: the churn model in force, of these settings."""
        self.mixture, self.valuation = mixture, valuation
        self._horizon_days, self._tick_days = settings.horizon / DAY, settings.tick / DAY
        self._course = course_of(self._horizon_days, self._tick_days)

    @classmethod
    def of(cls, model: Mapping[str, Any], mixture: Mixture, settings: EngineSettings) -> ValueScorer:
        """From plain data (`ValueLearner.version`). Raises SnapshotRefused, naming the field that does not fit."""
        return cls(mixture, valuation_of(model), settings)

    def value(self, bases: NDArray[np.float32], money: NDArray[np.float32], discount: float = 0.0) -> Values:
        """Values over the churn model's horizon.

        Args:
            bases, money: shapes (rows, BASIS) and (rows, MONEY).
            discount: continuous rate a year.
        """
        course = course_of(self._horizon_days, self._tick_days, discount) if discount else self._course
        return values_of(bases, money, self.mixture, self.valuation, course)

    def over(
        self, days: float, bases: NDArray[np.float32], money: NDArray[np.float32], discount: float = 0.0
    ) -> NDArray[np.float64]:
        """Values over a longer horizon, extrapolated: value · n(longer) / n, n the same roll-forward continued.

        Args:
            days: the longer horizon.
            bases, money, discount: as for `value`.

        Returns:
            Shape (rows,).
        """
        here = self.value(bases, money)
        widths, rolls = quadrature(days, self._tick_days)
        blend = self.mixture.blend.copy()
        blend[3] = days / 7.0
        longer = self.mixture._replace(widths=widths, rolls=rolls, blend=blend)
        there = values_of(bases, money, longer, self.valuation, course_of(days, self._tick_days, discount))
        return np.asarray(here.values * there.visits / np.maximum(here.visits, 1e-9))


def valuation_of(model: Mapping[str, Any]) -> Valuation:
    """What compiled code reads, from plain data. Raises SnapshotRefused, naming the field that does not fit."""
    population = (
        number(model, "log_amount", -_MOST_LOG, _MOST_LOG),
        number(model, "amount", _LEAST_AMOUNT, _MOST_AMOUNT),
        number(model, "net", LEAST_NET, 1.0),
        number(model, "shrink", LEAST_SHRINK, MOST_SHRINK),
    )
    factors = (
        number(model, "share", 0.0, 1.0),
        number(model, "lift", 1.0, MOST_FACTOR),
        number(model, "level", 0.0, MOST_FACTOR),
    )
    weights, mbg = numbers(model, "weights", CORRECTION), numbers(model, "mbg", 4, 1e-9)
    return Valuation(mbg, weights, np.array(population), np.array(factors))
