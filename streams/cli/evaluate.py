"""`retention evaluate`: the quality of the churn model's predictions over a log; with --value, of customers' values."""

from __future__ import annotations

import csv
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.log_evaluation import (
    NothingToJudge,
    Weeks,
    counted,
    make_folder,
    opened_csv,
    progress,
    tick_text,
    written,
)
from streams.cli.options import a_log, configured, echo, echo_json, json_option
from streams.config import Config

if TYPE_CHECKING:
    from models.settings import EngineSettings
    from models.simulation.evaluation import Predictions
    from streams.history.evaluation.outcomes import Table

LEAST, MOST = 1e-4, 1 - 1e-4
MOST_LONGER_DAYS = 3_653.0


@click.command()
@click.argument("log", shell_complete=a_log)
@click.option(
    "--out",
    "--predictions",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="predictions as CSV (.gz: compressed)",
)
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), help="folder for the pictures (PNG)")
@click.option("--first-week", type=click.IntRange(1), default=1, show_default=True, help="of the quality that is shown")
@click.option("--last-week", type=click.IntRange(1), help="the same")
@click.option("--value", is_flag=True, help="what customers will spend, in place of whether they stay")
@click.option(
    "--longer-days",
    type=click.FloatRange(0, MOST_LONGER_DAYS, min_open=True),
    multiple=True,
    help="with --value: the same model over a longer horizon; repeatable",
)
@click.option(
    "--discount",
    type=click.FloatRange(0, 1),
    help="with --value: continuous rate a year by which later spend counts less",
)
@json_option("the summary as one JSON object")
@configured("horizon_days", "tick_days", "alive", "partitions", "log_gap_days")
def evaluate(
    config: Config,
    log: str,
    out: Path | None,
    plots: Path | None,
    first_week: int,
    last_week: int | None,
    value: bool,
    longer_days: tuple[float, ...],
    discount: float | None,
    as_json: bool,
) -> None:
    """How good would the model's predictions have been on this log, from its first week on?

    LOG as for `retention replay`; `cdnow` is the public data set. The log goes through the engine's own records,
    features, model, learner and clock; every tick's probabilities (no sign of staying within the horizon) are those of
    the moment, knowing nothing of what came later. Rows of a CSV log of types that no touchpoint corresponds to are
    passed over, and counted.

    With --value: what each customer whose silence is of two horizons at most will spend within the horizon, less what
    they send back (docs/value.md), and how that compares with what they did spend.

    \b
    Examples:
      retention evaluate cdnow --out predictions.csv
      retention evaluate purchases.csv.gz --horizon-days 28 --plots plots/
      retention evaluate cdnow --value --first-week 39 --predictions values.csv.gz
    """
    if last_week is not None and first_week > last_week:
        raise click.UsageError(f"--first-week {first_week} is after --last-week {last_week}")
    if not value:
        for name, given in (("--longer-days", longer_days), ("--discount", discount)):
            if given:
                raise click.UsageError(f"{name} is of values: give --value with it")
    if value:
        from streams.cli.evaluate_value import Asked, evaluate_value

        asked = Asked(out, plots, first_week, last_week, longer_days, discount or 0.0, as_json)
        evaluate_value(config, log, asked)
        return
    from models.learning.base_rate import warnings
    from streams.history.evaluation.outcomes import decided
    from streams.history.evaluation.run import predictions, prepare  # loads River

    begun = time.monotonic()
    prepared = prepare(config, log, counted())
    with written("--out", out):
        if out is not None:
            out.open("a").close()  # before the work, not after it
    make_folder(plots)
    predicted, world = predictions(prepared, progress())
    settings, signs = prepared.settings, prepared.signs
    seconds = time.monotonic() - begun
    if out is not None:
        with written("--out", out):
            _write(out, predicted)
    weeks = Weeks(prepared.first, first_week, last_week)
    table = decided([one for one in predicted if weeks.hold(one.tick)], signs, settings)
    summary = _summary(predicted, table, len(prepared.events), seconds, settings) | {
        "models": _contest(world.learning.model.summary()),
        "passed_over": dict(prepared.passed_over.most_common()),
    }
    if plots is not None:
        from streams.history.evaluation.plots import draw

        with written("--plots", plots):
            summary["plots"] = [str(path) for path in draw(plots, table)]
    if as_json:
        echo_json(summary)
    else:
        _show(summary)
    for text in warnings(summary["quality"] or {}, settings):
        echo(text, err=True)
    if not len(table.ticks) and weeks.asked:
        raise NothingToJudge(weeks.why(predicted[-1].tick, signs.end - settings.horizon))


def _write(out: Path, predicted: list[Predictions]) -> None:
    with opened_csv(out) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("customer_id", "tick", "probability"))
        for predictions in predicted:
            tick = tick_text(predictions.tick)
            clipped = predictions.probabilities.clip(LEAST, MOST).tolist()
            writer.writerows(
                (customer.decode(), tick, f"{probability:.6f}")
                for customer, probability in zip(predictions.customers, clipped, strict=True)
            )


def _summary(
    predicted: list[Predictions], table: Table, events: int, seconds: float, settings: EngineSettings
) -> dict[str, Any]:
    from models.simulation.quality import quality
    from streams.history.evaluation.costs import costs

    found = quality(table.ticks, table.churned, table.probabilities)._asdict() if len(table.ticks) else None
    return {
        "events": events,
        "customers": len(predicted[-1].customers),
        "ticks": len(predicted),
        "predictions": sum(len(predictions.customers) for predictions in predicted),
        # JSON has no nan: where there is one class only, nothing can be ranked.
        "quality": found and {name: None if math.isnan(value) else round(value, 5) for name, value in found.items()},
        "seconds": round(seconds, 1),
        "cost": costs(settings),
    }


def _contest(models: dict[str, Any]) -> dict[str, Any]:
    """Champion and challengers at the end of the log, by what each had predicted when the examples were observed."""
    shown = ("champion", "labels", "log_loss", "auc", "better_by_at_least")
    return {
        name: {
            key: round(found[key], 5) if isinstance(found[key], float) else found[key] for key in shown if key in found
        }
        for name, found in models.items()
    }


def _role(found: dict[str, Any]) -> str:
    if found["champion"]:
        return "decides"
    least = found["better_by_at_least"]
    return f"better by {least:.4f} at least" if least > 0.0 else "not shown to be better"


def _show(summary: dict[str, Any]) -> None:
    echo(
        f"{summary['events']:,} events of {summary['customers']:,} customers, {summary['ticks']} ticks, "
        f"{summary['predictions']:,} predictions in {summary['seconds']} s"
    )
    if summary["quality"] is None:
        echo("no horizon is over within these weeks: nothing to hold the predictions against")
    else:
        for name, value in summary["quality"].items():
            echo(f"  {name.replace('_', ' '):<16} {'none: one class only' if value is None else f'{value:,}'}")
    for name, found in summary["models"].items():
        if found["labels"]:
            echo(f"model {name}: log-loss {found['log_loss']:.4f} over {found['labels']:,} labels, {_role(found)}")
    cost = summary["cost"]
    echo(f"a score takes {cost['us_per_score']} us, learning an example {cost['us_per_example']} us, on one core")
    for path in summary.get("plots", ()):
        echo(path)
