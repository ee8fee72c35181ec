"""`retention pyramid`: the customers by tiers of value, what is at risk in each, and what they spent."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.log_evaluation import counted, make_folder, progress, tick_text, written
from streams.cli.options import a_log, configured, echo, echo_json, json_option
from streams.config import Config
from streams.operations.redis_access import store_of
from streams.text import as_words

if TYPE_CHECKING:
    from models.value.tiers import Tier
    from streams.history.evaluation.pyramid import Pyramid
    from streams.operations.pyramid import LivePyramid

LIVE_HEADS = ("tier", "customers", "from", "value", "of all", "at risk", "spent")
HEADS = ("tier", "customers", "from", "value", "of all", "at risk", "leave", "spent")


@click.command()
@click.argument("log", required=False, shell_complete=a_log)
@click.option(
    "--share",
    "shares",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    help="of the customers, from the top, in a tier and above; repeatable (default: .01, .05 and .2)",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="what is left of a unit of spend",
)
@click.option(
    "--discount",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="continuous rate a year by which later spend counts less",
)
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), help="folder for the pictures (PNG)")
@json_option("one JSON object")
@configured("horizon_days", "tick_days", "alive", "partitions", "log_gap_days", "redis_cluster")
def pyramid(
    config: Config,
    log: str | None,
    shares: tuple[float, ...],
    margin: float,
    discount: float,
    plots: Path | None,
    as_json: bool,
) -> None:
    """Who are the most valuable customers, and how much of their value is at risk?

    Without LOG those of the running application, by the tiers of the policy in force.

    LOG as for `retention replay`; `cdnow` is the public data set. The log goes through the engine as `retention
    evaluate --value` sends it; the pyramid is that of its last week, of everybody whose silence is of two horizons at
    most. A customer keeps their tier until their value lies a tenth beyond its cut.

    \b
    Examples:
      retention pyramid
      retention pyramid cdnow --margin 0.3
      retention pyramid purchases.csv.gz --horizon-days 28 --share 0.1 --share 0.3 --plots plots/
    """
    if log is None:
        if shares or discount or plots:
            raise click.UsageError("--share, --discount and --plots are of a LOG; name one")
        live, worths = asyncio.run(live_worths(config))
        if as_json:
            echo_json(live_data(live, worths))
            return
        for line in live_lines(live, worths):
            echo(line)
        return
    from models.value.pyramid import SHARES
    from streams.history.evaluation.pyramid import pyramid_of_log
    from streams.history.evaluation.run import prepare  # loads River

    begun = time.monotonic()
    prepared = prepare(config, log, counted())
    make_folder(plots)
    wanted = sorted(set(shares or SHARES))
    found = pyramid_of_log(prepared, progress(), wanted, margin, discount)
    names = tier_names(wanted)
    summary = as_data(found, names) | {
        "margin": margin,
        "seconds": round(time.monotonic() - begun, 1),
        "passed_over": dict(prepared.passed_over.most_common()),
    }
    if plots is not None:
        from streams.history.evaluation.pyramid_plots import draw

        with written("--plots", plots):
            summary["plots"] = [str(path) for path in draw(plots, found, names)]
    if as_json:
        echo_json(summary)
        return
    for line in lines(found, names):
        echo(line)
    for path in summary.get("plots", ()):
        echo(path)


async def live_worths(config: Config) -> tuple[LivePyramid, dict[str, Any]]:
    """The pyramid of the running application, and what its records hold beside (`streams.operations.worth.Worths`)."""
    from streams.operations.pyramid import live_pyramid
    from streams.operations.worth import worths_of

    async with store_of(config) as store:
        found = await live_pyramid(store, config.app)
    return found, await worths_of(config)


def live_data(found: LivePyramid, worths: dict[str, Any]) -> dict[str, Any]:
    """As JSON types: what is at risk, and was spent, with each tier; stages where the policy keeps the loyalty loop."""
    told = found.as_data()
    for name, of_class in told["classes"].items():
        for tier in of_class["tiers"]:
            held = worths["classes"].get(name, {}).get(tier["tier"], {})
            tier |= {what: round(held.get(what, 0.0), 2) for what in ("at_risk", "spent")}
    return told | ({"stages": worths["stages"]} if found.loyalty else {})


def live_lines(found: LivePyramid, worths: dict[str, Any]) -> Iterator[str]:
    """The same as tables."""
    yield (
        f"policy {found.policy}; margin of what is expected within {found.horizon_days:g} days, what is at risk of it, "
        "net spend so far"
    )
    told = live_data(found, worths)
    for name, of_class in told["classes"].items():
        yield f"{name}: {of_class['customers']:,} customers"
        total = sum(tier["value"] for tier in of_class["tiers"])
        rows: list[tuple[str, ...]] = [LIVE_HEADS]
        rows += [
            (
                tier["tier"],
                f"{tier['customers']:,}",
                "-" if tier["from_value"] is None else f"{tier['from_value']:,.2f}",
                f"{tier['value']:,.0f}",
                f"{tier['value'] / total:.0%}" if total > 0.0 else "-",
                f"{tier['at_risk']:,.0f}",
                f"{tier['spent']:,.0f}",
            )
            for tier in of_class["tiers"]
        ]
        yield from _table(rows)
    if stages := told.get("stages"):
        at_each = (f"{as_words(stage)} {one['customers']:,}" for stage, one in stages.items())
        yield f"loyalty loop: {', '.join(at_each)}"


def tier_names(shares: list[float]) -> list[str]:
    """From the highest down: `top 1 %`, `to 5 %`, …, `the rest`."""
    return [f"{'to' if n else 'top'} {100 * share:g} %" for n, share in enumerate(shares)] + ["the rest"]


def as_data(found: Pyramid, names: list[str]) -> dict[str, Any]:
    """The pyramid as JSON types."""
    return {
        "at": tick_text(found.time),
        "horizon_days": found.horizon_days,
        "customers": found.histogram.customers,
        "tiers": [
            # JSON has no infinity: nobody is in a tier that begins beyond all values.
            {"tier": name}
            | {
                key: None if value == math.inf else round(value, 2) if isinstance(value, float) else value
                for key, value in tier._asdict().items()
            }
            for name, tier in zip(names, found.tiers, strict=True)
        ],
    }


def lines(found: Pyramid, names: list[str]) -> Iterator[str]:
    """The pyramid as a table."""
    yield (
        f"{found.histogram.customers:,} customers on {tick_text(found.time)}; value of the {found.horizon_days:g} days "
        "to come, spend of as many before"
    )
    total = sum(tier.value for tier in found.tiers)
    rows = [HEADS, *(_cells(name, tier, total) for name, tier in zip(names, found.tiers, strict=True))]
    yield from _table(rows)


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(["  " + row[0].ljust(len(first)), *rest])


def _cells(name: str, tier: Tier, total: float) -> tuple[str, ...]:
    return (
        name,
        f"{tier.customers:,}",
        "-" if tier.from_value == math.inf else f"{tier.from_value:,.2f}",
        f"{tier.value:,.0f}",
        f"{tier.value / total:.0%}" if total > 0.0 else "-",
        f"{tier.at_risk:,.0f}",
        f"{tier.churn / tier.customers:.0%}" if tier.customers else "-",
        f"{tier.spent:,.0f}",
    )
