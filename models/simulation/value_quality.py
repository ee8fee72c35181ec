"""Quality of values, one row per customer and scoring time, held against what the customers then spent.

A decision's `actual` is the net spend of the horizon from the tick on, below zero where more was sent back than bought;
`value` is what was expected of it at the tick, in the same currency. All columns have the shape (decisions,). Nothing
here decides or learns, so NumPy's sums will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Column = NDArray[np.float64]

LEAST: Final = 0.01
"""Values count as this at least, in units of the mean spend: one sure miss must not decide the deviance."""
TOPS: Final = (1, 5, 20)
"""Percent of the customers of a tick, from the top."""
GROUPS: Final = 10


class ValueQuality(NamedTuple):
    """A table of values in a few numbers. nan where there is nothing to take it of.

    mean_actual: in the log's currency; units of deviance and mae. negative: share of decisions with less than nothing
    spent; the deviance takes it for nothing, `total` does not. deviance: mean Tweedie deviance, power 1.5 (Dunn and
    Smyth 2005), 0 at best. total: predicted over actual, in all. decile_error: the same in each of ten equal groups by
    value, sizes of the differences over all that was spent. tick_bias: mean over ticks of the size of the difference of
    sums, over the actual one. gini: of actual spend by predicted order over that by its own (Frees, Meyers and Cummings
    2011), mean over ticks, as are spearman (rank correlation), found_N (of the true top N percent with any spend, the
    share in the predicted top) and money_20 (spend of the predicted top fifth over that of the true one). mae: mean
    size of the difference, least for medians.
    """

    decisions: int
    mean_actual: float
    negative: float
    deviance: float
    total: float
    decile_error: float
    tick_bias: float
    gini: float
    spearman: float
    found_1: float
    found_5: float
    found_20: float
    money_20: float
    mae: float


class ValueTicks(NamedTuple):
    """By tick: its customers, predicted and actual sums, and its Gini. Columns of shape (ticks,)."""

    tick: NDArray[np.int64]
    customers: NDArray[np.int64]
    predicted: Column
    actual: Column
    gini: Column


class Groups(NamedTuple):
    """Equal groups by rising value: decisions, and mean value and spend of each. Columns of shape (groups,)."""

    decisions: NDArray[np.int64]
    predicted: Column
    actual: Column


def value_quality(tick: ArrayLike, actual: ArrayLike, value: ArrayLike) -> ValueQuality:
    """The whole table in a few numbers. `tick`: anything that sorts.

    Raises ValueError for a table without rows, columns of different lengths, and numbers that are not finite.
    """
    ticks, y, m = _checked(tick, actual, value)
    unit, total = float(y.mean()), float(y.sum())
    groups = _deciles(m)
    found = [_of_tick(y[rows], m[rows]) for rows in _by_tick(ticks)]
    means = {name: _mean([one[name] for one in found]) for name in found[0]}
    return ValueQuality(
        decisions=len(y),
        mean_actual=unit,
        negative=float((y < 0.0).mean()),
        deviance=float(deviances(y / unit, m / unit).mean()) if unit > 0.0 else float("nan"),
        total=_ratio(float(m.sum()), total),
        decile_error=_ratio(sum(abs(float(m[rows].sum() - y[rows].sum())) for rows in groups), total),
        mae=_ratio(float(np.abs(y - m).mean()), unit),
        **means,
    )


def values_by_tick(tick: ArrayLike, actual: ArrayLike, value: ArrayLike) -> ValueTicks:
    """Level and ranking at each tick, to be drawn over time. Raises ValueError as `value_quality` does."""
    ticks, y, m = _checked(tick, actual, value)
    parts = list(_by_tick(ticks))
    return ValueTicks(
        np.array([ticks[rows[0]] for rows in parts]),
        np.array([len(rows) for rows in parts], dtype=np.int64),
        np.array([m[rows].sum() for rows in parts]),
        np.array([y[rows].sum() for rows in parts]),
        np.array([gini(y[rows], m[rows]) for rows in parts]),
    )


def value_groups(actual: ArrayLike, value: ArrayLike, groups: int = GROUPS) -> Groups:
    """Mean value and spend of equal groups by rising value. Raises ValueError as `value_quality` does."""
    _, y, m = _checked(np.zeros(np.shape(actual)), actual, value)
    parts = [rows for rows in _deciles(m, groups) if len(rows)]
    return Groups(
        np.array([len(rows) for rows in parts], dtype=np.int64),
        np.array([m[rows].mean() for rows in parts]),
        np.array([y[rows].mean() for rows in parts]),
    )


def deviances(actual: Column, value: Column) -> Column:
    """Tweedie deviance, power 1.5, of each row; both in units of the mean spend, which makes it free of the currency.

    >>> deviances(np.array([1.0, 4.0, -1.0]), np.array([1.0, 1.0, 1.0])).tolist()
    [0.0, 4.0, 4.0]
    """
    m = np.maximum(value, LEAST)
    return np.asarray(4.0 * (np.sqrt(np.maximum(actual, 0.0)) - np.sqrt(m)) ** 2 / np.sqrt(m))


def lorenz(actual: Column, by: Column) -> Column:
    """Share of all spend of the customers with the greatest `by`, of one, two, … of them, shape (rows,)."""
    return np.asarray(np.cumsum(actual[np.argsort(-by, kind="stable")]) / actual.sum())


def gini(actual: Column, value: Column) -> float:
    """Area between the Lorenz curve by value and the diagonal, over that by spend itself; nan where all spend alike.

    >>> gini(np.array([3.0, 2.0, 1.0]), np.array([9.0, 5.0, 1.0]))
    1.0
    """
    if not actual.sum() > 0.0:
        return float("nan")
    even = 0.5 * (1.0 + 1.0 / len(actual))
    best = float(lorenz(actual, actual).mean() - even)
    return float(lorenz(actual, value).mean() - even) / best if best > 1e-12 else float("nan")


def _of_tick(y: Column, m: Column) -> dict[str, float]:
    truly, believed = np.argsort(-y, kind="stable"), np.argsort(-m, kind="stable")
    found: dict[str, float] = {
        "tick_bias": _ratio(abs(float(m.sum() - y.sum())), float(y.sum())),
        "gini": gini(y, m),
        "spearman": _rank_correlation(y, m),
    }
    for top in TOPS:
        size = max(round(len(y) * top / 100), 1)
        true = truly[:size][y[truly[:size]] > 0.0]
        found[f"found_{top}"] = _ratio(len(np.intersect1d(true, believed[:size])), len(true))
    found["money_20"] = _ratio(float(y[believed[:size]].sum()), float(y[truly[:size]].sum()))
    return found


def _rank_correlation(y: Column, m: Column) -> float:
    a, b = _ranks(y), _ranks(m)
    return float(np.corrcoef(a, b)[0, 1]) if min(a.std(), b.std()) > 0.0 else float("nan")


def _ranks(values: Column) -> Column:
    """Ranks, those of equal values their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - 0.5 * (counts - 1))[place])


def _deciles(values: Column, groups: int = GROUPS) -> list[NDArray[np.int64]]:
    return [np.asarray(rows) for rows in np.array_split(np.argsort(values, kind="stable"), groups)]


def _by_tick(ticks: NDArray[Any]) -> Iterator[NDArray[np.int64]]:
    order = np.argsort(ticks, kind="stable")
    _, starts = np.unique(ticks[order], return_index=True)
    yield from (np.asarray(rows) for rows in np.split(order, starts[1:]))


def _ratio(value: float, over: float) -> float:
    return value / over if over > 0.0 else float("nan")


def _mean(values: list[float]) -> float:
    known = [value for value in values if value == value]
    return float(np.mean(known)) if known else float("nan")


def _checked(tick: ArrayLike, actual: ArrayLike, value: ArrayLike) -> tuple[NDArray[Any], Column, Column]:
    ticks, y, m = np.asarray(tick), np.asarray(actual, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if y.ndim != 1 or not ticks.shape == y.shape == m.shape or not len(y):
        raise ValueError(f"{ticks.shape} ticks, {y.shape} spends and {m.shape} values: as many of each, at least one")
    if not (np.isfinite(y).all() and np.isfinite(m).all()):
        raise ValueError("a value or a spend is not a finite number")
    return ticks, y, m
