"""What a version knows of the arms of the draw, as plain numbers, and what the policy's figures say of new ones.

An arm is an action by the hash of its content: a changed text is another arm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from models.churn.plain_data import is_finite
from models.churn.snapshot import SnapshotRefused
from models.decisions.choosing.features import MOST_FEATURES

LEAST_VARIANCE: Final = 1e-12
"""Of an effect, in shares of the value at stake: no arm is ever quite certain."""


class Arm(NamedTuple):
    """What is known of an arm.

    effect: means of its coefficients, of shape (features,): shares of the value at stake. covariance: of these, row by
    row. opened, matured: its contacts so far, and those of them whose response window has ended. stopped: it does harm
    more often than the policy tolerates. learned: contacts whose outcome was learned, fading as what was learned does.
    """

    effect: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    opened: int = 0
    matured: int = 0
    stopped: bool = False
    learned: float = 0.0


class Numbers(NamedTuple):
    """A version's numbers for the choice.

    base: coefficients of the share that is kept under the running policy. sigma: standard deviation of an outcome's
    share around what is expected of it. rows: outcomes learned, by weight. arms: by content hash. unproven_price: what
    contact that is not proven must bring beside its cost, money. settled: that price alone keeps the share of such
    contact, and no draw is held to it. cohort: contacts that were ever learned from. named: of each action of the
    policy its arm; arms may hold others, that are gone. prices: of a unit of each of the policy's budgets, money.
    """

    base: tuple[float, ...]
    sigma: float
    rows: float
    arms: Mapping[str, Arm]
    unproven_price: float = 0.0
    settled: bool = False
    cohort: int = 0
    named: Mapping[str, str] = MappingProxyType({})
    prices: Mapping[str, float] = MappingProxyType({})

    def plain(self) -> dict[str, Any]:
        """As JSON types. Of a covariance the lower triangle, row by row: it is symmetric."""
        return {
            "base": list(self.base),
            "sigma": self.sigma,
            "rows": self.rows,
            "unproven_price": self.unproven_price,
            "settled": self.settled,
            "cohort": self.cohort,
            "named": dict(self.named),
            **({"prices": dict(self.prices)} if self.prices else {}),
            "arms": {
                name: {
                    "effect": list(arm.effect),
                    "covariance": [value for place, row in enumerate(arm.covariance) for value in row[: place + 1]],
                    "opened": arm.opened,
                    "matured": arm.matured,
                    "learned": arm.learned,
                    **({"stopped": True} if arm.stopped else {}),
                }
                for name, arm in self.arms.items()
            },
        }

    @classmethod
    def of(cls, plain: Any) -> Numbers:
        """Inverse of `plain`. Raises SnapshotRefused, naming what is wrong."""
        if not isinstance(plain, dict) or not isinstance(arms := plain.get("arms"), dict):
            raise SnapshotRefused(f"{plain!r:.100} holds no numbers of a choice")
        base = _numbers(plain.get("base"), "base")
        if not 1 <= len(base) <= MOST_FEATURES:
            raise SnapshotRefused(f"base has {len(base)} numbers; it must have 1 to {MOST_FEATURES}")
        sigma, rows = _numbers([plain.get("sigma"), plain.get("rows")], "sigma and rows")
        if sigma <= 0.0 or rows < 0.0:
            raise SnapshotRefused(f"sigma is {sigma:g} and rows {rows:g}; they must be above zero, and not below it")
        (price,) = _numbers([plain.get("unproven_price")], "unproven_price")
        if price < 0.0:
            raise SnapshotRefused(f"unproven_price is {price:g}; it must not be below zero")
        settled, cohort, named = plain.get("settled"), plain.get("cohort"), plain.get("named")
        if type(settled) is not bool or type(cohort) is not int or cohort < 0:
            raise SnapshotRefused(
                f"settled is {settled!r} and cohort {cohort!r}; they must be true or false, and a count"
            )
        if not isinstance(named, dict) or not all(isinstance(one, str) for one in named.values()):
            raise SnapshotRefused(f"named is {named!r:.100}; it must have the arm of each action")
        if not isinstance(prices := plain.get("prices", {}), dict):
            raise SnapshotRefused(f"prices is {prices!r:.100}; it must have the price of each budget")
        for name, one in zip(prices, _numbers([*prices.values()], "prices"), strict=True):
            if one < 0.0:
                raise SnapshotRefused(f"the price of budget {name!r} is {one:g}; it must not be below zero")
        known = {str(name): _arm(name, arm, len(base)) for name, arm in arms.items()}
        return cls(base, sigma, rows, known, price, settled, cohort, named, prices)


def _arm(name: str, plain: Any, features: int) -> Arm:
    if not isinstance(plain, dict):
        raise SnapshotRefused(f"arm {name!r} is {plain!r:.100}")
    effect = _numbers(plain.get("effect"), f"effect of arm {name!r}")
    triangle = _numbers(plain.get("covariance"), f"covariance of arm {name!r}")
    if len(effect) != features or len(triangle) != features * (features + 1) // 2:
        raise SnapshotRefused(f"arm {name!r} has not the {features} features of the base")
    opened, matured = plain.get("opened"), plain.get("matured")
    if type(opened) is not int or type(matured) is not int or not 0 <= matured <= opened:
        raise SnapshotRefused(f"arm {name!r} has {opened!r} contacts opened, {matured!r} matured")
    if type(stopped := plain.get("stopped", False)) is not bool:
        raise SnapshotRefused(f"arm {name!r} is stopped: {stopped!r}; it must be true, or left out")
    (learned,) = _numbers([plain.get("learned")], f"learned of arm {name!r}")
    if learned < 0.0:
        raise SnapshotRefused(f"learned of arm {name!r} is {learned:g}; it must not be below zero")
    return Arm(effect, _square(triangle, features), opened, matured, stopped, learned)


def _square(triangle: Sequence[float], size: int) -> tuple[tuple[float, ...], ...]:
    def at(row: int, column: int) -> float:
        high, low = max(row, column), min(row, column)
        return triangle[high * (high + 1) // 2 + low]

    return tuple(tuple(at(row, column) for column in range(size)) for row in range(size))


def _numbers(values: Any, name: str) -> tuple[float, ...]:
    if not isinstance(values, list) or not all(is_finite(value) and not isinstance(value, bool) for value in values):
        raise SnapshotRefused(f"{name} must be finite numbers")
    return tuple(map(float, values))
