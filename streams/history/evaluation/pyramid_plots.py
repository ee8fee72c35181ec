"""Plots of the customer pyramid: what each tier's share is, and where the cuts lie among the values."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.value.pyramid import value_of
from streams.history.evaluation.plots import axes_of, save
from streams.history.evaluation.pyramid import Pyramid


def draw(folder: Path, pyramid: Pyramid, names: list[str]) -> list[Path]:
    """Write pyramid.png and pyramid_values.png into `folder`; gives their paths.

    names: of the tiers, from the highest down."""
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = axes_of("The customer pyramid", "share", "")
    columns: dict[str, list[float]] = {
        "customers": [float(tier.customers) for tier in pyramid.tiers],
        "value": [tier.value for tier in pyramid.tiers],
        "at risk": [tier.at_risk for tier in pyramid.tiers],
        "spent": [max(tier.spent, 0.0) for tier in pyramid.tiers],
    }
    height = 0.8 / len(columns)
    at = np.arange(len(names), dtype=np.float64)
    for number, (label, column) in enumerate(columns.items()):
        shares = np.array(column) / max(sum(column), 1e-9)
        axes.barh(at + (number - 1.5) * height, shares, height, label=label)
    axes.set_yticks(at, names)
    axes.invert_yaxis()
    axes.legend(frameon=False)
    paths = [save(figure, folder / "pyramid.png")]

    figure, axes = axes_of("Values of the customers", "value, currency of the log", "customers in a bucket")
    buckets = sorted(pyramid.histogram.counts)
    lows = [max(value_of(bucket), 0.01) for bucket in buckets]
    axes.step(lows, [pyramid.histogram.counts[bucket] for bucket in buckets], where="post")
    axes.set_xscale("log")
    for cut, name in zip(pyramid.cuts, names, strict=False):
        if cut and np.isfinite(value_of(cut)):
            axes.axvline(value_of(cut), color="0.6", linewidth=1)
            axes.annotate(name, (value_of(cut), axes.get_ylim()[1]), fontsize=8, rotation=90, va="top", ha="right")
    paths.append(save(figure, folder / "pyramid_values.png"))
    return paths
