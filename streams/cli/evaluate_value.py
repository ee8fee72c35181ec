"""`retention evaluate --value`: the quality of customers' values over a log."""

from __future__ import annotations

import csv
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from models.settings import DAY
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
from streams.cli.options import echo, echo_json
from streams.config import Config

if TYPE_CHECKING:
    from models.simulation.value import Valued
    from streams.history.evaluation.values import ValuedLog, ValueTable

YOUNG = ((2, 5), (6, 13), (14, 25))
"""Windows by the age of the log, in weeks: first and last."""


class Asked(NamedTuple):
    """What `retention evaluate --value` was asked for, by option."""

    out: Path | None
    plots: Path | None
    first_week: int
    last_week: int | None
    longer_days: tuple[float, ...]
    discount: float
    as_json: bool


def evaluate_value(config: Config, log: str, asked: Asked) -> None:
    """What `retention evaluate LOG --value` does."""
    from streams.history.evaluation.costs import value_costs
    from streams.history.evaluation.run import prepare  # loads River
    from streams.history.evaluation.values import decided, values

    begun = time.monotonic()
    prepared = prepare(config, log, counted())
    with written("--out", asked.out):
        if asked.out is not None:
            asked.out.open("a").close()  # before the work, not after it
    make_folder(asked.plots)
    found = values(prepared, progress(), asked.longer_days, asked.discount)
    seconds = time.monotonic() - begun
    if asked.out is not None:
        with written("--out", asked.out):
            _write(asked.out, found.ticks, asked.longer_days)
    horizon = prepared.settings.horizon

    def table(first: int, last: int | None, days: int = horizon, longer: int | None = None) -> ValueTable:
        weeks = Weeks(prepared.first, first, last)
        return decided([one for one in found.ticks if weeks.hold(one.tick)], found.spending, days, longer)

    judged = table(asked.first_week, asked.last_week)
    summary: dict[str, Any] = {
        "events": len(prepared.events),
        "customers": len({name for one in found.ticks for name in one.customers}),
        "ticks": len(found.ticks),
        "values": sum(len(one.customers) for one in found.ticks),
        "quality": _quality(judged),
        "by_age": {f"{first}-{last}": _quality(table(first, last)) for first, last in YOUNG},
        "if_kept": _if_kept(judged),
        "longer": {
            f"{days:g}": _quality(table(asked.first_week, asked.last_week, round(days * DAY), n))
            for n, days in enumerate(asked.longer_days)
        },
        "tiers": _tiers(found, Weeks(prepared.first, asked.first_week, asked.last_week)),
        "model": _model(found),
        "seconds": round(seconds, 1),
        "cost": value_costs(prepared.settings),
        "passed_over": dict(prepared.passed_over.most_common()),
    }
    if asked.plots is not None:
        from streams.history.evaluation.lifetime_plots import draw

        with written("--plots", asked.plots):
            summary["plots"] = [str(path) for path in draw(asked.plots, judged)]
    if asked.as_json:
        echo_json(summary)
    else:
        _show(summary)
    weeks = Weeks(prepared.first, asked.first_week, asked.last_week)
    if not len(judged.ticks) and weeks.asked:
        raise NothingToJudge(weeks.why(found.ticks[-1].tick, found.spending.end - horizon))


def _write(out: Path, ticks: list[Valued], longer_days: tuple[float, ...]) -> None:
    with opened_csv(out) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("customer_id", "tick", "value", "if_kept", *(f"value_{days:g}" for days in longer_days)))
        for one in ticks:
            tick = tick_text(one.tick)
            columns = (one.values.tolist(), one.if_kept.tolist(), *one.longer.tolist())
            writer.writerows(
                (customer.decode(), tick, *(f"{number:.6g}" for number in numbers))
                for customer, *numbers in zip(one.customers, *columns, strict=True)
            )


def _quality(table: ValueTable) -> dict[str, Any] | None:
    """In a few numbers; None without a decision, or where nobody spent anything."""
    from models.simulation.value_quality import value_quality

    if not len(table.ticks) or not table.actual.sum() > 0.0:
        return None
    return _rounded(value_quality(table.ticks, table.actual, table.values)._asdict())


def _if_kept(table: ValueTable) -> dict[str, Any] | None:
    """What those who did spend were worth if they did: it is held against them alone."""
    from models.simulation.value_quality import value_groups

    spent = table.actual > 0.0
    if not spent.any():
        return None
    groups = value_groups(table.actual[spent], table.if_kept[spent])
    return _rounded(
        {
            "decisions": int(spent.sum()),
            "total": float(table.if_kept[spent].sum() / table.actual[spent].sum()),
            "by_decile": (groups.predicted / groups.actual).tolist(),
        }
    )


def _tiers(found: ValuedLog, weeks: Weeks) -> dict[str, Any]:
    from streams.history.evaluation.values import tiers

    told = tiers(found.ticks, found.spending, weeks.hold)
    return _rounded(
        {
            "shares": told.shares,
            "quiet": told.quiet,
            "moved": told.moved / told.quiet if told.quiet else math.nan,
            "moved_without_band": told.plain / told.quiet if told.quiet else math.nan,
        }
    )


def _model(found: ValuedLog) -> dict[str, Any]:
    """The value model at the log's end, but for its weights."""
    return _rounded({name: found.model[name] for name in ("amount", "net", "shrink", "share", "lift", "level")})


def _rounded(data: dict[str, Any]) -> dict[str, Any]:
    def one(value: Any) -> Any:
        if isinstance(value, list):
            return [one(item) for item in value]
        # JSON has no nan.
        return (None if math.isnan(value) else round(value, 5)) if isinstance(value, float) else value

    return {name: one(value) for name, value in data.items()}


def _show(summary: dict[str, Any]) -> None:
    echo(
        f"{summary['events']:,} events of {summary['customers']:,} customers, {summary['ticks']} ticks, "
        f"{summary['values']:,} values in {summary['seconds']} s"
    )
    if summary["quality"] is None:
        echo("no horizon with any spend is over within these weeks: nothing to hold the values against")
    else:
        for name, value in summary["quality"].items():
            echo(f"  {name.replace('_', ' '):<16} {'-' if value is None else f'{value:,}'}")
    for weeks, found in summary["by_age"].items():
        if found:
            echo(f"weeks {weeks:<6} deviance {found['deviance']:.4f}, total {found['total']:.3f}")
    if summary["if_kept"]:
        echo(f"worth if kept, of those who spent: total {summary['if_kept']['total']:.3f}")
    for days, found in summary["longer"].items():
        told = "not over in these weeks" if found is None else f"total {found['total']:.3f}, gini {found['gini']:.3f}"
        echo(f"over {days} days: {told}")
    tiers = summary["tiers"]
    shares = ", ".join(f"{share:.1%}" for share in tiers["shares"])
    moved, bare = ("-" if share is None else f"{share:.2%}" for share in (tiers["moved"], tiers["moved_without_band"]))
    echo(f"tiers from the top: {shares} of the customers")
    echo(f"in a week without a purchase or return {moved} change theirs, without a band {bare}")
    cost = summary["cost"]
    echo(
        f"a value takes {cost['us_per_value']} us, {cost['us_of_it_churn']} of it the churn score; "
        f"learning an observation {cost['us_per_observation']} us, on one core"
    )
    for path in summary.get("plots", ()):
        echo(path)
