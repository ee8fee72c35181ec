"""`retention rehearse`: runs the engine over a log, in memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from streams.cli.options import a_log, configured, echo, echo_json, json_option
from streams.cli.output_lines import line
from streams.config import Config, ConfigError
from streams.text import moment, quality

if TYPE_CHECKING:
    from models.simulation.rehearsal import Rehearsal

SHOWN = 5
REPORT_EVERY_S = 1.0


@click.command()
@click.argument("log", shell_complete=a_log)
@json_option("the summary as one JSON object")
@configured("partitions", "tick_days", "horizon_days", "enter", "exit", "log_gap_days")
def rehearse(config: Config, log: str, as_json: bool) -> None:
    """Run the engine over a customer log in memory: no Kafka, no Redis, the same results.

    LOG as for `retention replay`; `cdnow` is the public data set. Unless set otherwise the settings are those of an
    evaluation: ticks at the same moments for everybody, a model version at each tick, used at once.

    \b
    Examples:
      retention rehearse cdnow
      retention rehearse purchases.csv.gz --partitions 4 --horizon-days 180
    """
    from models.learning.base_rate import warnings
    from models.simulation.rehearsal import rehearse as run  # loads River
    from streams.history.evaluation.settings import as_evaluation
    from streams.history.events import log_events
    from streams.history.replay import logs, tape

    begun = reported = time.monotonic()
    events = log_events(log, longest_gap_days=config.log_gap_days)
    if not events:
        echo(f"{log} holds no events", err=True)
        if as_json:
            echo_json({"events": 0})
        return
    config = as_evaluation(config, events[0].time)
    try:
        settings = config.engine()
    except ValueError as error:
        raise ConfigError(str(error)) from error

    def watch(world: Rehearsal) -> None:
        nonlocal reported
        if time.monotonic() - reported >= REPORT_EVERY_S:
            reported = time.monotonic()
            echo(_progress(world), err=True)

    partitions = logs(tape(events, config.partitions, settings), config.partitions)
    world = run(partitions, settings, config.topic("touchpoints"), watch=watch)
    summary = summary_of(world, len(events), time.monotonic() - begun)
    if as_json:
        echo_json(summary)
    else:
        _show(world, summary)
    for text in warnings(summary["quality"], settings):
        echo(text, err=True)


def summary_of(world: Rehearsal, events: int, seconds: float) -> dict[str, Any]:
    """What came out, as plain data."""
    from models.customer.bands import Band
    from models.timeline.shard_state import Totals

    totals = {
        name: sum(getattr(shard.state.totals, name) for shard in world.shards) for name in Totals.__struct_fields__
    }
    last = max(world.versions, default=None)
    return {
        "events": events,
        "seconds": round(seconds, 1),
        "log_time": moment(max(shard.state.time for shard in world.shards)),
        "partitions": len(world.shards),
        "customers": sum(len(shard.records) for shard in world.shards),
        "bands": {band.name.lower(): sum(shard.state.bands[band] for shard in world.shards) for band in Band},
        "totals": totals,
        "unsure": {
            "applied": sum(shard.unsure for shard in world.shards),
            "duplicate": sum(shard.beyond for shard in world.shards),
        },
        "versions": len(world.versions),
        "quality": world.versions[last].quality if last is not None else {},
    }


def _progress(world: Rehearsal) -> str:
    time_ms = max(shard.state.time for shard in world.shards)
    applied = sum(shard.state.totals.applied + shard.state.totals.late for shard in world.shards)
    return f"{moment(time_ms)}  {applied:,} events  {quality(world.learning.prequential.summary())}"


def _show(world: Rehearsal, summary: dict[str, Any]) -> None:
    totals = summary["totals"]
    rate = summary["events"] / max(summary["seconds"], 0.1)
    echo(f"{summary['events']:,} events in {summary['seconds']:.1f} s ({rate:,.0f}/s), up to {summary['log_time']}")
    bands = "  ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in summary["bands"].items() if count)
    echo(f"{summary['customers']:,} customers in {summary['partitions']} partitions: {bands}")
    echo(
        f"applied {totals['applied']:,}  duplicate {totals['duplicate']:,}  late {totals['late']:,}  "
        f"dead {totals['dead']:,}  due items {totals['due']:,}  estimates {totals['scored']:,}"
    )
    if any(unsure := summary["unsure"].values()):
        applied, dropped = unsure
        echo(f"may have come before, which nobody remembers: {applied:,} applied, {dropped:,} dropped")
    echo(f"{totals['episodes']:,} episodes, {totals['triggers']:,} triggers")
    echo(f"model: {summary['versions']} versions, {quality(summary['quality'])}")
    triggers = [out for shard in world.shards for out in shard.outputs if out.role == "triggers"]
    triggers.sort(key=lambda out: (out.time, out.id))
    for out in triggers[-SHOWN:]:
        echo(f"  {line(out.value)}")
