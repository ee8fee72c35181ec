"""`retention backfill`: warms shards and models with a log of past events, before the first worker."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from streams.cli.options import INTERRUPTED, a_log, configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.history.datasets import milliseconds as milliseconds_of
from streams.text import moment, printable, quality

if TYPE_CHECKING:
    from streams.bootstrap.backfill import Backfilled
    from streams.history.backfill.records import History
    from streams.history.backfill.run import Progress
    from streams.operations.publish_file import Watch

READ_SHOWN = 1_000
"""Events between two reports while the log is read."""
WAITS_EVERY_S = 10.0
"""How often it is said that Redis or Kafka is away."""


def milliseconds(ctx: click.Context, parameter: click.Parameter, value: str) -> int:
    """A moment in ms since the epoch; UTC unless it names an offset."""
    try:
        return milliseconds_of(value)
    except ValueError:
        raise click.BadParameter(f"{value!r}: give a date or a time such as 2026-01-31T12:00:00Z") from None


@click.command()
@click.argument("log", shell_complete=a_log)
@click.option(
    "--until",
    required=True,
    callback=milliseconds,
    metavar="TIME",
    help="the cut-over: events before it are history, live takes over at it; ISO 8601, UTC",
)
@json_option("the summary as one JSON object")
@configured("mode", "redis_cluster", "log_gap_days")
def backfill(config: Config, log: str, until: int, as_json: bool) -> None:
    """Warm state and models with history, before the first worker starts, without triggering anybody.

    LOG as for `retention replay`. Its events strictly before TIME go through the engine into the store, in place of
    workers, and never onto the touchpoints topic; the shards then stand at the topic's first records at or after TIME.
    Settings must be those of the workers. A run that was interrupted, or killed, is gone on with by the same command;
    no worker starts in between.

    \b
    Examples:
      retention backfill purchases.csv.gz --until 2026-01-31
      retention backfill events.jsonl.gz --until 2026-01-31T06:00:00+01:00 --json
    """
    quiet_libraries()
    from streams.bootstrap.backfill import backfill as run  # loads River

    view = _View()
    try:
        done = run(config, log, until, view)
    except KeyboardInterrupt:
        echo("stopped; the same command goes on where it stopped, and no worker starts before", err=True)
        sys.exit(INTERRUPTED)
    finally:
        view.close()
    summary = summary_of(config, done)
    if as_json:
        echo_json(summary)
    else:
        _show(summary, done)


class _View:
    """A bar on a terminal, else a line every few seconds, on standard error."""

    def __init__(self) -> None:
        self._watch: Watch | None = None
        self._read = self._time = 0
        self._said_at = -WAITS_EVERY_S

    def _show(self, total: int | None, text: str) -> Watch:
        from streams.cli.progress import PLAIN_EVERY_S, BarWatch, PlainWatch

        self.close()
        watch = self._watch = BarWatch(total, text) if sys.stderr.isatty() else PlainWatch(PLAIN_EVERY_S)
        watch.__enter__()
        return watch

    def close(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.__exit__(None, None, None)

    def reading(self, events: int) -> None:
        if events % READ_SHOWN == 0 or self._watch is None:
            (self._watch or self._show(None, "reading")).moved(0, f"{events:,} events read")

    def begins(self, history: History, resumed: bool) -> None:
        self._time = history.first
        watch = self._show(history.until - history.first, moment(history.first))
        watch.write_line(
            f"{sum(history.events):,} events from {moment(history.first)} to {moment(history.last)}, before the "
            f"cut-over {moment(history.until)}; {history.later:,} at or after it are left to live"
        )
        if resumed:
            watch.write_line("going on where another run stopped")

    def works(self, progress: Progress) -> None:
        if self._watch is not None:
            gone = max(progress.time - self._time, 0)
            self._time += gone
            self._watch.moved(gone, f"{moment(progress.time)}  {progress.applied:,} events")

    def waits(self, detail: str) -> None:
        if self._watch is not None and time.monotonic() - self._said_at > WAITS_EVERY_S:
            self._said_at = time.monotonic()
            self._watch.write_line(f"waiting: {printable(detail)}")


def summary_of(config: Config, done: Backfilled) -> dict[str, Any]:
    """What was done, as plain data."""
    from models.customer.bands import Band
    from models.timeline.shard_state import Totals

    states, history, version = done.done.states, done.history, done.done.version
    bands = {band.name.lower(): sum(state.bands[band] for state in states) for band in Band}
    return {
        "topic": config.topic("touchpoints"),
        "until": history.until,
        "events": sum(history.events),
        "left_to_live": history.later,
        "first_time": history.first,
        "last_time": history.last,
        "resumed": done.resumed,
        "seconds": round(done.seconds, 1),
        "customers": sum(bands.values()),
        "bands": bands,
        "totals": {name: sum(getattr(s.totals, name) for s in states) for name in Totals.__struct_fields__},
        "version": version.boundary,
        "learned": version.learned,
        "quality": {name: value for name, value in version.quality.items() if name != "models"},
        "next_offsets": {str(partition): next_offset for partition, next_offset in enumerate(done.next_offsets)},
    }


def _show(summary: dict[str, Any], done: Backfilled) -> None:
    echo(f"{summary['events']:,} events in {summary['seconds']:.1f} s, up to {moment(summary['until'])}")
    bands = "  ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in summary["bands"].items() if count)
    echo(f"{summary['customers']:,} customers in {len(done.next_offsets)} partitions: {bands}")
    totals = summary["totals"]
    echo(f"applied {totals['applied']:,}  duplicate {totals['duplicate']:,}  dead {totals['dead']:,}")
    echo(f"model of {moment(summary['version'])}: {quality(summary['quality'])}")
    next_offsets = ", ".join(
        f"{partition}: {next_offset:,}" for partition, next_offset in summary["next_offsets"].items()
    )
    echo(f"workers may start; they read {summary['topic']} from {next_offsets}")
