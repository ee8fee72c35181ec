"""What the loyalty loop costs: CPU under the example policy with `[loyalty]`, divided by that without it.

Two logs go through the engine in memory, in turns with and without the table: the day of the other benchmarks
(`benchmarks.workload`), and the log of `benchmarks.decisions`, in which every touchpoint is of another sort and nearly
each asks for a decision. Told are the CPU time of this thread in the engine, and in the whole of the path that there
is without servers: records read, the engine, what learns.

    python -m benchmarks.loop [--quick]
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from itertools import chain
from statistics import median
from typing import Final, NamedTuple

import click

from benchmarks.decisions import DAYS, SEED, SETTINGS, answered_under
from benchmarks.workload import DAY_BEGINS, Workload
from models.decisions.policy.in_force import PolicyInForce
from models.engine.apply import apply
from models.engine.changes import Changes
from models.engine.piece_input import PieceInput, Scoring
from models.settings import EngineSettings
from models.simulation.rehearsal import rehearse
from models.timeline.batch import LogRecord
from streams.config import load
from tests.support.logs import synthetic

BATCH: Final = 4_000
EXAMPLE: Final = files("models.decisions.policy").joinpath("example.toml").read_text(encoding="utf-8")
LOOP: Final = EXAMPLE + "\n[loyalty]\n"
Logs = Sequence[Sequence[LogRecord]]


class Cost(NamedTuple):
    """CPU time of a run from a time of the log on, ns: of the engine, and of all. loops: entries of the loop."""

    engine: int
    all: int
    loops: int


def cost(logs: Logs, settings: EngineSettings, since: int) -> Cost:
    """Rehearse logs. since: log time from which on it counts, ms."""
    spent, began, loops = 0, 0, 0

    def engine(given: PieceInput, scoring: Scoring) -> Changes:
        nonlocal spent, began, loops
        if not began and given.state.time >= since:
            began = time.thread_time_ns()
        before = time.thread_time_ns()
        changes = apply(given, scoring)
        if began:
            spent += time.thread_time_ns() - before
            loops += sum(many for (what, _), many in changes.decided.items() if what == "loyalty")
        return changes

    gc.collect()
    rehearse(logs, settings, engine=engine, batch=lambda at: BATCH, keep=lambda emitted: False)
    return Cost(spent, time.thread_time_ns() - began, loops)


def the_day(customers: int, events: int, text: str) -> Logs:
    """The history and the day of the other benchmarks, one partition, under a policy from the beginning."""
    workload = Workload(customers, events, partitions=1, policy=text)
    records = chain(workload.history(), workload.day())
    return [[LogRecord(n, record.time, record.key, record.value) for n, record in enumerate(records)]]


def compared(of: Callable[[str], Logs], settings: EngineSettings, since: int, runs: int) -> str:
    """Lines that tell the ratios of so many pairs of runs; a first pair, which compiles, does not count."""
    without, having = of(EXAMPLE), of(LOOP)
    pairs = [(cost(having, settings, since), cost(without, settings, since)) for _ in range(runs + 1)][1:]
    touchpoints = sum(one.key is not None and one.timestamp > since for log in without for one in log)
    lines = [f"{touchpoints:,} touchpoints, {pairs[0][0].loops:,} entries of the loop, {runs} pairs"]
    for name in ("engine", "all"):
        ratios = [getattr(one, name) / getattr(other, name) for one, other in pairs]
        us = [median(getattr(pair[at], name) for pair in pairs) / 1_000 / touchpoints for at in (1, 0)]
        lines.append(
            f"  {name:8}{us[0]:8.2f} µs a touchpoint, with the loop{us[1]:8.2f}: {median(ratios):.3f} times "
            f"({min(ratios):.3f} to {max(ratios):.3f})"
        )
    return "\n".join(lines)


@click.command()
@click.option("--quick", is_flag=True, help="a tenth of the customers, three pairs")
def main(quick: bool) -> None:
    """Print what the loop costs on both logs."""
    customers, runs = (2_000, 3) if quick else (20_000, 7)
    settings = load(**Workload(customers).settings()).engine()
    click.echo(
        "the day of the other benchmarks: "
        + compared(lambda text: the_day(customers, 5 * customers, text), settings, DAY_BEGINS, runs)
    )
    busy = synthetic(SEED, 1, customers // 10, DAYS)
    click.echo(
        "a log of decisions: "
        + compared(lambda text: answered_under(busy, PolicyInForce.of(1, text)), SETTINGS, 0, runs)
    )


if __name__ == "__main__":
    main()
