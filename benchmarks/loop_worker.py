"""What the loyalty loop costs the whole path: a worker under the example policy with `[loyalty]`, beside one without.

Two worlds are prepared, which differ in the table alone: Apache Kafka and Redis after a history under the policy, with
the day of the other benchmarks as a backlog. A pair of runs is a worker on a copy of each, the order changing from pair
to pair. Told are the CPU time of an event, of the worker and of all three processes, and the time of an event by the
clock, each also divided by that without the table.

    python -m benchmarks.loop_worker --quick --runs 6
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from statistics import median

from msgspec.structs import replace

from benchmarks import runs
from benchmarks.loop import EXAMPLE, LOOP
from benchmarks.options import RESULTS, Options, parsed
from benchmarks.runs import Run
from benchmarks.world import DAY, World, prepared

Pair = tuple[Run, Run]
"""Without the table, and with it."""
FIGURES: dict[str, Callable[[Run], float]] = {
    "worker, µs of CPU": lambda run: run.cpu_us["worker"],
    "worker, Redis and broker, µs of CPU": lambda run: sum(run.cpu_us.values()),
    "by the clock, µs": lambda run: 1e6 / run.rate,
}


def measure(options: Options, say: Callable[[str], None]) -> list[Pair]:
    """So many pairs as `options.runs`."""
    base = options.directory or RESULTS / "loop"
    worlds = {}
    for name, text in (("without", EXAMPLE), ("with", LOOP)):
        (base / name).mkdir(parents=True, exist_ok=True)
        worlds[name] = prepared(base / name, replace(options.workload, policy=text), say, options.own)
    pairs = []
    for number in range(options.runs):
        found = {name: _run(worlds[name], name, options) for name in sorted(worlds, reverse=number % 2 == 0)}
        for run in found.values():
            say(f"  pair {number + 1}: {run.told()}")
        pairs.append((found["without"], found["with"]))
    return pairs


def _run(world: World, name: str, options: Options) -> Run:
    with world.copy(DAY, appendfsync=options.appendfsync) as servers:
        return runs.ours(servers, world, own=options.own, what=name)


def table(pairs: Sequence[Pair]) -> str:
    """A line for each of `FIGURES`: medians, and the ratio within pairs."""
    lines = [f"{pairs[0][0].events:,} touchpoints, {len(pairs)} pairs"]
    for name, of in FIGURES.items():
        without, having = (median(of(pair[at]) for pair in pairs) for at in (0, 1))
        ratios = sorted(of(pair[1]) / of(pair[0]) for pair in pairs)
        lines.append(
            f"  {name:38}{without:8.2f}, with the loop{having:8.2f}: {median(ratios):.3f} times "
            f"({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )
    return "\n".join(lines)


def main() -> None:
    print(table(measure(parsed(__doc__ or ""), print)))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
