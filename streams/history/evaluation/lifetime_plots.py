"""Plots of an evaluation of values: by decile, the Lorenz curve, the level over time, and the top tiers found."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.simulation.value_quality import TOPS, lorenz, value_groups, value_quality, values_by_tick
from streams.history.evaluation.plots import axes_of, save
from streams.history.evaluation.values import ValueTable


def draw(folder: Path, table: ValueTable) -> list[Path]:
    """Write value_deciles.png, value_lorenz.png, value_level.png and value_tiers.png into `folder`; gives their paths.

    No decisions with any spend, no pictures."""
    if not len(table.ticks) or not table.actual.sum() > 0.0:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    groups = value_groups(table.actual, table.values)
    figure, axes = axes_of("Value and spend, by decile of value", "decile, lowest value first", "mean of a customer")
    at = np.arange(1, len(groups.predicted) + 1)
    axes.bar(at - 0.2, groups.predicted, 0.4, color="0.75", label="expected")
    axes.bar(at + 0.2, groups.actual, 0.4, label="spent")
    axes.set_xticks(at)
    axes.legend(frameon=False)
    paths = [save(figure, folder / "value_deciles.png")]

    quality = value_quality(table.ticks, table.actual, table.values)
    figure, axes = axes_of(f"Lorenz curve: Gini {quality.gini:.3f}", "share of customers, by value", "share of spend")
    share = np.linspace(0.0, 1.0, len(table.values) + 1)[1:]
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(share, lorenz(table.actual, table.actual), color="0.7", label="had one known what they spend")
    axes.plot(share, lorenz(table.actual, table.values), label="by value")
    axes.legend(frameon=False, loc="lower right")
    paths.append(save(figure, folder / "value_lorenz.png"))

    ticks = values_by_tick(table.ticks, table.actual, table.values)
    days = [datetime.fromtimestamp(tick / 1000, UTC) for tick in ticks.tick.tolist()]
    figure, axes = axes_of("Level by week", "", "a customer's mean over the horizon")
    axes.plot(days, ticks.predicted / ticks.customers, label="expected")
    axes.plot(days, ticks.actual / ticks.customers, label="spent")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    paths.append(save(figure, folder / "value_level.png"))

    figure, axes = axes_of("Top customers found", "", "share of the true top found in the predicted top")
    axes.bar([f"top {top} %" for top in TOPS], [quality.found_1, quality.found_5, quality.found_20], width=0.5)
    axes.set_ylim(0, 1)
    paths.append(save(figure, folder / "value_tiers.png"))
    return paths
