"""What policies would have brought on a log, as `retention evaluate-policy` tells it: as JSON and in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.learning.off_policy import Value
    from models.simulation.logged_choice import Logged
    from models.simulation.logged_values import Against, Judged, Report, Target

TWO_SIDED = 1.96
"""Standard errors to either side of an estimate that hold the truth in 95 of 100 cases."""
HEADS = ("a row brings", "95 %", "doubly robust", "95 %", "rows that tell")


def evaluated(
    rows: Logged, actions: Sequence[str], learned: int | None, others: Sequence[Target] = ()
) -> tuple[dict[str, Any], Report]:
    """actions: their names. learned: learn from so many rows, the first ones, and judge on the others. others: policies
    to be judged too."""
    from models.simulation.logged_choice import decide
    from models.simulation.logged_values import judged

    decided = decide(rows, train=learned)
    report = judged(rows, decided, actions, slice(learned or 0, None), others)
    summary: dict[str, Any] = {
        "rows": len(rows.rewards),
        "trained_on": learned,
        "versions": decided.versions,
        "policies": [_plain(one) for one in report.policies],
        "best_constant": report.best,
        "differences": [_plain_difference(one) for one in report.against],
        "warnings": list(_warnings(report)),
    }
    if learned is not None:
        # The same rows by which it learned, each decided by those before it.
        before = judged(rows, decided, actions, slice(0, learned), others)
        summary["while_learning"] = [_plain(one) for one in before.policies]
    return summary, report


def rows_learned(train: float | None, rows: int) -> int | None:
    """Raises ValueError where it leaves none to learn from, or none to judge on."""
    learned = None if train is None else int(train * rows)
    if learned is not None and not 0 < learned < rows:
        raise ValueError(f"--train is {train}: of {rows} rows it leaves none to learn from, or none to judge on")
    return learned


def _plain(one: Judged) -> dict[str, Any]:
    value = one.value
    told = {name: _rounded(getattr(value, name)) for name in ("ips", "ips_se", "snips", "snips_se", "dr", "dr_se")}
    return (
        {"policy": one.name, "kind": one.kind}
        | told
        | {
            "ess": round(value.ess, 1),
            "mean_weight": _rounded(value.mean_weight),
            "unsupported": _rounded(value.unsupported),
            "overlap": value.overlap,
            "n": value.n,
        }
    )


def _plain_difference(one: Against) -> dict[str, Any]:
    return {"policy": one.name, "against": one.other, "snips": _rounded(one.mean), "snips_se": _rounded(one.se)}


def _rounded(value: float) -> float | None:
    # JSON has no nan. Six digits that count, whatever the unit.
    return None if math.isnan(value) else float(f"{value:.6g}")


def _warnings(report: Report) -> Iterator[str]:
    from models.learning.off_policy import MOST_UNSUPPORTED

    for one in report.policies:
        if one.value.unsupported > MOST_UNSUPPORTED:
            share = f"{one.value.unsupported:.0%}"
            whom = f"{one.name!r}" + (" for everybody" if one.kind == "constant" else "")
            yield f"{whom} is not estimable: {share} of what it does had no chance in the log"
            continue
        if one.kind == "constant" and not one.value.fits:
            yield (
                f"the chance of {one.name!r} is said to be other than it was: its weights have a mean of "
                f"{one.value.mean_weight:.3f}, not 1; all values lean on the chances"
            )
        if not one.value.overlap:
            yield f"no overlap for {one.name!r}: {one.value.ess:,.0f} of {one.value.n:,} rows tell of it: noise"


def lines(summary: dict[str, Any], report: Report, actions: Sequence[str]) -> Iterator[str]:
    """The values, a policy a line, and what is to be known of them."""
    first = report.policies[0].value
    if summary["trained_on"] is not None:
        yield f"learned from the first {summary['trained_on']:,} rows, judged on the other {first.n:,}"
    elif "draws" in summary:
        yield f"each of {first.n:,} draws is decided by what was known at its time ({summary['versions']} versions)"
    else:
        yield f"each of {first.n:,} rows is decided by what the rows before it taught ({summary['versions']} versions)"
    if summary.get("left_out"):
        yield f"no room for {', '.join(summary['left_out'])}: with so many actions fewer features can be learned"
    names = [_named(one) for one in report.policies]
    width = max(map(len, names))
    yield " " * width + "  " + "  ".join(f"{head:>14}" for head in HEADS)
    for name, one in zip(names, report.policies, strict=True):
        yield f"{name:<{width}}  " + "  ".join(f"{cell:>14}" for cell in _cells(one.value))
    yield from _differences(report)
    yield from _deeds(report.policies[0], actions)
    for text in summary["warnings"]:
        yield f"note: {text}"
    yield from summary.get("plots", ())


def _named(one: Judged) -> str:
    if one.kind == "learned":
        return "learned: the best by its scores"
    if one.kind == "with_promise":
        return "learned, with caution and floors"
    if one.kind == "random":
        return "random"
    if one.kind == "policy":
        return f"{one.name}, by its figures"
    return f"all: {one.name}"


def _cells(value: Value) -> tuple[str, ...]:
    if math.isnan(value.snips):
        return ("-", "", "-", "", "no chance" if value.unsupported else f"{value.ess:,.0f} too few")
    few = "" if value.overlap else " too few"
    return (
        _number(value.snips),
        f"± {_number(TWO_SIDED * value.snips_se)}",
        _number(value.dr),
        f"± {_number(TWO_SIDED * value.dr_se)}",
        f"{value.ess:,.0f}{few}",
    )


def _differences(report: Report) -> Iterator[str]:
    for one in report.against:
        if math.isnan(one.mean):
            continue
        margin = TWO_SIDED * one.se
        said = "better" if one.mean > margin else "worse" if one.mean < -margin else "not to be told apart"
        best = ", the best action for everybody" if one.other == report.best else ""
        yield f"{one.name} against {one.other}{best}: {one.mean:+.4g} ± {margin:.2g} a row: {said}"


def _deeds(learned: Judged, actions: Sequence[str]) -> Iterator[str]:
    shares = sorted(zip(learned.does, actions, strict=True), key=lambda one: (-one[0], one[1]))
    shown = [f"{name} {share:.0%}" for share, name in shares if share >= 0.005][:8]
    yield f"it does: {', '.join(shown)}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}" if abs(value) < 1_000 else f"{value:,.0f}"
