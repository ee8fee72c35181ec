"""`retention rebuild`: makes lost or damaged state anew from Kafka's log."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from streams.cli.backfill import milliseconds
from streams.cli.options import INTERRUPTED, a_log, configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.progress import JobWatch
from streams.config import Config
from streams.text import moment

if TYPE_CHECKING:
    from streams.bootstrap.rebuild import Rebuilt
    from streams.kafka.partition_facts import LogFacts
    from streams.operations.rebuild.run import Progress


@click.command()
@click.option(
    "--shard",
    "shards",
    type=int,
    multiple=True,
    metavar="N",
    help="make this shard anew although its state is there: what is stored of it is deleted first; may be repeated",
)
@click.option(
    "--into",
    metavar="APP",
    help="make the state of a new application instead, beside the one that runs (--app), with the settings given here",
)
@click.option(
    "--history", metavar="LOG", shell_complete=a_log, help="what `retention backfill` was given, if it began so"
)
@click.option(
    "--until",
    callback=lambda ctx, parameter, value: None if value is None else milliseconds(ctx, parameter, value),
    metavar="TIME",
    help="with --history, where Redis has lost the plan of the backfill too: its cut-over",
)
@json_option("the summary as one JSON object")
@configured("mode", "redis_cluster", "log_gap_days")
def rebuild(
    config: Config, shards: tuple[int, ...], into: str | None, history: str | None, until: int | None, as_json: bool
) -> None:
    """Make the state that Redis has lost anew, from Kafka's log.

    Every shard without state (and each --shard) reads its input partition again from offset 0, under the model versions
    that were in force. What it has published is compared and not sent again; from there on workers go on. Settings must
    be those of the workers. A run that was interrupted, or killed, is gone on with by the same command; until it is
    done no worker takes these shards over. Other shards go on meanwhile.

    An application that began with a backfill needs the log of that (--history); it is held against the digest that was
    noted then.

    With --into nothing of the running application is touched: a new one learns and scores beside it, with other
    settings or another release, and triggers nobody. Say it again to catch up; `retention switch APP` then hands the
    outputs over.

    \b
    Examples:
      retention rebuild                         after Redis lost everything, or one node of a cluster
      retention rebuild --history purchases.csv.gz --until 2026-01-31
      retention rebuild --shard 3               one shard whose stored state is damaged
      retention --config green.toml --app retention rebuild --into retention-2
    """
    quiet_libraries()
    if until is not None and history is None:
        raise click.UsageError("give --until with --history")
    if into is not None:
        if shards:
            raise click.UsageError("give --shard or --into")
        _follow(config, into, history, until, as_json)
        return
    from streams.bootstrap.past_log import Given
    from streams.bootstrap.rebuild import rebuild as run  # loads River

    view = _View()
    try:
        done = run(config, shards, view, Given(history, until) if history else None)
    except KeyboardInterrupt:
        echo("stopped; the same command goes on where it stopped, no worker takes these shards before", err=True)
        sys.exit(INTERRUPTED)
    summary = summary_of(config, done)
    if as_json:
        echo_json(summary)
    else:
        _show(summary)


def _follow(config: Config, green: str, history: str | None, until: int | None, as_json: bool) -> None:
    from streams.bootstrap.past_log import Given
    from streams.bootstrap.switch import follow  # loads River
    from streams.cli.switch import Following

    begun = time.monotonic()
    try:
        offsets = follow(config, green, Following(), Given(history, until) if history else None)
    except KeyboardInterrupt:
        echo("stopped; the same command goes on where it stopped", err=True)
        sys.exit(INTERRUPTED)
    seconds = round(time.monotonic() - begun, 1)
    if as_json:
        echo_json(
            {
                "from": config.app,
                "to": green,
                "next_offsets": {str(n): at for n, at in offsets.items()},
                "seconds": seconds,
            }
        )
        return
    echo(f"{green} has come as far as {config.app}, in {seconds:.1f} s")
    echo(f"`retention switch {green}` hands the outputs over")


class _View(JobWatch):
    """Of touchpoints applied and outputs compared."""

    def begins(self, shards: Sequence[int], facts: Mapping[int, LogFacts]) -> None:
        records = sum(facts[n].end - facts[n].start for n in shards)
        what = f"shards {', '.join(map(str, shards))}" if shards else "the learner"
        self.write_line(f"making {what} anew from {records:,} records of {len(facts)} partitions")

    def works(self, progress: Progress) -> None:
        told = f"{progress.applied:,} touchpoints, {progress.compared:,} outputs equal what is public"
        self.shows(f"{moment(progress.time)}  {told}")


def summary_of(config: Config, done: Rebuilt) -> dict[str, Any]:
    """What was done, as plain data."""
    states = done.done.states
    return {
        "topic": config.topic("touchpoints"),
        "shards": done.plan.shards,
        "learner": done.plan.learner,
        "seconds": round(done.seconds, 1),
        "touchpoints": sum(s.totals.applied + s.totals.late for s in states.values()),
        "customers": sum(sum(s.bands) for s in states.values()),
        "compared": done.done.compared,
        "worded_differently": done.done.worded_differently,
        "gone_from_kafka": done.done.gone,
        "next_offsets": {str(n): state.next_offset for n, state in states.items()},
    }


def _show(summary: dict[str, Any]) -> None:
    echo(
        f"{summary['customers']:,} customers in {len(summary['shards'])} shards from {summary['touchpoints']:,} "
        f"touchpoints in {summary['seconds']:.1f} s"
    )
    echo(f"{summary['compared']:,} outputs are the published ones; nothing was sent")
    if summary["gone_from_kafka"]:
        echo(f"{summary['gone_from_kafka']:,} outputs could not be compared: Kafka has deleted them")
    if summary["worded_differently"]:
        echo(f"{summary['worded_differently']:,} outputs have another content than the published ones of the same id")
    offsets = ", ".join(f"{n}: {offset:,}" for n, offset in summary["next_offsets"].items())
    echo(f"workers may start; they read {summary['topic']} from {offsets}")
