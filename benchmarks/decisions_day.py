"""What the example policy costs on the day of the other benchmarks: CPU of the engine with it and without one.

The day (`benchmarks.workload`) goes through the engine in memory, one partition, in turns with and without the policy;
the history before it does not count. Told are the CPU time of a touchpoint in the engine, that of the steps that
decide, what these come to, and what the engine takes without them, divided by what it takes without a policy. Python's
collector of cycles rests meanwhile: what it takes depends on all that the process holds.

    python -m benchmarks.decisions_day [--quick]
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import click

from benchmarks.decisions import MOST_RATIO, Watch
from benchmarks.loop import BATCH, EXAMPLE, Logs, the_day
from benchmarks.workload import DAY_BEGINS, Workload
from models.engine.changes import Changes
from models.engine.piece_input import PieceInput, Scoring
from models.settings import EngineSettings
from models.simulation.rehearsal import rehearse
from streams.config import load


class Pair(NamedTuple):
    """Of one run of each, from the beginning of the day on."""

    without: Watch
    having: Watch

    @property
    def decisions(self) -> int:
        """ns of the steps that decide."""
        return sum(self.having.ns.values())

    @property
    def ratio(self) -> float:
        """What the engine takes under the policy, less these, to what it takes without one."""
        return (self.having.engine_ns - self.decisions) / self.without.engine_ns


def watched(logs: Logs, settings: EngineSettings) -> Watch:
    """Rehearse logs; only the day counts."""
    watch, begun = Watch(), False

    def engine(given: PieceInput, scoring: Scoring) -> Changes:
        nonlocal begun
        if not begun and given.state.time >= DAY_BEGINS:
            begun, watch.engine_ns = True, 0
            watch.steps.clear()
            watch.ns.clear()
        return watch.engine(given, scoring)

    gc.collect()
    gc.disable()
    try:
        with watch.watching():
            rehearse(logs, settings, engine=engine, batch=lambda at: BATCH, keep=lambda emitted: False)
    finally:
        gc.enable()
    return watch


def measure(customers: int, events: int, runs: int) -> list[Pair]:
    """So many pairs; a first one, which compiles, does not count."""
    settings = load(**Workload(customers).settings()).engine()
    without, having = the_day(customers, events, ""), the_day(customers, events, EXAMPLE)
    return [Pair(watched(without, settings), watched(having, settings)) for _ in range(runs + 1)][1:]


def table(pairs: Sequence[Pair], events: int) -> str:
    """Medians of the pairs; steps by what they come to, the dearest sum first."""
    us = 1_000 * events
    without = median(pair.without.engine_ns for pair in pairs) / us
    having = median(pair.having.engine_ns for pair in pairs) / us
    decisions = median(pair.decisions for pair in pairs) / us
    ratios = [pair.ratio for pair in pairs]
    lines = [
        f"{events:,} touchpoints, {len(pairs)} pairs, µs of CPU a touchpoint",
        f"  engine without a policy{without:8.2f}",
        f"  under the example{having:14.2f}, of which steps that decide {decisions:.2f}",
        f"  the rest to the engine without a policy: {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}; "
        f"aim: at most {MOST_RATIO})",
        f"{'a step comes to':34}{'µs':>7}{'per 1,000':>11}{'µs a touchpoint':>17}",
    ]
    steps = pairs[0].having.steps
    spent = {sort: median(pair.having.ns[sort] for pair in pairs) for sort in steps}
    for sort in sorted(spent, key=lambda sort: -spent[sort]):
        many, ns = steps[sort], spent[sort]
        lines.append(f"{sort:34}{ns / many / 1_000:7.1f}{1_000 * many / events:11.2f}{ns / us:17.2f}")
    return "\n".join(lines)


@click.command()
@click.option("--quick", is_flag=True, help="a tenth of the customers, three pairs")
def main(quick: bool) -> None:
    """Print what the example policy costs on the day."""
    customers, runs = (2_000, 3) if quick else (20_000, 5)
    events = 6 * customers
    click.echo(table(measure(customers, events, runs), events))


if __name__ == "__main__":
    main()
