"""`retention evaluate`."""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.options import a_log, configured, echo_json, json_option
from streams.config import Config, ConfigError
from streams.errors import EngineError
from streams.words import moment

if TYPE_CHECKING:
    from models.evaluation import Predictions
    from models.settings import EngineSettings
    from streams.evaluation import Table

REPORT_EVERY_S = 1.0
LEAST, MOST = 1e-4, 1 - 1e-4


class NothingToEvaluate(EngineError):
    """A log without a tick that can be scored."""

    remedy = "a log needs signs of staying (--alive) over more than a tick; `retention rehearse` shows what it holds"


class ResultNotWritten(EngineError):
    """A file of the results can't be written."""

    remedy = "name a file in a folder that exists and that you may write to, with room left"


@click.command()
@click.argument("log", shell_complete=a_log)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="predictions as CSV (.gz: compressed)")
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), help="folder for the pictures (PNG)")
@click.option("--first-week", type=click.IntRange(1), default=1, show_default=True, help="of the quality that is shown")
@click.option("--last-week", type=click.IntRange(1), help="the same")
@json_option("the summary as one JSON object")
@configured("horizon_days", "tick_days", "alive", "partitions")
def evaluate(
    config: Config,
    log: str,
    out: Path | None,
    plots: Path | None,
    first_week: int,
    last_week: int | None,
    as_json: bool,
) -> None:
    """How good would the model's predictions have been on this log, from its first week on?

    LOG as for `retention replay`; `cdnow` is the public data set. The log goes through the engine's own records,
    features, model, learner and clock; every tick's probabilities (no sign of staying within the horizon) are those of
    the moment, knowing nothing of what came later.

    \b
    Examples:
      retention evaluate cdnow --out predictions.csv
      retention evaluate purchases.csv.gz --horizon-days 28 --plots plots/
    """
    from models.evaluation import evaluate as run  # loads River
    from streams.evaluation import Signs, as_evaluation, decided
    from streams.log_events import log_events
    from streams.replay import logs, tape

    begun = time.monotonic()
    events = log_events(log)
    signs = Signs(events, config.engine())
    if signs.first is None:
        raise NothingToEvaluate(f"{log} holds no sign of staying ({config.alive})")
    try:
        settings = as_evaluation(config, signs.first).engine()
    except ValueError as error:
        raise ConfigError(str(error)) from error
    with _written("--out", out):
        if out is not None:
            out.open("a").close()  # before the work, not after it
    with _written("--plots", plots):
        if plots is not None:
            plots.mkdir(parents=True, exist_ok=True)
    told: list[Predictions] = []
    reported = begun

    def said(predictions: Predictions) -> None:
        nonlocal reported
        if len(predictions.customers):
            told.append(predictions)
        if time.monotonic() - reported >= REPORT_EVERY_S:
            reported = time.monotonic()
            click.echo(f"{moment(predictions.tick)}  {len(predictions.customers):,} customers", err=True)

    run(logs(tape(events, config.partitions, settings), config.partitions), settings, said, config.topic("touchpoints"))
    told = [predictions for predictions in told if predictions.tick >= settings.anchor + settings.tick]
    if not told:
        raise NothingToEvaluate(f"{log} is over before its first tick, {config.tick_days:g} days after its first day")
    seconds = time.monotonic() - begun
    if out is not None:
        with _written("--out", out):
            _write(out, told)
    table = decided(_weeks(told, settings, first_week, last_week), signs, settings)
    summary = _summary(told, table, len(events), seconds, settings)
    if plots is not None:
        from streams.plots import draw

        with _written("--plots", plots):
            summary["plots"] = [str(path) for path in draw(plots, table)]
    if as_json:
        echo_json(summary)
    else:
        _show(summary)


@contextmanager
def _written(option: str, path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResultNotWritten(f"{option} is {str(path)!r}: {error.strerror or error}") from error


def _weeks(
    told: list[Predictions], settings: EngineSettings, first_week: int, last_week: int | None
) -> list[Predictions]:
    """Those of the ticks from `first_week` to `last_week`; a week is that many times seven days after the first day."""
    from models.settings import DAY

    def week(predictions: Predictions) -> float:
        return (predictions.tick - settings.anchor) / (7 * DAY)

    return [p for p in told if week(p) >= first_week and (last_week is None or week(p) <= last_week)]


def _write(out: Path, told: list[Predictions]) -> None:
    with (
        gzip.open(out, "wt", encoding="utf-8", newline="")
        if out.suffix == ".gz"
        else out.open("w", encoding="utf-8", newline="") as text
    ):
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("customer_id", "tick", "probability"))
        for predictions in told:
            day = datetime.fromtimestamp(predictions.tick / 1000, UTC).strftime("%Y-%m-%d")
            clipped = predictions.probabilities.clip(LEAST, MOST).tolist()
            writer.writerows(
                (customer.decode(), day, f"{probability:.6f}")
                for customer, probability in zip(predictions.customers, clipped, strict=True)
            )


def _summary(
    told: list[Predictions], table: Table, events: int, seconds: float, settings: EngineSettings
) -> dict[str, Any]:
    from models.churn.quality import quality
    from streams.costs import costs

    found = quality(table.ticks, table.churned, table.probabilities)._asdict() if len(table.ticks) else None
    return {
        "events": events,
        "customers": len(told[-1].customers),
        "ticks": len(told),
        "predictions": sum(len(predictions.customers) for predictions in told),
        "quality": found and {name: round(value, 5) for name, value in found.items()},
        "seconds": round(seconds, 1),
        "cost": costs(settings),
    }


def _show(summary: dict[str, Any]) -> None:
    click.echo(
        f"{summary['events']:,} events of {summary['customers']:,} customers, {summary['ticks']} ticks, "
        f"{summary['predictions']:,} predictions in {summary['seconds']} s"
    )
    if summary["quality"] is None:
        click.echo("no horizon is over within these weeks: nothing to hold the predictions against")
    else:
        for name, value in summary["quality"].items():
            click.echo(f"  {name.replace('_', ' '):<16} {value:,}")
    cost = summary["cost"]
    click.echo(f"a score takes {cost['us_per_score']} us, learning an example {cost['us_per_example']} us, on one core")
    for path in summary.get("plots", ()):
        click.echo(path)
