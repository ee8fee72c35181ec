"""The value model beside its peers on one log, with the same ticks, decisions and outcomes; prints a table.

python -m benchmarks.value LOG.csv.gz --horizon-days 91 --first-week 39
python -m benchmarks.value cdnow --horizon-days 91 --peers engine --peers mbg_nbd --plots plots/

The peers' libraries are no dependencies of the engine; into the environment of `make install-dev`:
    .venv/bin/python -m pip install --require-hashes -r benchmarks/peers.lock
Behind each peer's deviance stands how much higher it is than the engine's, with the standard errors of that difference:
by customer alone, and by customer and season (ticks less than a horizon apart share what came).
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.churn_engine import write
from benchmarks.churn_refits import Estimates
from benchmarks.churn_table import TICK_DAYS, Column, first_customers
from benchmarks.value_peers import bg_nbd, lightgbm, lightgbm_15, mbg_nbd, pareto_nbd, spend_lately
from benchmarks.value_table import ValueTable, value_table
from models.simulation.value_quality import deviances, value_quality
from streams.history.datasets import LogRow, cdnow, read_log

ENGINE = "engine"
PEERS: dict[str, Callable[[ValueTable], Estimates]] = {
    "bg_nbd": bg_nbd,
    "mbg_nbd": mbg_nbd,
    "pareto_nbd": pareto_nbd,
    "lightgbm": lightgbm,
    "lightgbm_15": lightgbm_15,
    "spend_lately": spend_lately,
}
YOUNG = ((2, 5), (6, 13), (14, 25))
"""First and last week of the windows by the age of the log."""
SHOWN = ("deviance", "gini", "spearman", "total", "decile_error", "tick_bias", "found_1", "found_5", "found_20", "mae")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def engine(table: ValueTable, log: Iterable[LogRow], folder: Path, plots: Path | None) -> Estimates:
    """The engine's values, as `retention evaluate --value` writes them, run in another process."""
    path, out = folder / "log.csv", folder / "values.csv"
    write(log, path)
    command = [sys.executable, "-m", "streams.cli", "evaluate", str(path), "--value", "--out", str(out), "--json"]
    command += ["--horizon-days", str(table.rows.horizon), *(["--plots", str(plots)] if plots else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return Estimates(predicted(table, out), 0, 0.0, float(msgspec.json.decode(done.stdout)["cost"]["us_per_value"]))


def predicted(table: ValueTable, values: Path) -> Column:
    """Values of the due decisions, nan elsewhere. Raises KeyError for a decision without a value."""
    rows = table.rows
    found: dict[tuple[str, str], float] = {}
    with values.open(encoding="utf-8", newline="") as text:
        for line in csv.DictReader(text):
            found[line["customer_id"], line["tick"]] = float(line["value"])
    out = np.full(len(rows.ticks), np.nan)
    for row in np.flatnonzero(rows.due).tolist():
        day = EPOCH + timedelta(days=rows.zero + int(rows.ticks[row]))
        out[row] = found[rows.names[rows.customers[row]], day.strftime("%Y-%m-%d")]
    return out


def compared(
    log: Sequence[LogRow],
    horizon: int,
    first_week: int,
    names: Iterable[str],
    say: Callable[[str], None],
    plots: Path | None = None,
) -> dict[str, Any]:
    """Quality of each model from `first_week` on and in the young weeks, its difference to the engine, and its cost."""
    table = value_table(log, horizon)
    results: dict[str, Any] = {}
    ours: Column | None = None
    for name in names:
        begun = time.monotonic()
        if name == ENGINE:
            with tempfile.TemporaryDirectory() as folder:
                told = engine(table, log, Path(folder), plots)
            ours = told.probabilities
        else:
            told = PEERS[name](table)
        rows = weeks(table, first_week, None)
        results[name] = {
            "quality": value_quality(table.rows.ticks[rows], table.actual[rows], told.probabilities[rows])._asdict(),
            "young": {f"{a}-{b}": _deviance(table, told.probabilities, weeks(table, a, b)) for a, b in YOUNG},
            "against": None if ours is None or name == ENGINE else difference(table, rows, ours, told.probabilities),
            "fits": told.fits,
            "fit_seconds": round(told.fit_seconds, 3),
            "us_per_value": round(told.us_per_score, 2),
        }
        say(f"{name}: {time.monotonic() - begun:.1f} s")
    return results


def weeks(table: ValueTable, first: int, last: int | None) -> NDArray[np.bool_]:
    """The due decisions of some weeks, as a mask."""
    at = table.rows.ticks / TICK_DAYS
    rows: NDArray[np.bool_] = table.rows.due & (at >= first) & (at <= (np.inf if last is None else last))
    return rows


def _deviance(table: ValueTable, values: Column, rows: NDArray[np.bool_]) -> list[float] | None:
    """Deviance and total of some weeks; None if there are none."""
    if not rows.any():
        return None
    found = value_quality(table.rows.ticks[rows], table.actual[rows], values[rows])
    return [found.deviance, found.total]


def difference(table: ValueTable, rows: NDArray[np.bool_], ours: Column, other: Column) -> list[float]:
    """The other's mean deviance less ours, and its standard errors.

    By customer; by customer and tick, ticks less than a horizon apart weighed by how much of it they share (Thompson
    2011, "Simple formulas for standard errors that cluster by both firm and time", Journal of Financial Economics 99).
    """
    y, unit = table.actual[rows], table.actual[rows].mean()
    loss = deviances(y / unit, other[rows] / unit) - deviances(y / unit, ours[rows] / unit)
    _, who = np.unique(table.rows.customers[rows], return_inverse=True)
    _, when = np.unique(table.rows.ticks[rows], return_inverse=True)
    off = np.zeros((who.max() + 1, when.max() + 1))
    off[who, when] = loss - loss.mean()
    ticks = table.rows.horizon / TICK_DAYS
    by_customer = float((off.sum(axis=1) ** 2).sum())
    by_tick, both = 0.0, 0.0
    sums = off.sum(axis=0)
    for lag in range(min(int(np.ceil(ticks)), off.shape[1])):
        weight = (1.0 if lag == 0 else 2.0) * (1.0 - lag / ticks)
        by_tick += weight * float((sums[lag:] * sums[: len(sums) - lag]).sum())
        both += weight * float((off[:, lag:] * off[:, : off.shape[1] - lag]).sum())
    two_way = max(by_customer + by_tick - both, by_customer)
    return [float(loss.mean()), by_customer**0.5 / len(loss), two_way**0.5 / len(loss)]


def shown(results: dict[str, Any]) -> str:
    """The table, in Markdown."""
    young = [f"{a}-{b}" for a, b in YOUNG]
    heads = ("model", "deviance", "± ", *(name.replace("_", " ") for name in SHOWN[1:]), *(f"weeks {w}" for w in young))
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, result in results.items():
        against = result["against"]
        more = "" if against is None else f"{against[0]:+.4f} ± {against[1]:.4f} / {against[2]:.4f}"
        cells = [name, f"{result['quality']['deviance']:.4f}", more]
        cells += [f"{result['quality'][key]:.3f}" for key in SHOWN[1:]]
        cells += ["–" if (one := result["young"][w]) is None else f"{one[0]:.3f} ({one[1]:.2f})" for w in young]
        lines.append("| " + " | ".join(cells).replace(" 0.", " .").replace("(0.", "(.") + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log")
    parser.add_argument("--horizon-days", type=int, required=True)
    parser.add_argument("--first-week", type=int, default=1, help="of the quality that is shown")
    parser.add_argument("--customers", type=int, help="only that many, the first ones")
    parser.add_argument("--peers", action="append", choices=[ENGINE, *PEERS], help="only these (may be repeated)")
    parser.add_argument("--plots", type=Path, help="folder for the engine's pictures")
    parser.add_argument("--json", type=Path, help="all figures, into this file")
    told = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    log = sorted(cdnow() if told.log == "cdnow" else read_log(Path(told.log)), key=lambda row: row.ts)
    if told.customers:
        log = first_customers(log, told.customers)
    names = told.peers or [ENGINE, *PEERS]
    results = compared(
        log, told.horizon_days, told.first_week, names, lambda text: print(text, file=sys.stderr), told.plots
    )
    print(
        f"\n{told.log}, horizon {told.horizon_days} days, from week {told.first_week}\n\n{shown(results)}", flush=True
    )
    if told.json:
        told.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)))


if __name__ == "__main__":
    main()
