"""All measurements in one go; writes benchmarks/results/throughput.json and prints the table.

python -m benchmarks                    # make bench: about 25 minutes on two cores
python -m benchmarks --quick            # make bench-quick: a few minutes, smaller in everything
python -m benchmarks --parts latency --parts memory
python -m benchmarks --silent           # the second world, most of whose customers are silent: about two hours
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import latency, memory, scaling, silence, stages, throughput
from benchmarks.machine import busy, machine
from benchmarks.options import RESULT, SILENT_RESULT, Options, options_of, parser
from benchmarks.report import save, terminal
from benchmarks.world import World

BUSY = 0.3
Say = Callable[[str], None]
Part = Callable[[World, Options, Say], dict[str, Any]]

PARTS: dict[str, Part] = {
    "throughput": throughput.alternating,
    "scaling": scaling.measure,
    "silence": silence.measure,
    "memory": lambda world, options, say: memory.measure(world, say),
    "stages": stages.measure,
    "latency": lambda world, options, say: latency.measure(options, say),
}
SILENT_PARTS = ("throughput", "silence", "memory", "stages")


def measure(options: Options, parts: Sequence[str], say: Say, path: Path = RESULT) -> dict[str, Any]:
    """Run the parts on one prepared world; saves to `path` after each, so that what is done is kept."""
    results: dict[str, Any] = {
        "machine": machine(),
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "size": {
            "customers": options.workload.customers,
            "touchpoints": options.workload.events,
            "of_them_for_the_peer": options.peer_events,
        },
        "settings": options.own,
        "appendfsync": options.appendfsync,
    }
    began = time.monotonic()
    with options.world(say) as world:
        results["warm_start_s"] = world.facts.history_s
        for part in parts:
            say(f"{part} ({time.monotonic() - began:.0f} s after the start):")
            results |= PARTS[part](world, options, say)
            save(results, path)
    return results


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    made = parser(__doc__ or "")
    made.add_argument("--parts", choices=PARTS, action="append", help="only these (may be repeated)")
    told = made.parse_args()
    if (load := busy()) > BUSY:
        say(f"warning: the machine is busy already (load {load:.1f} a core): figures will be too low")
    of_silence = (SILENT_PARTS[:-1] if told.quick else SILENT_PARTS) if told.silent else tuple(PARTS)
    results = measure(options_of(told), told.parts or of_silence, say, SILENT_RESULT if told.silent else RESULT)
    say("\n" + terminal(results))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
