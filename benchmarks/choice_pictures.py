"""The pictures of docs/proof.md, from the synthetic world: how a lift comes to be seen, and how the choice learns.

python -m benchmarks.choice_pictures [--out docs/images]     # half a minute of CPU

lift: of one world with effects and one without, the kept lift after every twentieth customer, its interval and the
truth. learning: what an episode gains by tenths of the log. kinds: how often each kind of customer is contacted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from benchmarks.choice_episodes import Episodes, Floats
from benchmarks.choice_kinds import KINDS, USEFUL
from benchmarks.choice_lift import TUNED_FOR
from benchmarks.choice_runs import Outcome, Setup, everybody, fixed, learned, world_of
from benchmarks.choice_world import Effects, World
from models.proof.difference import Difference
from models.proof.programme import ALPHA
from streams.history.evaluation.plots import axes_of, save

SEED: Final = 101
CONTROL: Final = 0.2
CUSTOMERS, WEEKS = 6_000, 40
SEEDS: Final = 3
PARTS: Final = 10


class Course(NamedTuple):
    """After so many units: the lift of kept, its interval and the truth, in points."""

    units: list[int]
    lift: list[float]
    low: list[float]
    high: list[float]
    truth: list[float]


def course(effects: Effects) -> Course:
    """Of one world, looked at after every twentieth unit."""
    found = Course([], [], [], [], [])
    difference, seen, truths = Difference(10 * TUNED_FOR), set[int](), []

    def hear(ended: Episodes) -> None:
        lifts = (ended.notes["would"] * (ended.kept_truth - ended.kept_truth[:, :1])).sum(axis=1)
        for row, customer in enumerate(ended.customers.tolist()):
            if customer in seen:
                continue
            seen.add(customer)
            truths.append(float(lifts[row]))
            difference.add(ended.notes["control"][row] > 0.0, CONTROL, bool(ended.kept[row]), 0.0)
            told = difference.rates(ALPHA) if len(truths) % 20 == 0 else None
            if told is not None and told.interval is not None:
                found.units.append(len(truths))
                for column, value in zip(
                    found[1:], (told.lift, told.interval.low, told.interval.high, float(np.mean(truths))), strict=True
                ):
                    column.append(100.0 * float(value))

    learned(World(SEED, CUSTOMERS, WEEKS, effects), Setup(control=CONTROL), hear)
    return found


def lift_picture(folder: Path) -> Path:
    figure, axes = axes_of("Kept lift of a made programme, watched", "customers since their first draw", "points")
    shown: tuple[tuple[Effects, str, str], ...] = (
        ("full", "C0", "contact helps many"),
        ("none", "C7", "contact does nothing"),
    )
    for effects, color, name in shown:
        one = course(effects)
        axes.fill_between(one.units, one.low, one.high, alpha=0.2, color=color)
        axes.plot(one.units, one.lift, color=color, label=name)
        axes.plot(one.units, one.truth, "--", color=color, linewidth=1, label=f"{name}: the truth")
    axes.axhline(0.0, color="0.7", linewidth=1)
    axes.set_ylim(-20, 25)
    axes.legend(loc="lower right")
    return save(figure, folder / "proof_lift.png")


def learning_picture(folder: Path) -> Path:
    figure, axes = axes_of("What an episode gains, by tenths of 50,000 episodes", "tenth of the log", "money")
    places = np.arange(1, PARTS + 1)
    shown: tuple[tuple[Effects, str], ...] = (("full", "C0"), ("dogs", "C1"), ("negative", "C3"))
    for effects, color in shown:
        ours = _by_part([learned(world_of(SEED + n, effects, "50,000"), Setup()) for n in range(SEEDS)])
        same = _by_part([fixed(world_of(SEED, effects, "50,000"), everybody(USEFUL))])
        axes.plot(places, ours, "o-", color=color, label=f"{effects}: learned")
        axes.plot(places, same, ":", color=color, label=f"{effects}: 'useful' for all")
    axes.axhline(0.0, color="0.7", linewidth=1)
    figure.legend(loc="outside lower center", fontsize=8, ncol=3)
    return save(figure, folder / "proof_learning.png")


def kinds_picture(folder: Path) -> Path:
    figure, axes = axes_of("Who is contacted (full, 50,000 episodes)", "tenth of the log", "chance of contact")
    found = learned(world_of(SEED, "full", "50,000"), Setup())
    for place, kind in enumerate(KINDS):
        parts = np.array_split(np.arange(len(found.kinds)), PARTS)
        shares = [found.contact[part][found.kinds[part] == place].mean() for part in parts]
        axes.plot(range(1, PARTS + 1), shares, label=kind)
    axes.set_ylim(0, 1)
    axes.legend(loc="lower left", fontsize=8, ncol=3)
    return save(figure, folder / "proof_kinds.png")


def _by_part(found: Sequence[Outcome]) -> Floats:
    parts = [[part.mean() for part in np.array_split(one.gain, PARTS)] for one in found]
    mean: Floats = np.mean(parts, axis=0)
    return mean


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--out", type=Path, default=Path("docs/images"), help="folder for the pictures")
    folder = made.parse_args().out
    for picture in (lift_picture, learning_picture, kinds_picture):
        print(picture(folder))


if __name__ == "__main__":
    main()
