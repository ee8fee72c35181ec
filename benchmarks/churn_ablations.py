"""What each part of the churn model is worth: log-loss with one constant of it changed, on logs of your own.

python -m benchmarks.churn_ablations LOG.csv.gz:91:39 OTHER.csv.gz:28:26     # log : horizon in days : first week

One table: a row for each change, the log-loss on each log. Each run is a process of its own, since compiled code holds
its constants.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

CHANGES: dict[str, dict[str, float]] = {
    "the model as it is": {},
    "no direct learner": {"probability.SHARE_OF_DIRECT": 0.0},
    "all of the direct learner's correction": {"probability.SHARE_OF_DIRECT": 1.0},
    "no MBG/NBD in an old log's mixture": {"level.LEAST_SHARE": 0.0},
    "half of it MBG/NBD": {"level.LEAST_SHARE": 0.5},
    "weights that never drift": {"learner.WALK": 0.0},
    "weights that drift ten times as fast": {"learner.WALK": 1e-2},
    "a prior ten times as tight": {"learner.PRECISION_HAZARD": 500.0},
    "a prior a tenth as tight": {"learner.PRECISION_HAZARD": 5.0},
    "MBG/NBD's likelihood not tempered": {"learner.A_WEEKS_WORTH": 1e12},
    "the level from the learners as soon as they have labels": {"trust.MUCH": -2.0, "trust.TOO_MUCH": -1.0},
    "MBG/NBD's level whatever comes": {"trust.MUCH": 8.0, "trust.TOO_MUCH": 9.0},
}


def run(log: str, horizon: str, first_week: str, changes: dict[str, float]) -> float:
    """The log-loss of one evaluation, in a process of its own."""
    told = [
        sys.executable,
        "-m",
        "benchmarks.churn_ablations",
        "--child",
        json.dumps(changes),
        log,
        horizon,
        first_week,
    ]
    environment = {**os.environ, "RETENTION_CHALLENGERS": ""}
    done = subprocess.run(told, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    return float(json.loads(done.stdout)["quality"]["log_loss"])


def child(changes: dict[str, float], log: str, horizon: str, first_week: str) -> None:
    for name, value in changes.items():
        module, constant = name.split(".")
        place = importlib.import_module(f"models.churn.mixture.{module}")
        if not hasattr(place, constant):
            raise SystemExit(f"models.churn.mixture.{module} has no {constant}: correct CHANGES in {__file__}")
        setattr(place, constant, value)
    from streams.cli import main as retention

    retention(["evaluate", log, "--horizon-days", horizon, "--first-week", first_week, "--json"])


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(json.loads(sys.argv[2]), *sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+", metavar="LOG:HORIZON:FIRST_WEEK")
    told = parser.parse_args()
    logs = [log.rsplit(":", 2) for log in told.logs]
    if any(len(log) != 3 for log in logs):
        parser.error("give each log as FILE:HORIZON:FIRST_WEEK, for example purchases.csv.gz:91:39")
    print("| change | " + " | ".join(Path(log).name.split(".")[0] for log, *_ in logs) + " |")
    print("|---" * (1 + len(logs)) + "|")
    for name, changes in CHANGES.items():
        losses = [run(log, horizon, week, changes) for log, horizon, week in logs]
        shown = " | ".join(f"{loss:.4f}".replace("0.", ".", 1) for loss in losses)
        print(f"| {name} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
