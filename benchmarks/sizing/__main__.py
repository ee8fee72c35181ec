"""Worlds of several sizes, one after the other; writes benchmarks/results/sizing.json and prints both tables.

Each world is prepared, then a day's backlog is caught up with, and what its customers take in Redis is measured.

python -m benchmarks.sizing                                            # about ten minutes on two cores
python -m benchmarks.sizing --world 20000:4 --world 20000:16:2 --events 60000
python -m benchmarks.sizing --docs                                     # and both tables into docs/sizing.md
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from benchmarks import memory, runs
from benchmarks.machine import busy, machine
from benchmarks.options import RESULTS
from benchmarks.report import refreshed, save
from benchmarks.sizing.report import (
    DOCS,
    LOADS,
    OF_LOADS,
    OF_WORLDS,
    RESULT,
    WORLDS,
    dearest,
    loads,
    of_loads,
    of_worlds,
    table,
    worlds,
)
from benchmarks.workload import Workload
from benchmarks.world import DAY, prepared

SIZES = ("200000:4", "200000:16", "20000:64", "20000:4:2")


def say(text: str) -> None:
    click.echo(text)


def measured(customers: int, shards: int, workers: int, events: int) -> dict[str, Any]:
    """One world. due_to_one: timers that rang for each touchpoint. us: CPU a touchpoint, timers included."""
    workload = Workload(customers=customers, events=events, partitions=shards)
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="world-", dir=RESULTS) as name:
        world = prepared(Path(name), workload, say)
        with world.copy(DAY) as servers:
            run = runs.ours(servers, world, workers=workers)
        say(f"  {run.told()}")
        stored = memory.measure(world, say)
    names = ("worker",) if workers == 1 else tuple(f"worker{n + 1}" for n in range(workers))
    return {
        "customers": customers,
        "shards": shards,
        "workers": workers,
        "rate": run.rate,
        "due_to_one": run.totals["due"] / run.events,
        "us": {
            "worker": sum(run.cpu_us[one] for one in names),
            "redis": run.cpu_us["redis"],
            "broker": run.cpu_us["broker"],
        },
        "rss": max(run.rss),
        "bytes": stored["redis_bytes_per_customer"] - stored["redis_bytes_shared"],
        "shared": stored["redis_bytes_shared"] * stored["redis_customers"],
    }


def sizes(told: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """CUSTOMERS:SHARDS or CUSTOMERS:SHARDS:WORKERS, as numbers. click.BadParameter names what is not so."""
    found = []
    for one in told:
        parts = one.split(":")
        if len(parts) not in (2, 3) or not all(part.isdecimal() and int(part) for part in parts):
            raise click.BadParameter(
                f"{one!r} is not CUSTOMERS:SHARDS or CUSTOMERS:SHARDS:WORKERS", param_hint="--world"
            )
        found.append((int(parts[0]), int(parts[1]), int(parts[2]) if parts[2:] else 1))
    return found


@click.command()
@click.option("--world", "told", multiple=True, default=SIZES, metavar="CUSTOMERS:SHARDS[:WORKERS]", show_default=True)
@click.option("--events", default=400_000, show_default=True, help="touchpoints of the day")
@click.option("--docs", is_flag=True, help="write both tables into docs/sizing.md as well")
def main(told: tuple[str, ...], events: int, docs: bool) -> None:
    """Measure worlds of several sizes, and work out what larger ones take."""
    results: dict[str, Any] = {"machine": machine(), "load": busy(), "events": events, "worlds": []}
    for customers, shards, workers in sizes(told):
        results["worlds"].append(measured(customers, shards, workers, events))
        save(results, RESULT)
    click.echo("\n" + table(WORLDS, worlds(results)))
    click.echo("\n" + table(LOADS, loads(dearest(results))))
    if docs:
        text = refreshed(DOCS.read_text(encoding="utf-8"), of_worlds(results), OF_WORLDS)
        DOCS.write_text(refreshed(text, of_loads(results), OF_LOADS), encoding="utf-8")


if __name__ == "__main__":
    main()
