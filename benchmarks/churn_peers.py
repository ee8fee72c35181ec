"""The churn model beside batch peers on one log, with the same ticks, decisions and labels; prints tables.

python -m benchmarks.churn_peers LOG.csv.gz --horizon-days 91 --first-week 39
python -m benchmarks.churn_peers LOG.csv.gz --horizon-days 91 --first-week 39 --customers 100 --customers 500
python -m benchmarks.churn_peers cdnow --horizon-days 91 --peers engine --peers mbg_nbd

The peers' libraries are no dependencies of the engine; into the environment of `make install-dev`:
    .venv/bin/python -m pip install --require-hashes -r benchmarks/peers.lock
With --customers the log is cut to the first customers, each time everything is done again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.churn_btyd import bg_nbd, mbg_nbd, pareto_nbd
from benchmarks.churn_engine import engine
from benchmarks.churn_lightgbm import lightgbm
from benchmarks.churn_refits import Estimates
from benchmarks.churn_river import river_default
from benchmarks.churn_table import TICK_DAYS, Table, first_customers, table
from models.simulation.quality import quality
from streams.history.datasets import LogRow, cdnow, read_log

ENGINE = "engine"
PEERS: dict[str, Callable[[Table], Estimates]] = {
    "bg_nbd": bg_nbd,
    "mbg_nbd": mbg_nbd,
    "pareto_nbd": pareto_nbd,
    "lightgbm": lightgbm,
    "river_default": river_default,
}
YOUNG = ((2, 5), (6, 12), (13, 25))
"""First and last week of the windows by the age of the log."""
SHOWN = ("log_loss", "auc_within_tick", "auc", "ece", "tick_bias")


def compared(
    rows: Sequence[LogRow], horizon: int, first_week: int, names: Iterable[str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Quality of each model from `first_week` on and in the young weeks, and its cost. `rows` by time."""
    found = table(rows, horizon)
    results: dict[str, Any] = {}
    for name in names:
        begun = time.monotonic()
        if name == ENGINE:
            with tempfile.TemporaryDirectory() as folder:
                told = engine(found, rows, Path(folder))
        else:
            told = PEERS[name](found)
        results[name] = {
            "quality": qualities(found, told, first_week, None),
            "young": {f"{a}-{b}": qualities(found, told, a, b) for a, b in YOUNG},
            "fits": told.fits,
            "fit_seconds": round(told.fit_seconds, 3),
            "us_per_score": round(told.us_per_score, 2),
            "seconds": round(time.monotonic() - begun, 1),
        }
        say(f"{name}: {time.monotonic() - begun:.1f} s")
    return results


def qualities(found: Table, told: Estimates, first_week: int, last_week: int | None) -> dict[str, Any] | None:
    """Of the due decisions of some weeks; None if there are none."""
    weeks = found.ticks / TICK_DAYS
    rows = found.due & (weeks >= first_week) & (weeks <= (np.inf if last_week is None else last_week))
    if not rows.any():
        return None
    return quality(found.ticks[rows], found.churned[rows], told.probabilities[rows])._asdict()


def shown(results: dict[str, Any]) -> str:
    """The tables, in Markdown."""
    young = [f"{a}-{b}" for a, b in YOUNG]
    heads = ("model", *(name.replace("_", " ") for name in SHOWN), *(f"log loss, weeks {weeks}" for weeks in young))
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, result in results.items():
        parts = [_figure(result["quality"], key) for key in SHOWN]
        parts += [_figure(result["young"][weeks], "log_loss") for weeks in young]
        lines.append(f"| {name} | " + " | ".join(parts) + " |")
    return "\n".join(lines)


def _figure(found: dict[str, Any] | None, key: str) -> str:
    return "–" if found is None else f"{found[key]:.4f}".replace("0.", ".", 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log")
    parser.add_argument("--horizon-days", type=int, required=True)
    parser.add_argument("--first-week", type=int, default=1, help="of the quality that is shown")
    parser.add_argument("--customers", type=int, action="append", default=[], help="only that many, the first ones")
    parser.add_argument("--peers", action="append", choices=[ENGINE, *PEERS], help="only these (may be repeated)")
    parser.add_argument("--json", type=Path, help="all figures, into this file")
    told = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rows = sorted(cdnow() if told.log == "cdnow" else read_log(Path(told.log)), key=lambda row: row.ts)
    results: dict[str, Any] = {}
    for size in told.customers or [0]:
        part = first_customers(rows, size) if size else rows
        title = f"the first {size:,} customers" if size else "all customers"
        results[title] = compared(
            part,
            told.horizon_days,
            told.first_week,
            told.peers or [ENGINE, *PEERS],
            lambda text: print(text, file=sys.stderr),
        )
        print(f"\n{told.log}, {title}, horizon {told.horizon_days} days, from week {told.first_week}\n")
        print(shown(results[title]), flush=True)
    if told.json:
        told.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)))


if __name__ == "__main__":
    main()
