"""The engine's row: the predictions that `retention evaluate` writes of the same log."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.churn_refits import Estimates
from benchmarks.churn_table import Table
from streams.history.datasets import COLUMNS, LogRow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def engine(table: Table, rows: Iterable[LogRow], folder: Path) -> Estimates:
    """Run `retention evaluate` on the log, in another process. `folder` takes the log and the predictions."""
    log, out = folder / "log.csv", folder / "predictions.csv"
    write(rows, log)
    command = [sys.executable, "-m", "streams.cli", "evaluate", str(log), "--horizon-days", str(table.horizon)]
    done = subprocess.run([*command, "--out", str(out), "--json"], check=True, stdout=subprocess.PIPE)
    cost = msgspec.json.decode(done.stdout)["cost"]
    return Estimates(predicted(table, out), 0, 0.0, float(cost["us_per_score"]))


def write(rows: Iterable[LogRow], log: Path) -> None:
    """A canonical log, times in UTC to the millisecond."""
    with log.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            when = (EPOCH + timedelta(milliseconds=row.ts)).isoformat(timespec="milliseconds")
            writer.writerow((row.customer_id, when, row.type, repr(row.amount), repr(row.qty)))


def predicted(table: Table, predictions: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Probabilities of the due decisions, nan elsewhere. Raises KeyError for a decision without a prediction."""
    found: dict[tuple[str, str], float] = {}
    with predictions.open(encoding="utf-8", newline="") as text:
        for line in csv.DictReader(text):
            found[line["customer_id"], line["tick"]] = float(line["probability"])
    probabilities = np.full(len(table.ticks), np.nan)
    for row in np.flatnonzero(table.due).tolist():
        day = EPOCH + timedelta(days=table.zero + int(table.ticks[row]))
        probabilities[row] = found[table.names[table.customers[row]], day.strftime("%Y-%m-%d")]
    return probabilities
