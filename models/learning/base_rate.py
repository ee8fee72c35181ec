"""Warns when the churn rate is above the trigger threshold `enter`: nearly every customer would trigger then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.settings import DAY, EngineSettings

LEAST_LABELS = 30
"""Outcomes below which a rate says little: at 30 its standard error is at most .09."""

REMEDY = (
    "a longer horizon (RETENTION_HORIZON_DAYS), in which nearly every active customer gives a sign, or a higher "
    "threshold (RETENTION_ENTER); `retention rehearse LOG --horizon-days N --enter P` shows what comes of it"
)


def above_threshold(quality: Mapping[str, Any], settings: EngineSettings) -> str | None:
    """What is wrong with the horizon or the threshold, None: nothing that can be seen yet.

    quality: of a model version (`Prequential.summary`), or of an evaluation: `churn_rate`, `labels` or `decisions`,
    and `mean_predicted` where it is known.
    """
    labels = quality.get("labels") or quality.get("decisions") or 0
    rate = quality.get("churn_rate")
    if rate is None or labels < LEAST_LABELS or rate < settings.enter:
        return None
    predicted = quality.get("mean_predicted")
    foreseen = "" if predicted is None else f", {predicted:.2f} was predicted on average"
    return (
        f"the churn rate is {rate:.2f}: so many of {labels:,.0f} outcomes were no sign of staying ({settings.alive}) "
        f"within the horizon of {settings.horizon / DAY:g} days{foreseen}; that is above enter ({settings.enter:g}), "
        "so nearly everybody is at risk and triggers at once"
    )


def warnings(quality: Mapping[str, Any], settings: EngineSettings) -> list[str]:
    """Lines that warn and say what to do; none where there is nothing to warn of."""
    told = above_threshold(quality, settings)
    return [] if told is None else [f"warning: {told}", f"remedy: {REMEDY}"]
