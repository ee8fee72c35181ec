"""Prequential quality: every matured label is scored against what was predicted before it was known.

Dawid (1984), "Statistical theory: the prequential approach". Predictions are what was said when the example
was taken, by the version in force or by that week's (models.learning.past_versions), so this is the quality that
decisions have. Plain data throughout: it travels in the model version.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

from models.churn.plain_data import is_finite
from models.churn.snapshot import SnapshotRefused

BINS = 100
_FLOOR = 1e-4


class Prequential:
    """Log-loss, Brier score and ROC-AUC over all matured labels; AUC from `BINS` equal bins of probability."""

    def __init__(self) -> None:
        self.count: float = 0
        self.churned: float = 0
        self.log_loss_sum = 0.0
        self.brier_sum = 0.0
        self.predicted_sum = 0.0
        self.positives: list[float] = [0] * BINS
        self.negatives: list[float] = [0] * BINS

    def add(self, predicted: float, churned: bool, weight: float = 1) -> None:
        """One matured label: the probability of churn predicted for it, what came, and how often it counts."""
        p = min(max(predicted, _FLOOR), 1.0 - _FLOOR)
        self.count += weight
        self.churned += weight * churned
        self.predicted_sum += weight * p
        self.log_loss_sum -= weight * (log(p) if churned else log(1.0 - p))
        self.brier_sum += weight * (p - churned) ** 2
        (self.positives if churned else self.negatives)[min(int(p * BINS), BINS - 1)] += weight

    @property
    def auc(self) -> float | None:
        """Probability that a churner was ranked above a stayer; ties within a bin count half. None: one class only."""
        stayers = sum(self.negatives)
        if not self.churned or not stayers:
            return None
        below, won = 0.0, 0.0
        for positive, negative in zip(self.positives, self.negatives, strict=True):
            won += positive * (below + 0.5 * negative)
            below += negative
        return won / (self.churned * stayers)

    @property
    def log_loss(self) -> float | None:
        return self.log_loss_sum / self.count if self.count else None

    def summary(self) -> dict[str, Any]:
        """What a version says of its quality so far."""
        n = self.count
        return {
            "labels": round(n),
            "log_loss": self.log_loss,
            "brier": self.brier_sum / n if n else None,
            "auc": self.auc,
            "churn_rate": self.churned / n if n else None,
            "mean_predicted": self.predicted_sum / n if n else None,
        }

    def state(self) -> list[float | Sequence[float]]:
        """Plain data for a snapshot; `from_state` is the inverse."""
        return [
            self.count,
            self.churned,
            self.log_loss_sum,
            self.brier_sum,
            self.predicted_sum,
            list(self.positives),
            list(self.negatives),
        ]

    @classmethod
    def from_state(cls, state: Any) -> Prequential:
        """Raises SnapshotRefused for what is no state."""
        if not isinstance(state, list) or len(state) != 7 or not all(map(is_finite, state[:5])):
            raise SnapshotRefused(f"{state!r:.100} is no quality so far")
        for counts in state[5:]:
            if not isinstance(counts, list) or len(counts) != BINS or not all(is_finite(n) and n >= 0 for n in counts):
                raise SnapshotRefused(f"{counts!r:.100} must be {BINS} counts")
        new = cls()
        new.count, new.churned, new.log_loss_sum, new.brier_sum, new.predicted_sum, positives, negatives = state
        new.positives, new.negatives = list(positives), list(negatives)
        return new
