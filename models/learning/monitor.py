"""Model monitoring: calibration by customer group, and drift detection (ADWIN).

Drift is told by ADWIN (Bifet and Gavaldà 2007, "Learning from time-changing data with adaptive windowing", SDM), which
keeps a window for as long as its two ends look alike: of the losses, and of what came less what was expected, which is
the calibration.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from river import drift

from models.churn.challengers.river_plain_data import from_plain, to_plain
from models.churn.plain_data import is_finite
from models.churn.port import Outcomes
from models.churn.snapshot import SnapshotRefused
from models.features.basis import COLUMNS, TENURE_COLUMN
from models.learning.prequential import Prequential

GROUPS: Final = {
    "new": (0.0, 91.0),
    "known": (91.0, 365.0),
    "old": (365.0, float("inf")),
}
"""Customers by tenure, days."""
VALUES: Final = {"small": (0.0, 3.0), "middle": (3.0, 5.0), "large": (5.0, float("inf"))}
"""Customers by value: the log of what they spend on a purchase day, which is 20 and 150 at the borders."""
_AMOUNT_COLUMN = COLUMNS.index("amount_mean")


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_sum(value: Any) -> bool:
    return is_finite(value) and 0 <= value < 2**63


def _is_group(group: object) -> bool:
    if not isinstance(group, list) or len(group) != 3:
        return False
    labels, expected, churned = group
    return _is_sum(labels) and _is_sum(churned) and is_finite(expected)


class Watch:
    """Of one model. Calibration of a group: labels, what was expected of them, what came."""

    def __init__(self) -> None:
        self.quality = Prequential()
        self.groups: dict[str, list[float]] = {name: [0, 0.0, 0] for name in (*GROUPS, *VALUES)}
        self.loss: Any = drift.ADWIN()  # type: ignore[no-untyped-call]  # of River
        self.calibration: Any = drift.ADWIN()  # type: ignore[no-untyped-call]  # of River
        self.drifts = {"loss": 0, "calibration": 0}

    def add(self, churned: Outcomes, expected: NDArray[np.float64]) -> None:
        """Labels of the horizon, with what the model had expected at their observation. For drift each counts once."""
        weights = churned.weights
        for columns, borders in ((TENURE_COLUMN, GROUPS), (_AMOUNT_COLUMN, VALUES)):
            values = churned.bases[:, columns]
            for name, (low, high) in borders.items():
                mine = (values >= low) & (values < high)
                group = self.groups[name]
                if weights is None:
                    group[0] += int(mine.sum())
                    group[1] += float(expected[mine].sum())
                    group[2] += int(churned.truths[mine].sum())
                else:
                    group[0] += float(weights[mine].sum())
                    group[1] += float((weights * expected)[mine].sum())
                    group[2] += float((weights * churned.truths)[mine].sum())
        counts = [1] * len(expected) if weights is None else weights.tolist()
        for p, truth, count in zip(expected.tolist(), churned.truths.tolist(), counts, strict=True):
            self.quality.add(p, truth, count)
            for name, detector, value in (
                ("loss", self.loss, (p - truth) ** 2),
                ("calibration", self.calibration, 0.5 + 0.5 * (truth - p)),
            ):
                detector.update(value)
                self.drifts[name] += detector.drift_detected

    def summary(self) -> dict[str, Any]:
        """What a version says."""
        return {
            **self.quality.summary(),
            "drifts": self.drifts.copy(),
            "groups": {
                name: {"labels": round(labels), "expected": expected / labels, "churned": churned / labels}
                for name, (labels, expected, churned) in self.groups.items()
                if labels
            },
        }

    def state(self) -> dict[str, Any]:
        return {
            "quality": self.quality.state(),
            "groups": {name: list(group) for name, group in self.groups.items()},
            "loss": to_plain(self.loss),
            "calibration": to_plain(self.calibration),
            "drifts": self.drifts.copy(),
        }

    def restore(self, state: Any) -> None:
        """Become the watch of the state. Raises SnapshotRefused, changing nothing."""
        if not isinstance(state, dict):
            raise SnapshotRefused(f"{state!r:.100} is no watch over a model")
        quality = Prequential.from_state(state.get("quality"))
        groups, drifts = state.get("groups"), state.get("drifts")
        if (
            not isinstance(groups, dict)
            or groups.keys() != self.groups.keys()
            or not all(map(_is_group, groups.values()))
        ):
            raise SnapshotRefused(f"groups is {groups!r:.200}; it must hold labels, expected and churned of each")
        if (
            not isinstance(drifts, dict)
            or drifts.keys() != self.drifts.keys()
            or not all(map(_is_count, drifts.values()))
        ):
            raise SnapshotRefused(f"drifts is {drifts!r:.200}; it must count those of loss and calibration")
        loss, calibration = from_plain(state.get("loss")), from_plain(state.get("calibration"))
        if not isinstance(loss, drift.ADWIN) or not isinstance(calibration, drift.ADWIN):
            raise SnapshotRefused("the detectors of drift are not those of this release")
        self.quality, self.groups, self.drifts = quality, groups, drifts
        self.loss, self.calibration = loss, calibration
