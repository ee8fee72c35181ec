"""Logs of randomised actions with a known truth, as CSV."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

ACTIONS = ("nothing", "call", "letter")


def personal(rows: int, seed: int = 1) -> list[dict[str, str]]:
    """A call helps in town and harms in the country, a letter helps the old; all else says nothing. Drawn with .5,
    .3, .2; a few cells are missing."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(rows):
        town, age = rng.random() < 0.5, rng.normal(50, 15)
        action = rng.choice(3, p=[0.5, 0.3, 0.2])
        gain = [0.0, 4.0 if town else -4.0, 0.05 * (age - 50)][action]
        reward = 20 + 0.1 * (age - 50) + gain + rng.normal(0, 6)
        found.append(
            {
                "what": ACTIONS[action],
                "chance": str([0.5, 0.3, 0.2][action]),
                "euros": f"{reward:.3f}",
                "where": "" if rng.random() < 0.02 else "town" if town else "country",
                "age": "NA" if rng.random() < 0.02 else f"{age:.1f}",
                "member": str(bool(rng.random() < 0.3)),
                "noise": f"{rng.lognormal(3, 1):.2f}",
                "spent": "1.5" if action == 1 else "0",
            }
        )
    return found


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
