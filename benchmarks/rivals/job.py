"""The job that both rivals do, in numbers: the weights of one logistic score, its thresholds, the bytes of a record.

The weights are made by hand, with the signs that a model of churn has and none of them zero: a rival learns nothing,
but it pays for every feature. The Java application gets all of this as a properties file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.customer.layout import SLAB
from models.touchpoints.kinds import Kind

RECORD_BYTES: Final = SLAB.itemsize
"""As many as the engine's record has: both move as much through their stores as the engine does."""

WEIGHTS: Final[dict[str, float]] = {
    "constant": -1.5,
    "recency": 0.35,
    "frequency": -0.45,
    "recency_over_7d": 0.1,
    "recency_over_14d": 0.15,
    "recency_over_28d": 0.1,
    "recency_over_56d": 0.05,
    "frequency_over_2": -0.1,
    "frequency_over_4": -0.1,
    "frequency_over_8": -0.1,
    "purchases_14d": -0.06,
    "purchases_28d": -0.08,
    "purchases_56d": -0.1,
    "purchases_112d": -0.08,
    "purchases_224d": -0.05,
    "overdue": 0.5,
    "overdue_over_-1": 0.04,
    "overdue_over_-0.5": 0.05,
    "overdue_over_0": 0.06,
    "overdue_over_0.5": 0.07,
    "overdue_over_1": 0.08,
    "overdue_over_1.5": 0.09,
    "overdue_over_2": 0.1,
    "beyond_longest_gap": 0.12,
    "renewal_odds": -0.25,
    "delay": 0.2,
    "delay_over_0": 0.1,
    "amount_trend": -0.05,
    "amount_lately": -0.05,
    "amount_mean": -0.03,
    "quantity": -0.02,
    "baskets": -0.05,
    "first_amount": -0.02,
    "open_cases": 0.1,
    "oldest_case": 0.05,
    "complaints": 0.4,
    "sentiment": -0.3,
    "payment_failures": 0.3,
    "unsubscribes": 0.4,
    "visits": -0.08,
    "opens": -0.06,
    "presence": -0.03,
    "returns": 0.2,
    "campaigns": 0.02,
}
"""By feature, in the order in which both rivals fill them in."""

ENTER: Final = 0.8
EXIT: Final = 0.65
"""An episode opens at the first and closes below the second."""

MEANS: Final = {"amount": 3.6, "quantity": 1.1, "baskets": 0.02}
"""What an average customer buys: logarithms of 1 + amount and 1 + quantity, and of the baskets of a day."""


def write_properties(path: Path) -> None:
    """The job as a Java properties file."""
    lines = [f"weight.{name}={weight!r}" for name, weight in WEIGHTS.items()]
    lines += [f"mean.{name}={mean!r}" for name, mean in MEANS.items()]
    lines += [f"enter={ENTER!r}", f"exit={EXIT!r}", f"record.bytes={RECORD_BYTES}"]
    lines += [f"kind.{kind.type}={int(kind)}" for kind in Kind]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
