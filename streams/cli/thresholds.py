"""`retention thresholds`: what thresholds of risk would have done on a log."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.log_evaluation import counted, make_folder, progress, written
from streams.cli.options import a_log, configured, echo, echo_json, json_option
from streams.config import Config

if TYPE_CHECKING:
    from models.simulation.thresholds import Operating, Silences

SHOWN = (0.35, 0.5, 0.65, 0.8)
DRAWN = tuple(step / 20 for step in range(4, 20))
"""Thresholds of the pictures."""
GROUPS = ((1, 1), (2, 3), (4, None))
"""Customers apart by the days with a sign of staying so far: who came once has no gap of their own."""


@click.command()
@click.argument("log", shell_complete=a_log)
@click.option(
    "--at",
    "thresholds",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    help="a threshold; repeatable (default: .35, .5, .65, .8 and `enter`)",
)
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), help="folder for the pictures (PNG)")
@json_option("one JSON object")
@configured("horizon_days", "tick_days", "alive", "enter", "partitions", "log_gap_days")
def thresholds(config: Config, log: str, thresholds: tuple[float, ...], plots: Path | None, as_json: bool) -> None:
    """At which risk should the engine speak? How early, how often rightly, and how many losses it would have seen.

    LOG as for `retention replay`; `cdnow` is the public data set. The log goes through the engine as `retention
    evaluate` sends it. A silence is the time from a sign of staying to the next one; it is lost when it lasts the whole
    horizon. A threshold speaks once in a silence: at the first tick with a risk that high. One's own gap is the mean
    distance of the days with a sign so far.

    \b
    Examples:
      retention thresholds cdnow
      retention thresholds purchases.csv.gz --horizon-days 28 --at 0.4 --at 0.6 --plots plots/
    """
    from models.simulation.thresholds import operating
    from streams.history.evaluation.run import predictions, prepare  # loads River
    from streams.history.evaluation.silences import silences_of

    begun = time.monotonic()
    prepared = prepare(config, log, counted())
    make_folder(plots)
    predicted, _ = predictions(prepared, progress())
    silences = silences_of(predicted, prepared.signs, prepared.settings)
    wanted = sorted(set(thresholds or (*SHOWN, config.enter)))

    def over(rows: Silences, at: tuple[float, ...] | list[float]) -> list[Operating]:
        return [operating(rows, one, prepared.settings.horizon, prepared.signs.end) for one in at]

    groups = {_named(*bounds): silences.where(_within(silences, *bounds)) for bounds in GROUPS}
    found = {name: over(rows, wanted) for name, rows in groups.items()}
    summary: dict[str, Any] = {
        "horizon_days": config.horizon_days,
        "seconds": round(time.monotonic() - begun, 1),
        "passed_over": dict(prepared.passed_over.most_common()),
        "by_days_with_a_sign": {name: list(map(_as_data, rows)) for name, rows in found.items()},
    }
    if plots is not None:
        from streams.history.evaluation.threshold_plots import draw

        with written("--plots", plots):
            drawn = draw(plots, {name: over(rows, DRAWN) for name, rows in groups.items()})
            summary["plots"] = [str(path) for path in drawn]
    if as_json:
        echo_json(summary)
        return
    for line in _lines(found, config.horizon_days):
        echo(line)
    for path in summary.get("plots", ()):
        echo(path)


def _within(silences: Silences, least: int, most: int | None) -> Any:
    return (silences.days >= least) & (silences.days <= (most or math.inf))


def _named(least: int, most: int | None) -> str:
    return f"{least} and more" if most is None else f"{least}" if least == most else f"{least} to {most}"


def _as_data(row: Operating) -> dict[str, Any]:
    # JSON has no nan.
    data = {name: None if math.isnan(value) else round(value, 4) for name, value in row._asdict().items()}
    return data | {"first": row.first, "lost": row.lost}


HEADS = ("threshold", "speaks", "of them left", "after days", "after own gaps", "losses seen", "within 2 gaps")


def _lines(found: dict[str, list[Operating]], horizon: float) -> Iterator[str]:
    for name, rows in found.items():
        lost = rows[0].lost
        yield f"days with a sign of staying: {name}; {lost:,} silences lasted the horizon of {horizon:g} days"
        yield "  " + "  ".join(HEADS)
        for row in rows:
            yield "  " + "  ".join(f"{cell:>{len(head)}}" for cell, head in zip(_cells(row), HEADS, strict=True))


def _cells(row: Operating) -> tuple[str, ...]:
    silent = (_number(row.median_days), _number(row.median_gaps))
    return f"{row.threshold:.2f}", f"{row.first:,}", _share(row.left), *silent, _share(row.caught), _share(row.early)


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0%}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}"
