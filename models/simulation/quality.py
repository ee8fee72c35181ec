"""Quality metrics of a table of predictions, one row per customer and scoring time.

A decision's `churned` (0 or 1) says whether the customer stayed away for the whole horizon from the tick on;
`probability` is what was predicted at the tick. All columns have the shape (decisions,). Nothing here decides or
learns, so NumPy's sums will do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Column = NDArray[np.float64]

BINS = 15
"""Of equal mass, for the calibration error: few enough that chance hardly adds to it, many enough to see a bend."""

FLOOR = 1e-4
"""Probabilities count as at least this far from 0 and 1, so that one sure miss does not decide the log-loss."""


class Quality(NamedTuple):
    """How good predictions were. Lower is better but for the two AUC; nan where there is only one class."""

    decisions: int
    churn_rate: float
    auc: float
    """Of all decisions together: ranking of customers and of ticks."""
    auc_within_tick: float
    """Mean over the ticks that have both classes: ranking of customers alone."""
    log_loss: float
    brier: float
    ece: float
    """Expected calibration error, over `BINS` bins of equal mass."""
    tick_bias: float
    """Mean over ticks of |mean probability - churn rate|: how well the level follows the season."""


class Ticks(NamedTuple):
    """Quality by tick, columns of shape (ticks,), ticks rising."""

    tick: NDArray[Any]
    decisions: NDArray[np.int64]
    churn_rate: Column
    predicted: Column
    """Mean probability; less `churn_rate` it is the tick's bias."""
    auc: Column
    log_loss: Column


class Calibration(NamedTuple):
    """Decisions by rising probability in bins of equal mass, columns of shape (bins,), without empty bins."""

    decisions: NDArray[np.int64]
    predicted: Column
    observed: Column


def quality(tick: ArrayLike, churned: ArrayLike, probability: ArrayLike) -> Quality:
    """The whole table in a few numbers. `tick`: anything that sorts.

    Raises ValueError for a table without rows, columns of different lengths, labels other than 0 and 1, and
    probabilities outside of 0 to 1 (nan is).
    """
    labels, predicted = _checked(churned, probability)
    clipped = _clip(predicted)
    ticks = by_tick(tick, labels, predicted)
    ranked = ticks.auc[~np.isnan(ticks.auc)]
    return Quality(
        decisions=len(labels),
        churn_rate=float(labels.mean()),
        auc=auc(labels, clipped),
        auc_within_tick=float(ranked.mean()) if len(ranked) else float("nan"),
        log_loss=_log_loss(labels, clipped),
        brier=float(((labels - clipped) ** 2).mean()),
        ece=calibration_error(labels, clipped),
        tick_bias=float(np.abs(ticks.predicted - ticks.churn_rate).mean()),
    )


def by_tick(tick: ArrayLike, churned: ArrayLike, probability: ArrayLike) -> Ticks:
    """Quality at each tick, to be drawn over time. Raises ValueError as `quality` does."""
    labels, predicted = _checked(churned, probability)
    stamps = np.asarray(tick)
    if stamps.shape != labels.shape:
        raise ValueError(f"{stamps.shape} ticks for {labels.shape} decisions")
    order = np.argsort(stamps, kind="stable")
    values, starts = np.unique(stamps[order], return_index=True)
    parts = [(labels[rows], predicted[rows]) for rows in np.split(order, starts[1:])]
    return Ticks(
        values,
        np.array([len(y) for y, _ in parts], dtype=np.int64),
        np.array([y.mean() for y, _ in parts]),
        np.array([p.mean() for _, p in parts]),
        np.array([auc(y, p) for y, p in parts]),
        np.array([_log_loss(y, _clip(p)) for y, p in parts]),
    )


def auc(churned: ArrayLike, probability: ArrayLike) -> float:
    """Area under the ROC curve: probability that a churner was ranked above a stayer, ties counting half (Hanley and
    McNeil 1982, Radiology 143). nan when there is one class only.

    >>> auc([1, 0, 1, 0], [0.9, 0.1, 0.5, 0.5])
    0.875
    """
    labels, predicted = np.asarray(churned) == 1, np.asarray(probability, dtype=np.float64)
    stayers = np.sort(predicted[~labels])
    churners = predicted[labels]
    if not len(stayers) or not len(churners):
        return float("nan")
    below = np.searchsorted(stayers, churners, "left")
    up_to = np.searchsorted(stayers, churners, "right")
    return int(below.sum() + up_to.sum()) / (2 * len(stayers) * len(churners))


def calibration_curve(churned: ArrayLike, probability: ArrayLike, bins: int = BINS) -> Calibration:
    """Mean probability and churn rate bin by bin. Equal probabilities may fall in two bins, by the order of the rows.

    Raises ValueError as `quality` does.
    """
    labels, predicted = _checked(churned, probability)
    clipped = _clip(predicted)
    parts = [rows for rows in np.array_split(np.argsort(clipped, kind="stable"), bins) if len(rows)]
    return Calibration(
        np.array([len(rows) for rows in parts], dtype=np.int64),
        np.array([clipped[rows].mean() for rows in parts]),
        np.array([labels[rows].mean() for rows in parts]),
    )


def calibration_error(churned: ArrayLike, probability: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of the calibration curve from the diagonal, by decisions (Naeini,
    Cooper and Hauskrecht 2015, AAAI; with bins of equal mass)."""
    curve = calibration_curve(churned, probability, bins)
    away = curve.decisions * np.abs(curve.observed - curve.predicted)
    return float(away.sum() / curve.decisions.sum())


def _log_loss(labels: Column, clipped: Column) -> float:
    return float(-(labels * np.log(clipped) + (1.0 - labels) * np.log(1.0 - clipped)).mean())


def _clip(probability: Column) -> Column:
    clipped: Column = np.clip(probability, FLOOR, 1.0 - FLOOR)
    return clipped


def _checked(churned: ArrayLike, probability: ArrayLike) -> tuple[Column, Column]:
    labels, predicted = np.asarray(churned, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != predicted.shape or not len(labels):
        raise ValueError(f"{labels.shape} labels and {predicted.shape} probabilities: as many of each, at least one")
    if not ((labels == 0.0) | (labels == 1.0)).all():
        raise ValueError("a label is neither 0 nor 1")
    if not ((predicted >= 0.0) & (predicted <= 1.0)).all():
        raise ValueError("a probability is not between 0 and 1")
    return labels, predicted
