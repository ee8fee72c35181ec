"""How often the lift of small worlds of `benchmarks.choice_world`, watched at every customer, is ever wrong.

python -m benchmarks.choice_lift [--worlds 1,000] [--effects none] [--effects full]

In each world the product's choice learns and decides beside a lasting control group (in `none`, where nothing that is
done makes any difference, actions fall at random). A unit is a customer at the first window of theirs, as in `retention
lift`; the comparison is the product's own (`models.proof.difference`). The truth of a lift after so many units is the
mean of theirs, which the world knows exactly. Prints a row of docs/proof.md for each figure: in how many worlds its
interval ever left the truth out. It is looked at after every unit from the start rule on, and before that (the wide
one, as of few) after every twentieth.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, get_args

import numpy as np

from benchmarks.choice_episodes import Episodes
from benchmarks.choice_runs import Setup, beside_control, learned
from benchmarks.choice_world import Effects, World
from models.decisions.choosing.domains import Domain, in_share
from models.proof.difference import LEAST_EACH, Difference, Lift
from models.proof.intervals import Running
from models.proof.programme import ALPHA, cut
from models.proof.sample_ratio import SampleRatio

CUSTOMERS, WEEKS = 900, 30
CONTROL: Final = 0.4
"""Far more than a shop would give: so that there is enough of both arms in a world this small."""
TUNED_FOR: Final = 280
"""Units at which intervals are narrowest: .4 of those that there are, about."""
CAP: Final = 1_000.0
"""At which a unit's money is cut."""
FEW_EVERY: Final = 20
FIGURES: Final = ("kept", "money", "kept, treated alike (A/A)", "shares (SRM)")
EFFECTS: Final[tuple[Effects, ...]] = ("none", "full")


class Figure(NamedTuple):
    """Of a world. shown: whether an interval ever was, of money, and of kept by the asymptotic sequence. wrong: whether
    it ever left the truth out. half_width: at the end; 0.0: not shown."""

    shown: bool
    wrong: bool
    half_width: float


class Watched:
    """A figure and its truth, looked at after every unit."""

    def __init__(self) -> None:
        self._truth, self._wrong, self._last = Running(), False, 0.0
        self._shown = False

    def look(self, of: Difference, lift: Callable[[float], Lift], truth: float) -> None:
        """of: what has one more unit now, and `lift` of it. truth: of this unit."""
        self._truth.add(truth)
        if not _begun(of) and self._truth.count % FEW_EVERY:
            return
        self._look(lift(ALPHA))

    def _look(self, lift: Lift) -> None:
        if lift.interval is not None:
            self._shown |= lift.interval.kind == "asymptotic"
            self._wrong |= not lift.interval.low <= self._truth.mean <= lift.interval.high
            self._last = 0.5 * (lift.interval.high - lift.interval.low)

    @property
    def told(self) -> Figure:
        return Figure(self._shown, self._wrong, self._last)


def _begun(of: Difference) -> bool:
    return all(min(arm.yes, arm.units - arm.yes) >= LEAST_EACH for arm in (of.treated, of.control))


def watch(job: tuple[Effects, int]) -> tuple[int, list[Figure]]:
    """One world: its units, and its figures in the order of `FIGURES`."""
    effects, seed = job
    world = World(seed, CUSTOMERS, WEEKS, effects)
    programme, alike, ratio = Difference(TUNED_FOR), Difference(TUNED_FOR), SampleRatio()
    kept, money, placebo = Watched(), Watched(), Watched()
    seen: set[int] = set()

    def hear(ended: Episodes) -> None:
        would = ended.notes["would"]
        lifts = (would * (ended.truth - ended.truth[:, :1])).sum(axis=1)
        kept_lifts = (would * (ended.kept_truth - ended.kept_truth[:, :1])).sum(axis=1)
        net = ended.margin - ended.redeemed - world.cost[ended.action]
        for row, customer in enumerate(ended.customers.tolist()):
            if customer in seen:
                continue
            seen.add(customer)
            control, is_kept = ended.notes["control"][row] > 0.0, bool(ended.kept[row])
            ratio.add(control, CONTROL)
            programme.add(control, CONTROL, is_kept, cut(float(net[row]), CAP))
            kept.look(programme, programme.rates, float(kept_lifts[row]))
            money.look(programme, programme.money, float(lifts[row]))
            if not control:
                alike.add(in_share(CONTROL, Domain.AA, b"%d" % seed, b"%d" % customer), CONTROL, is_kept, 0.0)
                placebo.look(alike, alike.rates, 0.0)

    if effects == "none":
        beside_control(world, CONTROL, hear)
    else:
        learned(world, Setup(control=CONTROL), hear)
    shares = Figure(True, ratio.warns, 0.0)
    return len(seen), [kept.told, money.told, placebo.told, shares]


def rows(worlds: int, effects: Sequence[Effects], processes: int, told: Path | None = None) -> Iterator[str]:
    """The table, as Markdown."""
    yield "| world | figure | ever wrong | shown in | of worlds | half width at the end |"
    yield "|---|---|---|---|---|---|"
    began, everything = time.monotonic(), {}
    with ProcessPoolExecutor(processes) as pool:
        for one in effects:
            found = list(pool.map(watch, [(one, seed) for seed in range(1, worlds + 1)], chunksize=10))
            print(f"{one}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            units = float(np.mean([count for count, _ in found]))
            everything[one] = found
            for place, name in enumerate(FIGURES):
                of = [figures[place] for _, figures in found]
                wide = [figure.half_width for figure in of if figure.half_width]
                half = f"{np.mean(wide):.3g}" if wide else "–"
                wrong, shown = (float(np.mean([getattr(figure, key) for figure in of])) for key in ("wrong", "shown"))
                yield f"| {one}, {units:.0f} units | {name} | {wrong:.3f} | {shown:.2f} | {len(of):,} | {half} |"
    if told is not None:
        told.write_text(json.dumps(everything))


def main(arguments: Sequence[str] | None = None) -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--worlds", type=int, default=1_000, help="of each effects")
    made.add_argument("--effects", choices=get_args(Effects), action="append", help="of contact; may be repeated")
    made.add_argument("--processes", type=int, default=2)
    made.add_argument("--json", type=Path, help="writes every world's figures to this file")
    told = made.parse_args(arguments)
    for line in rows(told.worlds, told.effects or EFFECTS, told.processes, told.json):
        print(line, flush=True)


if __name__ == "__main__":
    main()
