"""Plots of an evaluation: calibration, ranking over time, bias over time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.simulation.quality import by_tick, calibration_curve
from streams.history.evaluation.outcomes import Table

INCHES = (7.0, 4.5)
DOTS_PER_INCH = 120


def draw(folder: Path, table: Table) -> list[Path]:
    """Write calibration.png, auc.png and bias.png into `folder`; gives their paths. No decisions, no pictures."""
    if not len(table.ticks):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    over_time = by_tick(table.ticks, table.churned, table.probabilities)
    days = [datetime.fromtimestamp(tick / 1000, UTC) for tick in over_time.tick.tolist()]
    curve = calibration_curve(table.churned, table.probabilities)

    figure, axes = axes_of("Calibration", "predicted probability of churn", "share that churned")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(curve.predicted, curve.observed, marker="o")
    paths = [save(figure, folder / "calibration.png")]

    figure, axes = axes_of("Ranking by week", "", "AUC within the tick")
    axes.plot(days, over_time.auc)
    paths.append(save(figure, folder / "auc.png"))

    figure, axes = axes_of("Level by week", "", "share of customers")
    axes.plot(days, over_time.predicted, label="predicted to churn")
    axes.plot(days, over_time.churn_rate, label="churned")
    axes.legend(frameon=False)
    paths.append(save(figure, folder / "bias.png"))
    return paths


def axes_of(title: str, x: str, y: str) -> tuple[Any, Any]:
    """A figure and its axes, with their titles."""
    from matplotlib.figure import Figure  # takes half a second, and is needed here alone

    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save(figure: Any, path: Path) -> Path:
    """Write a figure; gives its path."""
    figure.savefig(path, dpi=DOTS_PER_INCH)
    return path
