"""The churn model beside its peers on a log that was changed: other horizons, few customers, no amounts, another pace.

python -m benchmarks.churn_robustness LOG.csv.gz --horizon-days 28 --horizon-days 91 --peers engine --peers mbg_nbd

One table: a row for each horizon and each change, the log-loss of each model from the first week on (by default the
sixth, or the week in which the first labels of the horizon are known, if that is later). Of folds it is the mean.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from xxhash import xxh3_64_intdigest

from benchmarks.churn_peers import ENGINE, PEERS, compared
from streams.history.datasets import LogRow, cdnow, read_log

Rows = Sequence[LogRow]
FOLD = 400
"""Customers of a fold, about."""
FOLDS = 3
SALT = 0x666F6C64
DEFAULT = (ENGINE, "mbg_nbd", "lightgbm")


def as_it_is(rows: Rows) -> Iterator[Rows]:
    yield rows


def folds(rows: Rows) -> Iterator[Rows]:
    """The first folds of as many as give about `FOLD` customers each; nothing of a log that has no more."""
    customers = {row.customer_id for row in rows if row.type == "purchase"}
    parts = round(len(customers) / FOLD)
    for part in range(min(parts, FOLDS) if parts > 1 else 0):
        yield [row for row in rows if xxh3_64_intdigest(row.customer_id.encode(), SALT) % parts == part]


def without_amounts(rows: Rows) -> Iterator[Rows]:
    yield [replace(row, amount=0.0, qty=0.0) for row in rows]


def purchases_only(rows: Rows) -> Iterator[Rows]:
    """Nothing of a log that has nothing else."""
    if any(row.type != "purchase" for row in rows):
        yield [row for row in rows if row.type == "purchase"]


def stretched(factor: float) -> Callable[[Rows], Iterator[Rows]]:
    def at_that_pace(rows: Rows) -> Iterator[Rows]:
        first = rows[0].ts
        yield [replace(row, ts=first + round((row.ts - first) * factor)) for row in rows]

    return at_that_pace


CHANGES: dict[str, Callable[[Rows], Iterator[Rows]]] = {
    "as it is": as_it_is,
    f"folds of {FOLD} customers": folds,
    "without amounts": without_amounts,
    "purchases only": purchases_only,
    "at half the pace": stretched(2.0),
    "at twice the pace": stretched(0.5),
}


def log_losses(rows: Rows, change: str, horizon: int, first_week: int, names: Sequence[str]) -> list[float] | None:
    """Of each model; None where the change does not apply, or the log is then too short."""
    found = []
    for part in CHANGES[change](rows):
        try:
            results = compared(part, horizon, first_week, names, lambda text: None)
        except ValueError:  # over before its first label
            return None
        qualities = [results[name]["quality"] for name in names]
        if any(quality is None for quality in qualities):
            return None
        found.append([quality["log_loss"] for quality in qualities])
    return np.mean(found, axis=0).tolist() if found else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log")
    parser.add_argument("--horizon-days", type=int, action="append", required=True, help="may be repeated")
    parser.add_argument("--first-week", type=int, help="of the log-loss that is shown")
    parser.add_argument("--change", action="append", choices=[*CHANGES], help="only these (may be repeated)")
    parser.add_argument("--peers", action="append", choices=[ENGINE, *PEERS], help="only these (may be repeated)")
    told = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rows = sorted(cdnow() if told.log == "cdnow" else read_log(Path(told.log)), key=lambda row: row.ts)
    names = told.peers or list(DEFAULT)
    print("| horizon, days | change | " + " | ".join(names) + " |\n" + "|---" * (2 + len(names)) + "|")
    for horizon in told.horizon_days:
        first = told.first_week or max(6, horizon // 7 + 2)
        for change in told.change or CHANGES:
            losses = log_losses(rows, change, horizon, first, names)
            if losses is None:
                print(f"{change}, {horizon} days: not of this log", file=sys.stderr)
                continue
            shown = " | ".join(f"{loss:.4f}".replace("0.", ".", 1) for loss in losses)
            print(f"| {horizon} | {change} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
