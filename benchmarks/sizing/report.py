"""The figures of sizing as two tables, for the terminal and for docs/sizing.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.options import RESULTS
from benchmarks.report import count, mib
from benchmarks.servers import CODE
from benchmarks.sizing.arithmetic import Load, Measured, needed

RESULT: Final = RESULTS / "sizing.json"
DOCS: Final = CODE / "docs" / "sizing.md"
OF_WORLDS: Final = ("<!-- worlds: begin -->", "<!-- worlds: end -->")
OF_LOADS: Final = ("<!-- loads: begin -->", "<!-- loads: end -->")

WORLDS: Final = (
    "customers",
    "shards",
    "workers",
    "touchpoints/s",
    "due items to one",
    "µs a touchpoint: worker",
    "Redis",
    "broker",
    "RSS of a worker",
    "Redis, bytes a customer",
)
LOADS: Final = (
    "customers",
    "touchpoints a customer and day",
    "in the busiest hour",
    "workers",
    "Redis masters",
    "brokers",
    "Redis, GiB",
    "a day's standstill is caught up with in",
)
TYPICAL: Final = tuple(
    Load(customers, a_day, 6.0) for customers in (1_000_000, 10_000_000, 100_000_000) for a_day in (0.5, 5.0)
)
"""A shop whose customers are mostly silent, and a service of every day; six times the mean in the busiest hour."""


def worlds(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each world that was measured, in `WORLDS`."""
    return [
        (
            count(one["customers"]),
            str(one["shards"]),
            str(one["workers"]),
            count(one["rate"]),
            f"{one['due_to_one']:.2f}",
            *(f"{one['us'][process]:.1f}" for process in ("worker", "redis", "broker")),
            mib(one["rss"]),
            count(one["bytes"]),
        )
        for one in results["worlds"]
    ]


def dearest(results: Mapping[str, Any]) -> Measured:
    """What is planned with: of each figure the largest that was measured with one worker."""
    alone = [one for one in results["worlds"] if one["workers"] == 1]
    us = {process: max(one["us"][process] for one in alone) for process in ("worker", "redis", "broker")}
    most = max(one["customers"] for one in alone)
    return Measured(us["worker"], us["redis"], us["broker"], max(o["bytes"] for o in alone if o["customers"] == most))


def loads(measured: Measured, typical: Sequence[Load] = TYPICAL) -> list[tuple[str, ...]]:
    """A row for each load, in `LOADS`."""
    rows: list[tuple[str, ...]] = []
    for load in typical:
        told = needed(measured, load)
        rows.append(
            (
                count(load.customers),
                f"{load.a_day:g}",
                f"{count(told.peak)}/s",
                str(told.workers),
                str(told.masters),
                str(told.brokers),
                f"{told.gib:.1f}",
                f"{60 * told.back_h:,.0f} min",
            )
        )
    return rows


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As Markdown."""
    line = "|---" * len(heads) + "|"
    return "\n".join([f"| {' | '.join(heads)} |", line, *(f"| {' | '.join(row)} |" for row in rows)])


def of_worlds(results: Mapping[str, Any]) -> str:
    """The first table, and what it was measured on."""
    machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    lines = [table(WORLDS, worlds(results)), "", f"{results['events']:,} touchpoints each."]
    return "\n".join([*lines, f"Load of the machine before: {results['load']:.1f} a core. Measured on: {machine}."])


def of_loads(results: Mapping[str, Any]) -> str:
    """The second table, and the figures that it was worked out with."""
    planned = dearest(results)
    by = f"{planned.worker:.1f}, {planned.redis:.1f} and {planned.broker:.1f} µs of a worker, a Redis and a broker"
    told = f"Worked out with {by} a touchpoint, and {planned.a_customer:.0f} bytes a customer."
    return f"{table(LOADS, loads(planned))}\n\n{told}"
