"""When a batch peer is fitted again: every 28 days, and every week for the first eight after its first fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

import numpy as np

from benchmarks.churn_table import Column, Table

REFIT_DAYS = 28
OFTEN_DAYS = 7
OFTEN_UNTIL_DAYS = 56
NOTHING_KNOWN = 0.5
"""The probability that a peer without a fit is given."""

Predict = Callable[[Sequence[int]], Column]
"""Probabilities of some rows of the table."""


class Estimates(NamedTuple):
    """probabilities: shape (rows,), nan where no decision is due. What it cost, in microseconds on this machine."""

    probabilities: Column
    fits: int
    fit_seconds: float
    us_per_score: float


def refitted(table: Table, fit: Callable[[int], Predict | None], nothing_known: Column | None = None) -> Estimates:
    """Predictions of every due decision by the newest fit.

    Args:
        table: the log.
        fit: of what is known at a tick; None if that is not enough: then the last fit stands, or what is said while
            nothing is known.
        nothing_known: that, of every row; None: a half.
    """
    probabilities = np.full(len(table.ticks), np.nan)
    first: int | None = None
    newest = 0
    made: Predict | None = None
    fits, fitting, scoring, scored = 0, 0.0, 0.0, 0
    for tick in table.due_ticks():
        often = first is None or tick - first <= OFTEN_UNTIL_DAYS
        if first is None or tick - newest >= (OFTEN_DAYS if often else REFIT_DAYS):
            begun = perf_counter()
            better = fit(tick)
            fitting += perf_counter() - begun
            fits += 1
            newest = tick
            if better is not None:
                made = better
                first = tick if first is None else first
        rows = np.flatnonzero(table.at(tick))
        begun = perf_counter()
        if made is None:
            probabilities[rows] = NOTHING_KNOWN if nothing_known is None else nothing_known[rows]
        else:
            probabilities[rows] = made(rows.tolist())
        if made is not None:
            scoring += perf_counter() - begun
            scored += len(rows)
    return Estimates(probabilities, fits, fitting, 1e6 * scoring / max(scored, 1))
