"""A log as the table that every batch peer is given: one row for each customer at each weekly tick.

Ticks, due decisions and labels as `retention evaluate` has them: ticks are seven days apart, from seven days after the
first purchase day; a row knows events before its tick only; a decision is due for a customer whose last purchase is at
most a horizon old, at ticks whose horizon lies in the log; its label is known a horizon later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.settings import DAY
from streams.history.datasets import LogRow

Column = NDArray[np.float64]
Days = NDArray[np.int64]

TICK_DAYS = 7
WINDOWS = (7, 14, 28, 56, 91, 182)
HALF_LIVES = (14.0, 28.0, 56.0, 112.0, 224.0)
FEATURES = (
    "recency",
    "tenure",
    "purchase_days",
    "mean_gap",
    "last_gap",
    "longest_gap",
    "sd_log_gap",
    "recency_by_mean_gap",
    *(f"purchase_days_in_{days}" for days in WINDOWS),
    *(f"decayed_count_{half:g}" for half in HALF_LIVES),
    "last_amount",
    "mean_amount",
    "mean_quantity",
    "mean_baskets",
)
"""All but the spread of the gaps as log(1 + value): trees do not mind, and a linear model needs it."""


class Table(NamedTuple):
    """Columns of shape (rows,), by tick, then customer.

    customers: numbers, places in `names`. ticks: days since `zero`. due: a decision that is scored. churned: no
    purchase in [tick, tick + horizon). x, last, age: repeat purchase days, and weeks from the first purchase to the
    last and to the tick. features: shape (rows, FEATURES). zero: the first purchase day, since the epoch.
    """

    customers: Days
    ticks: Days
    due: NDArray[np.bool_]
    churned: NDArray[np.bool_]
    x: Column
    last: Column
    age: Column
    features: Column
    names: list[str]
    zero: int
    horizon: int

    def known(self, tick: int) -> NDArray[np.bool_]:
        """Rows whose label is known at `tick`."""
        known: NDArray[np.bool_] = self.due & (self.ticks + self.horizon <= tick)
        return known

    def at(self, tick: int) -> NDArray[np.bool_]:
        """Rows of the due decisions of a tick."""
        due: NDArray[np.bool_] = self.due & (self.ticks == tick)
        return due

    def due_ticks(self) -> list[int]:
        found: list[int] = np.unique(self.ticks[self.due]).tolist()
        return found


def first_customers(rows: Iterable[LogRow], size: int) -> list[LogRow]:
    """The rows of the first `size` customers to purchase."""
    found: dict[str, None] = {}
    rows = list(rows)
    for row in rows:
        if row.type == "purchase" and len(found) < size:
            found.setdefault(row.customer_id)
    return [row for row in rows if row.customer_id in found]


def table(rows: Iterable[LogRow], horizon: int) -> Table:
    """The table of a log. `horizon` in days. Raises ValueError for a log that is over before a first due decision."""
    bought: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        if row.type == "purchase":
            days = bought.setdefault(row.customer_id, {})
            sums = days.setdefault(row.ts // DAY, [0.0, 0.0, 0.0])
            for place, value in enumerate((row.amount, row.qty, 1.0)):
                sums[place] += value
    zero = min((min(days) for days in bought.values()), default=0)
    end = max((max(days) for days in bought.values()), default=0) + 1 - zero - horizon
    ticks = np.arange(TICK_DAYS, end + 1, TICK_DAYS)
    names = sorted(bought)
    parts = [_rows(number, bought[name], zero, ticks, horizon) for number, name in enumerate(names)]
    if not any(part[2].any() for part in parts):
        raise ValueError("the log is over before its first decision has a label")
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[0], columns[1]))
    return Table._make([*(column[order] for column in columns), names, zero, horizon])


def _rows(
    number: int, bought: dict[int, list[float]], zero: int, ticks: Days, horizon: int
) -> tuple[NDArray[np.generic], ...]:
    """The rows of one customer: the columns of `Table`, in its order."""
    days = np.array(sorted(bought)) - zero
    money = np.array([bought[day + zero] for day in days.tolist()])
    mine = ticks[ticks > days[0]]
    seen = np.searchsorted(days, mine, "left")
    recency = mine - days[seen - 1]
    churned = np.searchsorted(days, mine + horizon, "left") == seen
    last, age = (days[seen - 1] - days[0]) / 7.0, (mine - days[0]) / 7.0
    return (
        np.full(len(mine), number),
        mine,
        recency <= horizon,
        churned,
        seen - 1.0,
        last,
        age,
        _features(days, money, mine, seen, recency),
    )


def _features(days: Days, money: Column, ticks: Days, seen: Days, recency: Days) -> Column:
    """Shape (ticks, FEATURES). money: sums of amount, quantity and baskets by purchase day, shape (days, 3)."""
    gaps = np.diff(days).astype(np.float64)
    logs = np.log(gaps)
    repeats = np.maximum(seen - 1, 1)
    first, second, total = (np.concatenate(([0.0], np.cumsum(part)))[seen - 1] for part in (logs, logs**2, gaps))
    longest = np.concatenate(([0.0], np.maximum.accumulate(gaps)))[seen - 1]
    mean_gap = total / repeats
    spread = np.sqrt(np.maximum(second / repeats - (first / repeats) ** 2, 0.0))
    back = ticks[:, None] - days[None, :]
    past = back > 0
    means = np.cumsum(np.maximum(money, 0.0), axis=0)[seen - 1] / seen[:, None]
    plain = [
        recency,
        ticks - days[0],
        seen,
        mean_gap,
        np.concatenate(([0.0], gaps))[seen - 1],
        longest,
        np.expm1(spread),
        recency / (mean_gap + 7.0),
        *((past & (back <= window)).sum(axis=1) for window in WINDOWS),
        # Cumulated from left to right: the bits of a sum do not depend on how many days are to come.
        *(np.cumsum(np.where(past, 2.0 ** (-np.maximum(back, 0) / half), 0.0), axis=1)[:, -1] for half in HALF_LIVES),
        np.maximum(money[seen - 1, 0], 0.0),
        *means.T,
    ]
    features: Column = np.log1p(np.column_stack(plain))
    return features
