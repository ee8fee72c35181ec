"""Where the microseconds go: one command for the next person. `make profile`.

1. The stages of a batch, in process, ours beside the floor's (benchmarks/stages.py).
2. The floor as a worker without decode and store, without store, and whole: what the transport costs.
3. A whole worker under a sampling profiler: CPU per event by module of ours, and the functions at work.

Nothing here is timed for the record: the profiler costs some percent, and the workload is smaller than that of
`make bench`.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgspec

from benchmarks import runs, stages
from benchmarks.baselines import run_floor
from benchmarks.floor import PARTS
from benchmarks.options import Options, options_of, parser
from benchmarks.sampled_worker import Sampled, Samples
from benchmarks.workload import Workload
from benchmarks.world import DAY, World
from streams.config import load

PROFILED = Workload(customers=50_000, events=300_000)
FUNCTIONS = 40

WAITING = ("run_forever", "run_until_complete", "select", "wait", "_worker")
RUNNERS = ("mode.worker:", "mode.threads:", "asyncio.runners:")
"""A thread that looks like this waits, or is in the event loop's own code, which has no frames of Python."""

Say = Callable[[str], None]


def measure(world: World, options: Options, say: Say) -> dict[str, Any]:
    told = stages.measure(world, options, say)
    with world.copy(DAY) as servers:
        size = load().batch_records
        parts = {part: run_floor(servers, world, size, part) for part in PARTS}
        floor = {part: ran.cpu_s / ran.events * 1e6 for part, ran in parts.items()}
        for part, us in floor.items():
            say(f"  floor, {part}: {us:.2f} µs of CPU an event")
        program = ("-m", "benchmarks.sampled_worker")
        run = runs.ours(servers, world, own=options.own, program=program, what="profiled")
        say(f"  {run.told()}")
        samples = between((servers.directory / "worker.samples").read_bytes(), run.began, run.began + run.seconds)
    for line in table(*samples, run.events):
        say(line)
    return {**told, "floor_parts_us": floor, "profiled": msgspec.to_builtins(run)}


def between(lines: bytes, began: float, ended: float) -> tuple[float, dict[str, Sampled]]:
    """Wall seconds, and what was seen of each thread, between two lines near the two moments. Never the same line."""
    seen = [msgspec.json.decode(line, type=Samples) for line in lines.splitlines()]
    first = min(seen[:-1], key=lambda samples: abs(samples.at - began))
    last = min((samples for samples in seen if samples.at > first.at), key=lambda samples: abs(samples.at - ended))
    threads = {}
    for name, now in last.threads.items():
        before = first.threads.get(name, Sampled(0.0, []))
        earlier = {(module, function): count for module, function, count in before.looks}
        looks = [(m, f, count - earlier.get((m, f), 0)) for m, f, count in now.looks]
        threads[name] = Sampled(now.cpu_s - before.cpu_s, [look for look in looks if look[2]])
    return last.at - first.at, threads


def table(wall_s: float, threads: dict[str, Sampled], events: int) -> list[str]:
    """CPU per event by thread, then by module of ours and by function."""
    lines = [f"threads, over {wall_s:.1f} s:"]
    modules: dict[str, float] = defaultdict(float)
    functions: dict[str, float] = defaultdict(float)
    for name, seen in sorted(threads.items(), key=lambda item: -item[1].cpu_s):
        shares, waiting = _working(seen, wall_s)
        lines.append(f"  {seen.cpu_s / events * 1e6:7.2f} µs an event  {name} (waits {waiting:.0%} of the time)")
        for (module, function), seconds in shares.items():
            modules[module or _library(function)] += seconds / events * 1e6
            functions[f"{function}  ({module or 'no code of ours'})"] += seconds / events * 1e6
    for title, found in (("module of ours, what it calls included", modules), ("function at work", functions)):
        lines.append(f"by {title}, µs an event:")
        largest = sorted(found.items(), key=lambda item: -item[1])[:FUNCTIONS]
        lines += [f"  {us:7.2f}  {name}" for name, us in largest]
    return lines


def _working(seen: Sampled, wall_s: float) -> tuple[dict[tuple[str, str], float], float]:
    """CPU seconds by (module, function), and the share of time in which the thread waited.

    A thread's looks in the loop are partly waiting, partly the loop's own work: what its CPU time leaves for it.
    """
    total = sum(count for *_, count in seen.looks)
    each = wall_s / total if total else 0.0
    at_work = {(m, f): count * each for m, f, count in seen.looks if not _idle(f)}
    work = sum(at_work.values())
    loop = max(0.0, seen.cpu_s - work)
    if work > seen.cpu_s > 0.0:  # it waited for the interpreter, too
        at_work = {place: seconds * seen.cpu_s / work for place, seconds in at_work.items()}
    shares = {**at_work, ("", "event loop: system calls, callbacks"): loop}
    return shares, max(0.0, 1.0 - seen.cpu_s / wall_s)


def _idle(function: str) -> bool:
    return function.startswith(RUNNERS) or function.rpartition(":")[2].rpartition(".")[2] in WAITING


def _library(function: str) -> str:
    return f"[{function.split(':')[0].split('.')[0]}]"


def main() -> None:
    made = parser(__doc__ or "")
    made.set_defaults(customers=PROFILED.customers, events=PROFILED.events)
    options = options_of(made.parse_args())
    with options.world(print) as world:
        measure(world, options, print)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
