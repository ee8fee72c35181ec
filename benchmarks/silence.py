"""Silence: a week passes in which nobody does anything; how many due customers the worker evaluates a second.

Every customer has a tick in a week; labels mature, episodes open and triggers go out as in any other week. The clock
records of the whole week are on the topic at once.

    python -m benchmarks.silence --quick
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import runs
from benchmarks.options import Options, run_as_script
from benchmarks.world import HISTORY, World, publish
from streams.config import load

Say = Callable[[str], None]


def measure(world: World, options: Options, say: Say) -> dict[str, Any]:
    with world.copy(HISTORY, appendfsync=options.appendfsync) as servers:
        workload = world.workload
        config = load(**servers.settings(workload.settings()))
        played = publish(config, workload.silence(options.silent_days))
        ends = [played.ends[n] for n in range(workload.partitions)]
        run = runs.ours(
            servers, world, own=options.own, ends=ends, count=lambda progress: progress.total("due"), what="due items"
        )
    due = run.events
    say(f"  {run.told()}; stood still {run.paused}")
    return {
        "due_items_per_s": run.rate,
        "due_items": due,
        "due_seconds": run.seconds,
        "due_triggers": run.totals["triggers"],
        "due_waited": run.paused,
    }


if __name__ == "__main__":
    run_as_script(__doc__ or "", measure)
