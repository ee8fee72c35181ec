"""A picture of what policies would have brought on a log."""

from __future__ import annotations

from pathlib import Path

from models.simulation.logged_values import Report
from streams.history.evaluation.plots import axes_of, save

TWO_SIDED = 1.96
MOST_SHOWN = 24


def draw(folder: Path, report: Report, reward: str) -> list[Path]:
    """Write values.png into `folder`: a bar of 95 % for each policy, the best on top; those without overlap are left
    out. Gives its path."""
    shown = sorted((one for one in report.policies if one.value.overlap), key=lambda one: one.value.snips)[-MOST_SHOWN:]
    figure, axes = axes_of("What a row brings", f"{reward}, self-normalised, 95 %", "")
    for place, one in enumerate(shown):
        colour = "C0" if one.kind == "constant" else "0.5" if one.kind == "random" else "C1"
        axes.errorbar(one.value.snips, place, xerr=TWO_SIDED * one.value.snips_se, fmt="o", color=colour, capsize=3)
    axes.set_yticks(range(len(shown)), [one.name if len(one.name) <= 24 else f"{one.name[:23]}…" for one in shown])
    return [save(figure, folder / "values.png")]
