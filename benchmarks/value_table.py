"""A log as the table that every peer of the value model is given: the churn peers' rows, and money.

Ticks and features of the past as in `benchmarks.churn_table`. A decision is due for a customer whose last purchase is
at most two horizons old; what came is purchases less returns of the horizon from the tick on, known a horizon later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from benchmarks.churn_table import Column, Table, table
from models.settings import DAY
from streams.history.datasets import LogRow

SPENT_WINDOWS = (28, 91, 182)


class ValueTable(NamedTuple):
    """`rows`: ticks, features, x, last, age; `due` is of values. In columns of shape (rows,): actual, net spend of the
    horizon to come; gross, spend a purchase day so far; lately, net spend of the horizon before. net: the population's
    share of gross spend that is not sent back, so far, by row. features: those of the rows, and of money."""

    rows: Table
    actual: Column
    gross: Column
    lately: Column
    net: Column
    features: Column


def value_table(log: Iterable[LogRow], horizon: int) -> ValueTable:
    """The table of a log. `horizon` in days. Raises ValueError for a log that is over before a first due decision."""
    log = [row for row in log if row.type in ("purchase", "return")]
    found = table(log, horizon)
    spans = _Spans(log, found)
    recency = np.expm1(found.features[:, 0])
    due = recency <= 2 * horizon + 1e-6
    rows = found._replace(due=due)
    actual, lately = spans.net(0, horizon), spans.net(-horizon, 0)
    bought, returned = spans.bought_before, spans.returned_before
    gross = bought / (found.x + 1.0)
    money = [gross, returned / (found.x + 1.0), *(np.maximum(spans.net(-days, 0), 0.0) for days in SPENT_WINDOWS)]
    features = np.column_stack([found.features, np.log1p(np.column_stack(money))])
    net = np.empty(len(gross))
    for tick in np.unique(found.ticks).tolist():
        at = found.ticks == tick
        net[at] = 1.0 - returned[at].sum() / max(bought[at].sum(), 1e-9)
    return ValueTable(rows, actual, gross, lately, net, features)


class _Spans:
    """Running sums of each customer's purchases and returns, by day."""

    def __init__(self, log: Iterable[LogRow], found: Table) -> None:
        self._found = found
        number = {name: place for place, name in enumerate(found.names)}
        by_customer: defaultdict[int, list[tuple[int, float, float]]] = defaultdict(list)
        for row in log:
            place = number.get(row.customer_id)
            if place is not None:
                amount = abs(row.amount)
                day = row.ts // DAY - found.zero
                bought = (amount, 0.0) if row.type == "purchase" else (0.0, amount)
                by_customer[place].append((day, *bought))
        self._days: dict[int, Column] = {}
        self._sums: dict[int, Column] = {}
        for place, entries in by_customer.items():
            columns = np.array(sorted(entries, key=lambda entry: entry[0]))
            self._days[place] = columns[:, 0]
            self._sums[place] = np.vstack([np.zeros(2), np.cumsum(columns[:, 1:], axis=0)])
        before = self._upto(0)
        self.bought_before, self.returned_before = before[:, 0], before[:, 1]

    def _upto(self, shift: int) -> Column:
        """Bought and returned before so many days after each row's tick, shape (rows, 2)."""
        found, out = self._found, np.zeros((len(self._found.ticks), 2))
        order = np.argsort(found.customers, kind="stable")
        places, starts = np.unique(found.customers[order], return_index=True)
        for place, rows in zip(places.tolist(), np.split(order, starts[1:]), strict=True):
            until = np.searchsorted(self._days[place], found.ticks[rows] + shift, "left")
            out[rows] = self._sums[place][until]
        return out

    def net(self, since: int, until: int) -> Column:
        """Bought less returned in [tick + since, tick + until) days, shape (rows,)."""
        sums = self._upto(until) - self._upto(since)
        return np.asarray(sums[:, 0] - sums[:, 1])
