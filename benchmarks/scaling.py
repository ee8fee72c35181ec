"""Two workers against one, each on a fresh copy of the same backlog.

On a machine with two cores both share them with Redis, the broker and each other: more than the ratio of the free cores
can't be expected, and the CPU of each process is reported beside it.

Ten times the customers is the same measurement in another world: `--customers 2000000 --only engine` with
`python -m benchmarks.throughput`, by hand.

    python -m benchmarks.scaling --quick
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from benchmarks import runs
from benchmarks.options import Options, run_as_script
from benchmarks.world import DAY, World

Say = Callable[[str], None]


def measure(world: World, options: Options, say: Say) -> dict[str, Any]:
    found = {}
    for workers in (1, 2):
        with world.copy(DAY, appendfsync=options.appendfsync) as servers:
            run = runs.ours(servers, world, workers=workers, own=options.own, what=f"{workers} worker(s)")
        say(f"  {run.told()}")
        found[workers] = run
    return {
        "scaling_two_workers": found[2].rate / found[1].rate,
        "scaling_runs": [msgspec.to_builtins(run) for run in found.values()],
    }


if __name__ == "__main__":
    run_as_script(__doc__ or "", measure)
