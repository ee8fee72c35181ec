"""Peers of the value model: customer-base models with Gamma-Gamma, boosted trees, and the spend of the last horizon.

Gamma-Gamma: Fader, Hardie and Lee 2005, "RFM and CLV: using iso-value curves for customer base analysis", Journal of
Marketing Research 42, on gross amounts of all purchase days; both as the library `lifetimes` fits them, without a
penalty, times the population's net share. Trees: LightGBM with the Tweedie loss, power 1.5, which is what is scored.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np

from benchmarks.churn_lightgbm import SETTINGS
from benchmarks.churn_refits import Estimates, Predict, refitted
from benchmarks.churn_table import Column
from benchmarks.value_table import ValueTable

REGRESSION: dict[str, Any] = {
    **SETTINGS,
    "n_estimators": 300,
    "objective": "tweedie",
    "tweedie_variance_power": 1.5,
}
"""Of the churn peer, with more trees: a hundred stay near the mean with this loss."""
MOST_VISITS_A_DAY = 1.0


def spend_lately(table: ValueTable) -> Estimates:
    """What was spent in the horizon before will be spent in the next one."""
    due = table.rows.due
    return Estimates(np.where(due, np.maximum(table.lately, 0.0), np.nan), 0, 0.0, 0.0)


def bg_nbd(table: ValueTable) -> Estimates:
    from lifetimes import BetaGeoFitter

    return refitted(table.rows, _fitted(table, BetaGeoFitter), _nothing_known(table))


def mbg_nbd(table: ValueTable) -> Estimates:
    from lifetimes import ModifiedBetaGeoFitter

    return refitted(table.rows, _fitted(table, ModifiedBetaGeoFitter), _nothing_known(table))


def pareto_nbd(table: ValueTable) -> Estimates:
    from lifetimes import ParetoNBDFitter

    return refitted(table.rows, _fitted(table, ParetoNBDFitter), _nothing_known(table))


def lightgbm(table: ValueTable) -> Estimates:
    return _trees(table, 7)


def lightgbm_15(table: ValueTable) -> Estimates:
    """With larger trees: better on some logs."""
    return _trees(table, 15)


def _nothing_known(table: ValueTable) -> Column:
    return np.maximum(table.lately, 0.0)


def _fitted(table: ValueTable, fitter: Callable[[], Any]) -> Callable[[int], Predict | None]:
    """Fits of counts and amounts to all customers seen before a tick, lapsed ones too."""
    from lifetimes import GammaGammaFitter
    from lifetimes.utils import ConvergenceError

    found, horizon = table.rows, table.rows.horizon / 7.0

    def fit(tick: int) -> Predict | None:
        counts, amounts = fitter(), GammaGammaFitter()
        rows = np.flatnonzero(found.ticks == tick)
        paid = rows[(table.gross[rows] > 0.0) & (found.x[rows] > 0.0)]
        # The library prints a fit that does not converge as well as raising.
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                counts.fit(found.x[rows], found.last[rows], found.age[rows])
                amounts.fit(found.x[paid] + 1.0, table.gross[paid])
            except (ConvergenceError, ValueError):
                return None

        def predict(chosen: Sequence[int]) -> Column:
            at = np.array(chosen)
            x, last, age = found.x[at], found.last[at], found.age[at]
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                visits = counts.conditional_expected_number_of_purchases_up_to_time(horizon, x, last, age)
                spend = amounts.conditional_expected_average_profit(x + 1.0, np.maximum(table.gross[at], 1e-6))
            days = np.clip(np.nan_to_num(np.asarray(visits, np.float64)), 0.0, MOST_VISITS_A_DAY * 7 * horizon)
            paid_a_day = np.maximum(np.nan_to_num(np.asarray(spend, np.float64)), 0.0)
            return np.asarray(days * paid_a_day * table.net[at])

        return predict

    return fit


def _trees(table: ValueTable, leaves: int) -> Estimates:
    from lightgbm import LGBMRegressor

    def fit(tick: int) -> Predict | None:
        known = table.rows.known(tick)
        labels = np.maximum(table.actual[known], 0.0)
        if not len(labels) or not labels.sum() > 0.0:
            return None
        model = LGBMRegressor(**{**REGRESSION, "num_leaves": leaves}).fit(table.features[known], labels)

        def predict(rows: Sequence[int]) -> Column:
            return np.asarray(model.predict(table.features[rows]), dtype=np.float64)

        return predict

    return refitted(table.rows, fit, _nothing_known(table))
