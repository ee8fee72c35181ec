"""The rivals as a table: on the terminal, and in docs/performance.md between its markers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.options import RESULTS
from benchmarks.report import count, mib, ratio

RESULT: Final = RESULTS / "rivals.json"
MARKERS: Final = ("<!-- rivals: begin -->", "<!-- rivals: end -->")

TITLES: Final = {
    "engine": "the engine",
    "floor": "the floor",
    "expert": "the expert's loop, MGET each batch",
    "expert-keeps": "the expert's loop, records kept",
    "kafka-streams": "Kafka Streams, two threads, commit every second",
}
COLUMNS: Final = ("", "events/s", "engine to it", "CPU µs an event: worker", "broker", "Redis", "RSS", "triggers")


def rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each that was run, in `COLUMNS`."""
    return [_row(title, results[name]) for name, title in TITLES.items() if name in results]


def _row(title: str, told: Mapping[str, Any]) -> tuple[str, ...]:
    cpu = told["cpu_us"]
    return (
        title,
        count(told["events_per_s"]),
        ratio(told["ratio"]) if "ratio" in told else "–",
        *(f"{cpu[process]:.1f}" for process in ("worker", "broker", "redis")),
        mib(told["rss"]) if told["rss"] else "–",
        "–" if told["triggers"] is None else count(told["triggers"]),
    )


def terminal(results: Mapping[str, Any]) -> str:
    """The table as plain text."""
    table = [COLUMNS, *rows(results["rivals"])]
    wide = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, wide, strict=True)).rstrip() for row in table]
    return "\n".join(lines)


def markdown(results: Mapping[str, Any]) -> str:
    """The table, the size of the runs, the machine and its load, for the documentation."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in rows(results["rivals"])]
    size = ", ".join(f"{value:,} {name}" for name, value in results["size"].items())
    lines += ["", f"Size of the runs: {size}. Load of the machine before them: {results['load']:.1f} a core."]
    machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    lines += ["", f"Measured on: {machine}."]
    return "\n".join(lines)
