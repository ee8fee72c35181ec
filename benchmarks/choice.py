"""The learned choice beside fixed rules in worlds with a known truth, and how often its intervals are wrong.

python -m benchmarks.choice --quick     # 500 and 5,000 episodes, 5 seeds, few rules: some minutes
python -m benchmarks.choice             # and 50,000, all rules, 20 seeds: some hours on two cores

Prints the tables of docs/proof.md: the expected net gain of an episode above leaving alone, mean and standard error of
seeds, all rules on the same seeds and so under the same luck; and of 1,000 small made programmes how often an interval
that is watched at every unit is ever wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean, stdev
from typing import Final, NamedTuple, get_args

from benchmarks.choice_intervals import Coverage, coverages
from benchmarks.choice_kinds import ACTIONS, USEFUL
from benchmarks.choice_runs import SIZES, Outcome, Setup, at_random, everybody, fixed, learned, riskier_half, world_of
from benchmarks.choice_world import Effects, World
from models.settings import WEEK

Rule = Callable[[World], Outcome]

_DEFAULT: Final = Setup()
CAPPED: Final = _DEFAULT._replace(rules=_DEFAULT.rules._replace(unproven=1.0, unproven_each=0.30))


def _everybody(action: int) -> Rule:
    return lambda world: fixed(world, everybody(action))


def _with_budget(share: float, priced: bool) -> Rule:
    """Contacts of so many of the episodes, about."""

    def rule(world: World) -> Outcome:
        size = next(name for name, (customers, _) in SIZES.items() if customers == world.customers)
        a_week = share * int(size.replace(",", "")) / SIZES[size][1]
        return learned(world, _DEFAULT._replace(budget=a_week, priced=priced))

    return rule


RULES: Final[dict[str, Rule]] = {
    **{f"all: {name}": _everybody(place) for place, name in enumerate(ACTIONS)},
    "riskier half: useful": lambda world: fixed(world, riskier_half(USEFUL)),
    "random": lambda world: fixed(world, at_random),
    "learned": lambda world: learned(world, _DEFAULT),
    "– every draw capped": lambda world: learned(world, CAPPED),
    "– without figures": lambda world: learned(world, _DEFAULT._replace(figures=False)),
    **{
        f"– {share:.0%} contacts, {told}": _with_budget(share, priced)
        for share in (0.15, 0.05)
        for told, priced in (("first come", False), ("priced", True))
    },
    "– forgets half in 26 weeks": lambda world: learned(world, _DEFAULT._replace(half_life=26 * WEEK)),
    "– forgets nothing": lambda world: learned(world, _DEFAULT._replace(half_life=None)),
}
QUICK_RULES: Final = ("all: useful", "random", "learned", "– every draw capped")
EFFECTS: Final[tuple[Effects, ...]] = ("full", "dogs", "negative", "idle", "none")
FIRST_SEED: Final = 101


class Cell(NamedTuple):
    """Of a rule in a world: gain of each seed, and the mean chance of contact."""

    rule: str
    effects: str
    size: str
    gains: list[float]
    contact: float

    @property
    def error(self) -> float:
        return stdev(self.gains) / len(self.gains) ** 0.5 if len(self.gains) > 1 else float("nan")


def run(job: tuple[str, Effects, str, int]) -> tuple[float, float]:
    """Gain and contact of one rule in one world."""
    rule, effects, size, seed = job
    outcome = RULES[rule](world_of(seed, effects, size))
    return outcome.mean, float(outcome.contact.mean())


def cells(
    rules: Sequence[str], effects: Sequence[Effects], sizes: Sequence[str], seeds: int, processes: int
) -> Iterator[Cell]:
    """As they are done: the small worlds first."""
    with ProcessPoolExecutor(processes) as pool:
        for size in sizes:
            # What does not learn hardly differs from seed to seed in a world of that size.
            for one in effects:
                for rule in rules:
                    count = (
                        seeds
                        if not (size == "50,000" and rule.startswith(("all:", "random", "riskier")))
                        else min(seeds, 2)
                    )
                    jobs = [(rule, one, size, FIRST_SEED + place) for place in range(count)]
                    found = list(pool.map(run, jobs))
                    yield Cell(rule, one, size, [gain for gain, _ in found], mean(contact for _, contact in found))


def table(found: Sequence[Cell]) -> Iterator[str]:
    """As Markdown, a row for each rule."""
    columns = list(dict.fromkeys((cell.effects, cell.size) for cell in found))
    by_place = {(cell.rule, cell.effects, cell.size): cell for cell in found}
    yield "| gain an episode | " + " | ".join(f"{effects} {size}" for effects, size in columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for rule in dict.fromkeys(cell.rule for cell in found):
        shown = [by_place.get((rule, effects, size)) for effects, size in columns]
        yield f"| {rule} | " + " | ".join("–" if cell is None else _shown(cell) for cell in shown) + " |"


def _shown(cell: Cell) -> str:
    gain = f"{mean(cell.gains):.2f}".replace("-0.", "−.").replace("-", "−")
    gain = gain[1:] if gain.startswith("0.") else gain
    return gain if len(cell.gains) < 2 else f"{gain} ±{cell.error:.2f}".replace("±0.", "±.")


def coverage_table(found: Sequence[Coverage]) -> Iterator[str]:
    yield "| outcome, 10 % control | interval | ever wrong | of runs | half width at the end |"
    yield "|---|---|---|---|---|"
    for one in found:
        yield f"| {one.outcome} | {one.interval} | {one.wrong:.3f} | {one.runs:,} | {one.half_width:.4g} |"


def main(arguments: Sequence[str] | None = None) -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="two sizes, five seeds, few rules")
    made.add_argument("--seeds", type=int, help="of each cell")
    made.add_argument("--size", choices=SIZES, action="append", help="episodes, about; may be repeated")
    made.add_argument("--effects", choices=get_args(Effects), action="append", help="of contact; may be repeated")
    made.add_argument("--rule", choices=RULES, action="append", help="may be repeated")
    made.add_argument("--runs", type=int, help="of each interval; 0 leaves them out")
    made.add_argument("--processes", type=int, default=2)
    made.add_argument("--json", type=Path, help="writes every gain to this file")
    told = made.parse_args(arguments)
    seeds = told.seeds or (5 if told.quick else 20)
    sizes = told.size or (list(SIZES)[:2] if told.quick else list(SIZES))
    runs = (200 if told.quick else 1_000) if told.runs is None else told.runs
    began, found = time.monotonic(), []
    for cell in cells(
        told.rule or (QUICK_RULES if told.quick else list(RULES)), told.effects or EFFECTS, sizes, seeds, told.processes
    ):
        found.append(cell)
        line = f"{cell.size:>7} {cell.effects:<9} {cell.rule:<20} {_shown(cell):<12} contact {cell.contact:.2f}"
        print(f"{line}  ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
        if told.json:
            told.json.write_text(json.dumps([one._asdict() for one in found]))
    print("\n".join(table(found)))
    if runs:
        print()
        print("\n".join(coverage_table(list(coverages(runs)))))


if __name__ == "__main__":
    main()
