"""Throughput: a backlog of one day, caught up with by one worker, by the floor, and in part by the peer.

Each run starts from a fresh copy of the prepared world (Kafka's and Redis' data directories), so all runs begin at the
same bytes; within a run the three take turns in an order that rotates from run to run. Ratios are taken within a run,
and their medians over the runs are what is reported: what slows the machine for a while slows all three.

    python -m benchmarks.throughput --runs 1 --customers 20000 --events 100000
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import msgspec

from benchmarks import runs
from benchmarks.options import Options, parsed, printed
from benchmarks.runs import Run
from benchmarks.servers import Servers
from benchmarks.world import DAY, World

Say = Callable[[str], None]


def alternating(world: World, options: Options, say: Say) -> dict[str, Any]:
    """The runs, and the ratios between them."""
    peer_events = min(options.peer_events, world.facts.touchpoints)
    order: list[tuple[str, Callable[[Servers], Run]]] = [
        ("engine", lambda servers: runs.ours(servers, world, own=options.own)),
        ("floor", lambda servers: runs.floor(servers, world)),
        ("peer", lambda servers: runs.peer(servers, world, peer_events)),
    ]
    order = [(name, run) for name, run in order if name in options.only]
    found: dict[str, list[Run]] = {name: [] for name, _ in order}
    for number in range(options.runs):
        turn = number % len(order)
        with world.copy(DAY, appendfsync=options.appendfsync) as servers:
            for name, run in order[turn:] + order[:turn]:
                done = run(servers)
                found[name].append(done)
                say(f"  run {number + 1}: {done.told()}")
    return summary(found, world)


def summary(found: dict[str, list[Run]], world: World) -> dict[str, Any]:
    """Medians over runs; a figure whose runs were left out is left out too."""
    told: dict[str, Any] = {"runs": {name: [msgspec.to_builtins(run) for run in rows] for name, rows in found.items()}}
    for name, rows in found.items():
        told[f"{name}_events_per_s"] = median(run.rate for run in rows)
        told[f"{name}_cpu_us"] = {
            process: median(run.cpu_us[process] for run in rows) for process in sorted(rows[0].cpu_us)
        }
    engine = found.get("engine", [])
    for figure, rival in (("ratio_to_idiomatic_faust", "peer"), ("ratio_to_floor", "floor")):
        if engine and found.get(rival):
            told[figure] = median(a.rate / b.rate for a, b in zip(engine, found[rival], strict=True))
    if engine:
        told["catch_up_s"] = median(run.seconds for run in engine)
        told["catch_up_events"] = engine[0].events
        told["worker_rss_bytes"] = max(engine[-1].rss)
        told["worker_rss_over_time"] = engine[-1].rss
        told["waited"] = {reason: median(run.paused.get(reason, 0.0) for run in engine) for reason in _reasons(engine)}
        told["customers"] = world.facts.customers
        told["due_items_meanwhile"] = engine[-1].totals["due"]
        told["triggers_meanwhile"] = engine[-1].totals["triggers"]
    return told


def _reasons(rows: list[Run]) -> list[str]:
    return sorted({reason for run in rows for reason in run.paused})


def main() -> None:
    options = parsed(__doc__ or "")
    with options.world(print) as world:
        found = alternating(world, options, print)
    del found["runs"]
    printed(found)


if __name__ == "__main__":
    main()
