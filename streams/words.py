"""Times and qualities as text, for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def quality(told: Mapping[str, Any]) -> str:
    """Prequential quality of a model version (`Prequential.summary`)."""
    labels = round(told.get("labels") or 0)
    if not labels:
        return "no label matured yet"
    parts = [f"AUC {told['auc']:.3f}"] if told.get("auc") is not None else []
    if told.get("log_loss") is not None:
        parts.append(f"log-loss {told['log_loss']:.3f}")
    return f"{', '.join(parts)} over {labels:,} labels"


def moment(ms: float) -> str:
    """Log time, UTC, to the second; a day alone at midnight."""
    text = datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return text.removesuffix(" 00:00:00")
