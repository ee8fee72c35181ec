"""What `retention simulate` prints for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Row = Mapping[str, Any]
MOST_GATES: Final = 3
"""Gates that are named of an action."""


def lines(told: Row) -> Iterator[str]:
    """A policy's report."""
    totals = told["totals"]
    moments = sum(totals[end] for end in ("triggered", "left_alone", "control", "held", "void"))
    yield f"{told['file']} ({told['sha256'][:8]}): {totals['customers']:,} customers, {totals['episodes']:,} episodes"
    yield (
        f"{moments:,} moments: {totals['triggered']:,} triggered, {totals['left_alone']:,} left alone by the draw "
        f"({totals['not_worth']:,} since nothing was worth its cost), {totals['control']:,} of the control group, "
        f"{totals['held']:,} held for good, {totals['void']:,} void"
    )
    yield (
        f"touched {totals['touched']:,} ({totals['touched_share']:.0%}); by the policy's figures: contact and action "
        f"{totals['cost']:,.2f}, discounts {totals['discount']:,.2f}, effect {totals['effect']:,.2f}, net "
        f"{totals['net']:,.2f}; not had from the control group {totals['control_money']:,.2f}, by the draw "
        f"{totals['left_alone_money']:,.2f}"
    )
    contacts = told["contacts"]
    yield f"contacts of a customer who is touched: {_quantiles(contacts['per_customer'])}"
    yield f"  in their fullest 30 days: {_quantiles(contacts['most_in_30_days'])}"
    yield f"days after the last purchase: {_quantiles(contacts['days_since_purchase'])}"
    yield "triggers"
    yield from _chosen(
        told["triggers"], ("kind", "action", "moment", "channel", "level", "triggers", "cost", "discount")
    )
    yield "actions"
    yield from _table(
        ("action", "looked at", "passed", "triggers", "held by"),
        [[row["action"], row["looked_at"], row["passed"], row["triggers"], _gates(row)] for row in told["actions"]],
    )
    yield "moments"
    ends = ("triggered", "left_alone", "control", "held", "void")
    yield from _table(
        ("moment", "level", *ends, "days after"),
        [
            [row["moment"], row["level"], *(row[end] for end in ends), row["days_since_purchase"].get("p50", "-")]
            for row in told["levels"]
        ],
    )
    yield "gates"
    yield from _chosen(told["funnel"], ("gate", "candidates", "alone", "moments", "money"))
    if told["waits"]:
        yield "waits"
        yield from _table(
            ("gate", "waits", "customers", "days"),
            [[row["gate"], row["waits"], row["customers"], row["days"].get("p50", "-")] for row in told["waits"]],
        )
    if len(told["classes"]) > 1:
        yield "classes"
        named = [{**row, "class": row["class"] or "not stated"} for row in told["classes"]]
        yield from _chosen(named, ("class", "customers", "touched", "triggers", "cost", "discount"))


def compared(new: Row, old: Row, difference: Row) -> Iterator[str]:
    """Two policies side by side."""
    yield f"{new['file']} against {old['file']} ({old['sha256'][:8]})"
    rows = [
        [name.replace("_", " "), new["totals"][name], old["totals"][name], change]
        for name, change in difference["totals"].items()
    ]
    before, after = ({row["action"]: row["triggers"] for row in told["actions"]} for told in (old, new))
    rows += [
        [f"action {name}", after.get(name, 0), before.get(name, 0), change]
        for name, change in difference["actions"].items()
    ]
    yield from _table(("", "new", "old", "difference"), [[*row[:3], _signed(row[3])] for row in rows])


def _chosen(rows: Sequence[Row], names: Sequence[str]) -> Iterator[str]:
    """A table of some fields."""
    return _table(names, [[row[name] for name in names] for row in rows])


def _gates(row: Row) -> str:
    return ", ".join(f"{gate} {count:,}" for gate, count in list(row["held_by"].items())[:MOST_GATES]) or "-"


def _quantiles(found: Mapping[str, float]) -> str:
    if not found:
        return "none"
    return f"median {found['p50']:g}, p90 {found['p90']:g}, p99 {found['p99']:g}, at most {found['max']:g}"


def _signed(value: float) -> str:
    return f"{value:+,}" if isinstance(value, int) else f"{value:+,.2f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Numbers to the right, words to the left."""
    cells = [list(heads), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    right = [
        all(not isinstance(row[column], str) or row[column] == "-" for row in rows) for column in range(len(heads))
    ]
    for row in cells:
        padded = (
            f"{cell:>{width}}" if to_right else f"{cell:<{width}}"
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        yield ("  " + "  ".join(padded)).rstrip()


def _cell(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
