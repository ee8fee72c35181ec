"""`retention evaluate-policy`: what a learned choice of actions would have brought on a log of randomised ones."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.log_evaluation import make_folder, written
from streams.cli.options import a_file, configured, echo, echo_json, json_option
from streams.config import Config

if TYPE_CHECKING:
    from models.learning.off_policy import Value
    from models.simulation.logged_values import Against, Judged, Report
    from streams.history.evaluation.decision_log import DecisionLog

TWO_SIDED = 1.96
"""Standard errors to either side of an estimate that hold the truth in 95 of 100 cases."""


@click.command(name="evaluate-policy")
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path), shell_complete=a_file)
@click.option("--actions", required=True, metavar="COLUMN", help="what was done")
@click.option("--reward", required=True, metavar="COLUMN", help="what came of it, a number")
@click.option("--propensity", required=True, metavar="COLUMN|NUMBER", help="the chance of what was done")
@click.option("--features", required=True, metavar="COLUMN,...", help="what was known before, comma-separated")
@click.option("--cost", metavar="COLUMN", help="what it cost, subtracted from the reward")
@click.option("--none", metavar="ACTION", help="the action that means: nothing was done")
@click.option(
    "--train",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="FRACTION",
    help="learn from this share of the rows, the first ones, and judge on the rest",
)
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), help="folder for the picture (PNG)")
@json_option("one JSON object")
@configured()
def evaluate_policy(
    config: Config,
    log: Path,
    actions: str,
    reward: str,
    propensity: str,
    features: str,
    cost: str | None,
    none: str | None,
    train: float | None,
    plots: Path | None,
    as_json: bool,
) -> None:
    """What would a learned choice of actions have brought on this log, and what each action for everybody?

    LOG is CSV, plain or gzip, of decisions that were drawn by chance: what was done, how likely it was, what came, what
    was known before. It goes through the learned choice in its own order, once: each row is decided by what the rows
    before it taught. So sort it by time.

    \b
    Examples:
      retention evaluate-policy mailing.csv.gz --actions segment --reward visit --propensity 0.333 \\
        --features recency,history,channel
      retention evaluate-policy offers.csv --actions offer --reward margin --cost discount \\
        --propensity chance --features age,tenure --train 0.5 --json
    """
    from streams.history.evaluation.decision_log import ColumnsNamed, DecisionLogUnfit, read_decisions

    names = tuple(name.strip() for name in features.split(",") if name.strip())
    if not names:
        raise click.UsageError(f"--features is {features!r}; it must name at least one column")
    begun = time.monotonic()
    try:
        found = read_decisions(log, ColumnsNamed(actions, reward, propensity, names, cost, none))
    except OSError as error:
        raise DecisionLogUnfit(f"{log}: {error.strerror or error}") from error
    rows = len(found.rewards)
    learned = None if train is None else int(train * rows)
    if learned is not None and not 0 < learned < rows:
        raise DecisionLogUnfit(f"--train is {train}: of {rows} rows it leaves none to learn from, or none to judge on")
    make_folder(plots)
    summary, report = _evaluated(found, learned)
    summary |= {"seconds": round(time.monotonic() - begun, 1)}
    if plots is not None:
        from streams.history.evaluation.value_plots import draw

        with written("--plots", plots):
            summary["plots"] = [str(path) for path in draw(plots, report, reward)]
    if as_json:
        echo_json(summary)
        return
    for line in _lines(log, summary, report, found, reward if cost is None else f"{reward} less {cost}"):
        echo(line)


def _evaluated(found: DecisionLog, learned: int | None) -> tuple[dict[str, Any], Report]:
    import numpy as np

    from models.simulation.log_features import columns_of, encoded
    from models.simulation.logged_choice import MOST_COEFFICIENTS, Logged, decide
    from models.simulation.logged_values import judged

    room = min(48, MOST_COEFFICIENTS // len(found.actions)) - 1
    columns = columns_of(found.table, room)
    rows = Logged(
        encoded(found.table, columns, learned),
        np.array(found.taken, dtype=np.int64),
        np.array(found.propensities),
        np.array(found.rewards),
        len(found.actions),
    )
    decided = decide(rows, train=learned)
    report = judged(rows, decided, found.actions, slice(learned or 0, None))
    summary: dict[str, Any] = {
        "rows": len(found.rewards),
        "none": found.actions[0] if found.none else None,
        "trained_on": learned,
        "features": [name for column in columns for name in column.names],
        "left_out": [name for name in found.table if name not in {column.name for column in columns}],
        "versions": decided.versions,
        "policies": [_plain(one) for one in report.policies],
        "best_constant": report.best,
        "differences": [_plain_difference(one) for one in report.against],
        "warnings": list(_warnings(report, found)),
    }
    if learned is not None:
        # The same rows by which it learned, each decided by those before it.
        before = judged(rows, decided, found.actions, slice(0, learned))
        summary["while_learning"] = [_plain(one) for one in before.policies]
    return summary, report


def _plain(one: Judged) -> dict[str, Any]:
    value = one.value
    told = {name: _rounded(getattr(value, name)) for name in ("ips", "ips_se", "snips", "snips_se", "dr", "dr_se")}
    return (
        {"policy": one.name, "kind": one.kind}
        | told
        | {
            "ess": round(value.ess, 1),
            "mean_weight": _rounded(value.mean_weight),
            "overlap": value.overlap,
            "n": value.n,
        }
    )


def _plain_difference(one: Against) -> dict[str, Any]:
    return {"policy": one.name, "against": one.other, "snips": _rounded(one.mean), "snips_se": _rounded(one.se)}


def _rounded(value: float) -> float | None:
    # JSON has no nan. Six digits that count, whatever the unit.
    return None if math.isnan(value) else float(f"{value:.6g}")


def _warnings(report: Report, found: DecisionLog) -> Iterator[str]:
    for one in report.policies:
        if one.kind == "constant" and not one.value.fits:
            yield (
                f"the chance of {one.name!r} is said to be other than it was: its weights have a mean of "
                f"{one.value.mean_weight:.3f}, not 1; all values lean on the chances"
            )
        if not one.value.overlap:
            yield f"no overlap for {one.name!r}: {one.value.ess:,.0f} of {one.value.n:,} rows tell of it: noise"
    if not found.none:
        yield (
            f"no action surely means that nothing was done; {found.actions[0]!r}, the most frequent, is what others "
            "are held against: name another with --none"
        )


HEADS = ("a row brings", "95 %", "doubly robust", "95 %", "rows that tell")


def _lines(log: Path, summary: dict[str, Any], report: Report, found: DecisionLog, reward: str) -> Iterator[str]:
    first = report.policies[0].value
    yield (
        f"{summary['rows']:,} decisions of {log.name}, {len(found.actions)} actions, {reward}; "
        f"{len(summary['features'])} features of {len(found.table) - len(summary['left_out'])} columns"
    )
    if summary["trained_on"] is None:
        yield f"each of {first.n:,} rows is decided by what the rows before it taught ({summary['versions']} versions)"
    else:
        yield f"learned from the first {summary['trained_on']:,} rows, judged on the other {first.n:,}"
    if summary["left_out"]:
        yield f"no room for {', '.join(summary['left_out'])}: with so many actions fewer features can be learned"
    names = {one.name: _named(one, found) for one in report.policies}
    width = max(map(len, names.values()))
    yield " " * width + "  " + "  ".join(f"{head:>14}" for head in HEADS)
    for one in report.policies:
        yield f"{names[one.name]:<{width}}  " + "  ".join(f"{cell:>14}" for cell in _cells(one.value))
    yield from _differences(report)
    yield from _deeds(report.policies[0], found)
    for text in summary["warnings"]:
        yield f"note: {text}"
    yield from summary.get("plots", ())


def _named(one: Judged, found: DecisionLog) -> str:
    if one.kind == "learned":
        return "learned: the best by its scores"
    if one.kind == "with_promise":
        return "learned, with caution and floors"
    if one.kind == "random":
        return "random"
    return f"all: {one.name}"


def _cells(value: Value) -> tuple[str, ...]:
    return (
        _number(value.snips),
        f"± {_number(TWO_SIDED * value.snips_se)}",
        _number(value.dr),
        f"± {_number(TWO_SIDED * value.dr_se)}",
        f"{value.ess:,.0f}" if value.overlap else f"{value.ess:,.0f} too few",
    )


def _differences(report: Report) -> Iterator[str]:
    for one in report.against:
        if math.isnan(one.mean):
            continue
        margin = TWO_SIDED * one.se
        said = "better" if one.mean > margin else "worse" if one.mean < -margin else "not to be told apart"
        best = ", the best action for everybody" if one.other == report.best else ""
        yield f"learned against {one.other}{best}: {one.mean:+.4g} ± {margin:.2g} a row: {said}"


def _deeds(learned: Judged, found: DecisionLog) -> Iterator[str]:
    shares = sorted(zip(learned.does, found.actions, strict=True), key=lambda one: (-one[0], one[1]))
    shown = [f"{name} {share:.0%}" for share, name in shares if share >= 0.005][:8]
    yield f"it does: {', '.join(shown)}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}" if abs(value) < 1_000 else f"{value:,.0f}"
