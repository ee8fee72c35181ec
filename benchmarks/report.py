"""Figures as a table: on the terminal, and in docs/performance.md between its markers.

python -m benchmarks.report            # the table of benchmarks/results/throughput.json
python -m benchmarks.report --docs     # and into docs/performance.md
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.options import RESULT, SILENT_RESULT
from benchmarks.servers import CODE

DOCS = CODE / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
OF_SILENCE = ("<!-- silent: begin -->", "<!-- silent: end -->")
MIB = 1 << 20


class Row(NamedTuple):
    """A figure: what it is, where it stands in the results, how it is written, what was aimed at, how to get it."""

    title: str
    name: str
    shown: Callable[[Any], str]
    target: str
    command: str


def count(value: float) -> str:
    return f"{value:,.0f}"


def ratio(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def ms(value: float) -> str:
    return f"{value:,.0f} ms"


def mib(value: float) -> str:
    return f"{value / MIB:,.0f} MiB"


def seconds(value: float) -> str:
    return f"{value:,.1f} s"


def growth(values: Sequence[float]) -> str:
    return " ".join(f"{value / MIB:,.0f}" for value in values) + " MiB"


def shares(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.0%}" for name, value in values.items()) or "never"


def micros(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in values.items()) + " µs"


THROUGHPUT, LATENCY = "benchmarks.throughput", "benchmarks.latency"
ROWS = (
    Row("events/s, one worker", "engine_events_per_s", count, "", THROUGHPUT),
    Row("events/s, the peer", "peer_events_per_s", count, "", THROUGHPUT),
    Row("events/s, the floor", "floor_events_per_s", count, "", THROUGHPUT),
    Row("**ratio to idiomatic Faust**", "ratio_to_idiomatic_faust", ratio, "at least 30", THROUGHPUT),
    Row("**ratio to the floor**", "ratio_to_floor", ratio, "at least 0.40", THROUGHPUT),
    Row("CPU per event, ours", "engine_cpu_us", micros, "", THROUGHPUT),
    Row("CPU per event, the floor", "floor_cpu_us", micros, "", THROUGHPUT),
    Row("CPU per event, the peer", "peer_cpu_us", micros, "", THROUGHPUT),
    Row("shards stood still", "waited", shares, "", THROUGHPUT),
    Row("catching up with the backlog", "catch_up_s", seconds, "", THROUGHPUT),
    Row("worker's resident size meanwhile", "worker_rss_over_time", growth, "flat", THROUGHPUT),
    Row("touchpoint to trigger, p50", "latency_p50_ms", ms, "", LATENCY),
    Row("**touchpoint to trigger, p99**", "latency_p99_ms", ms, "under 250 ms", LATENCY),
    Row("without transactions, p50", "latency_plain_p50_ms", ms, "", LATENCY),
    Row("without transactions, p99", "latency_plain_p99_ms", ms, "", LATENCY),
    Row("**Redis bytes per customer, in all**", "redis_bytes_per_customer", count, "at most 600", "benchmarks.memory"),
    Row("– the value", "redis_bytes_value", count, "", "benchmarks.memory"),
    Row("– the key", "redis_bytes_key", count, "", "benchmarks.memory"),
    Row("– the due set", "redis_bytes_due_set", count, "", "benchmarks.memory"),
    Row("– a share of what no customer makes larger", "redis_bytes_shared", count, "", "benchmarks.memory"),
    Row("due customers evaluated per second", "due_items_per_s", count, "", "benchmarks.silence"),
    Row("two workers against one", "scaling_two_workers", ratio, "", "benchmarks.scaling"),
)


def rows(results: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """(figure, value, target, command) for every figure that is in the results."""
    return [
        (row.title, row.shown(results[row.name]), row.target, f"python -m {row.command}")
        for row in ROWS
        if row.name in results
    ]


def terminal(results: Mapping[str, Any]) -> str:
    """The table as plain text."""
    told = [(title.replace("*", ""), value, target) for title, value, target, _ in rows(results)]
    wide = max((len(title) for title, *_ in told), default=0)
    return "\n".join(
        f"{title:<{wide}}  {value}" + (f"   ({target})" if target else "") for title, value, target in told
    )


def markdown(results: Mapping[str, Any]) -> str:
    """The table, the stages and the machine, for the documentation."""
    lines = ["| figure | value | aim | command |", "|---|---|---|---|"]
    lines += [f"| {title} | {value} | {target} | `{command}` |" for title, value, target, command in rows(results)]
    for name, stages in results.get("stages_us", {}).items():
        told = ", ".join(f"{stage} {us:.2f}" for stage, us in stages.items())
        lines += ["", f"CPU of a batch by stage, {name}, µs per event: {told}; {sum(stages.values()):.2f} together."]
    if size := results.get("size"):
        told = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in size.items())
        # Counted, not as asked for: a part that was measured alone has its place in the same results.
        runs = max(map(len, results.get("runs", {}).values()), default=0)
        lines += ["", f"Size of the runs: {told}" + (f", {runs} runs." if runs else ".")]
    if machine := results.get("machine"):
        told = ", ".join(f"{name} {value}" for name, value in machine.items())
        lines += ["", f"Measured on: {told}."]
    return "\n".join(lines)


def refreshed(text: str, figures: str, markers: tuple[str, str] = (BEGIN, END)) -> str:
    """The document with the figures between its markers. ValueError when it has none."""
    before, begin, rest = text.partition(markers[0])
    _, end, after = rest.partition(markers[1])
    if not begin or not end:
        raise ValueError(f"the document lacks the line {markers[0]!r} or {markers[1]!r}: put them where figures belong")
    return f"{before}{begin}\n\n{figures}\n\n{end}{after}"


def save(results: Mapping[str, Any], path: Path = RESULT) -> None:
    """Write the results; figures of parts that were not run this time stay as they were."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    path.write_bytes(msgspec.json.format(msgspec.json.encode({**known, **results}), indent=2) + b"\n")


def main() -> None:
    if not RESULT.exists():
        raise SystemExit(f"{RESULT.relative_to(CODE)} is not there yet: run `make bench` first")
    results = msgspec.json.decode(RESULT.read_bytes())
    print(terminal(results))
    if "--docs" not in sys.argv[1:]:
        return
    text = refreshed(DOCS.read_text(encoding="utf-8"), markdown(results))
    if SILENT_RESULT.exists():
        text = refreshed(text, markdown(msgspec.json.decode(SILENT_RESULT.read_bytes())), OF_SILENCE)
    DOCS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
