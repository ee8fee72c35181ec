"""Plots of what thresholds would have done: how many losses are seen, at what price, and how late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from models.simulation.thresholds import Operating
from streams.history.evaluation.plots import axes_of, save


def draw(folder: Path, found: Mapping[str, Sequence[Operating]]) -> list[Path]:
    """Write losses_seen.png and silence.png into `folder`, a line for each group of customers; gives their paths."""
    figure, axes = axes_of(
        "Losses seen, and how often rightly", "share of losses seen", "share of those spoken to who left"
    )
    for name, rows in found.items():
        axes.plot(
            [row.caught for row in rows], [row.left for row in rows], marker=".", label=f"days with a sign: {name}"
        )
        for row in rows[::5]:
            axes.annotate(f"{row.threshold:.2f}", (row.caught, row.left), fontsize=8)
    axes.legend(frameon=False)
    paths = [save(figure, folder / "losses_seen.png")]

    figure, axes = axes_of("How long they had been silent", "threshold", "days, median")
    for name, rows in found.items():
        axes.plot([row.threshold for row in rows], [row.median_days for row in rows], label=f"days with a sign: {name}")
    axes.legend(frameon=False)
    paths.append(save(figure, folder / "silence.png"))
    return paths
