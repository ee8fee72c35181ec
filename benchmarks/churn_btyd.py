"""Peers: BG/NBD, MBG/NBD and Pareto/NBD as the library `lifetimes` fits them, without a penalty.

Fader, Hardie and Lee 2005, "Counting your customers the easy way", Marketing Science 24; Batislam, Denizel and
Filiztekin 2007, "Empirical validation and comparison of models for customer base analysis", International Journal of
Research in Marketing 24; Schmittlein, Morrison and Colombo 1987, "Counting your customers", Management Science 33.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np

from benchmarks.churn_refits import Estimates, Predict, refitted
from benchmarks.churn_table import Column, Table


def bg_nbd(table: Table) -> Estimates:
    from lifetimes import BetaGeoFitter

    return refitted(table, _fitted(table, BetaGeoFitter, _geometric))


def mbg_nbd(table: Table) -> Estimates:
    from lifetimes import ModifiedBetaGeoFitter

    return refitted(table, _fitted(table, ModifiedBetaGeoFitter, _geometric))


def pareto_nbd(table: Table) -> Estimates:
    from lifetimes import ParetoNBDFitter

    return refitted(table, _fitted(table, ParetoNBDFitter, _pareto))


def _fitted(
    table: Table, fitter: Callable[[], Any], silent: Callable[[Any, Column, Column, Column, float], Column]
) -> Callable[[int], Predict | None]:
    """A fit to all customers seen before a tick, lapsed ones too."""
    from lifetimes.utils import ConvergenceError

    def fit(tick: int) -> Predict | None:
        model = fitter()
        rows = table.ticks == tick
        # The library prints a fit that does not converge as well as raising.
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                model.fit(table.x[rows], table.last[rows], table.age[rows])
            except ConvergenceError:
                return None

        def predict(rows: Sequence[int]) -> Column:
            with np.errstate(all="ignore"):
                found = silent(model, table.x[rows], table.last[rows], table.age[rows], table.horizon / 7.0)
            return np.clip(np.nan_to_num(found, nan=0.5), 0.0, 1.0)

        return predict

    return fit


def _geometric(model: Any, x: Column, last: Column, age: Column, horizon: float) -> Column:
    """Gone already, or alive and silent (a customer leaves just after a purchase only)."""
    alive = np.asarray(model.conditional_probability_alive(x, last, age), dtype=np.float64)
    return silent_if_geometric(alive, x, age, horizon, float(model.params_["r"]), float(model.params_["alpha"]))


def silent_if_geometric(alive: Column, x: Column, age: Column, horizon: float, r: float, alpha: float) -> Column:
    """P(no purchase in the next `horizon` weeks) of BG/NBD and MBG/NBD, from P(alive)."""
    quiet: Column = ((alpha + age) / (alpha + age + horizon)) ** (r + x)
    return 1.0 - alive + alive * quiet


def _pareto(model: Any, x: Column, last: Column, age: Column, horizon: float) -> Column:
    none = model.conditional_probability_of_n_purchases_up_to_time(0, horizon, x, last, age)
    return np.asarray(none, dtype=np.float64)
