"""Engine, floor and two rivals in turn on one world; writes benchmarks/results/rivals.json and prints the table.

The rivals are an expert's hand-written loop, once as it is and once with its records kept in memory, and a Kafka
Streams application (benchmarks/rivals/*/README.md). Needs Java and Maven. Each run must apply every touchpoint and
publish every trigger that it decided on, and all rivals must have the same triggers: else the command fails.

python -m benchmarks.rivals                                              # about 25 minutes on two cores
python -m benchmarks.rivals --customers 50000 --events 300000 --runs 3   # smaller
python -m benchmarks.rivals --only engine --only expert
python -m benchmarks.rivals --docs                                       # and the table into docs/performance.md
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.machine import busy, machine
from benchmarks.options import options_of, parser
from benchmarks.report import DOCS, refreshed, save
from benchmarks.rivals.comparison import NAMES, alternating
from benchmarks.rivals.kafka_streams.build import NotBuilt, built, tools
from benchmarks.rivals.outputs import LostOutput, RivalsDisagree
from benchmarks.rivals.report import MARKERS, RESULT, markdown, terminal
from streams.local.processes import ProgramMissing


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    made = parser(__doc__ or "", NAMES)
    made.add_argument("--docs", action="store_true", help="write the table into docs/performance.md as well")
    told = made.parse_args()
    names = tuple(told.only or NAMES)
    try:
        tools()  # the broker comes from Maven, too
        built()
    except (ProgramMissing, NotBuilt) as error:
        raise SystemExit(f"the rivals need Java 17 and Maven: {error}") from error
    options = options_of(told)
    size = {"customers": options.workload.customers, "touchpoints": options.workload.events}
    results: dict[str, Any] = {"machine": machine(), "load": busy(), "size": size, "settings": options.own}
    try:
        with options.world(say) as world:
            for number, found in enumerate(alternating(world, options, names, say), 1):
                results |= {"rivals": found, "size": {**size, "runs": number}}
                save(results, RESULT)
    except (LostOutput, RivalsDisagree) as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from error
    say("\n" + terminal(results))
    if told.docs:
        DOCS.write_text(refreshed(DOCS.read_text(encoding="utf-8"), markdown(results), MARKERS), encoding="utf-8")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
