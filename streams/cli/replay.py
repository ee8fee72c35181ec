"""`retention replay`: writes a log of past events to Kafka, with its own times."""

from __future__ import annotations

import asyncio
import sys
import time

import click

from streams.cli.options import INTERRUPTED, a_log, configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import kafka_connection
from streams.text import moment

REPORT_EVERY_S = 1.0


def speed_of(ctx: click.Context, parameter: click.Parameter, value: str) -> float | None:
    """Log seconds per second; None for `max`."""
    if value == "max":
        return None
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"{value!r}: give a positive number, or max")
    return speed


@click.command()
@click.argument("log", shell_complete=a_log)
@click.option(
    "--speed",
    default="max",
    callback=speed_of,
    show_default=True,
    help="log seconds per second, or max",
    metavar="N|max",
)
@json_option("the summary as one JSON object")
@configured("tick_days", "tick_anchor", "log_gap_days")
def replay(config: Config, log: str, speed: float | None, as_json: bool) -> None:
    """Write a customer log to the touchpoints topic, with its own times, and the passing of time (clock records).

    LOG is canonical CSV, plain or gzip (customer_id, ts, type, amount, qty; types purchase, return, campaign_received,
    coupon_redeemed), JSON lines of CloudEvents (.jsonl, .jsonl.gz), or `cdnow`, the public data set. The topic must
    keep producers' timestamps: create it with --mode replay. Clock records go to every partition at each tick of the
    grid that RETENTION_TICK_DAYS and RETENTION_TICK_ANCHOR describe, which must be those of the workers.

    \b
    Examples:
      retention topics create --mode replay
      retention replay cdnow
      retention replay purchases.csv.gz --speed 86400         a day of the log per second
    """
    from streams.history.events import log_events
    from streams.history.replay import Played, batch_bytes_of, check_topic, tape
    from streams.history.replay import replay as play

    quiet_libraries()
    topic = config.topic("touchpoints")
    with TopicAdmin(kafka_connection(config)) as admin:
        facts = admin.topic(topic)
    check_topic(facts)
    events = log_events(log, longest_gap_days=config.log_gap_days)
    if not events:
        echo(f"{log} holds no events", err=True)
        if as_json:
            echo_json({"topic": topic, "events": 0})
        return
    begun = reported = time.monotonic()

    def watch(played: Played) -> None:
        nonlocal reported
        now = time.monotonic()
        if now - reported >= REPORT_EVERY_S:
            reported = now
            rate = played.events / (now - begun)
            echo(f"{moment(played.time)}  {played.events:,} of {len(events):,} events, {rate:,.0f}/s", err=True)

    records = tape(events, facts.partitions, config.engine())
    try:
        done = asyncio.run(play(kafka_connection(config), topic, records, speed, watch, batch_bytes_of(facts)))
    except KeyboardInterrupt:
        echo("stopped; replay the log again to go on: what was written is recognised by its ids", err=True)
        sys.exit(INTERRUPTED)
    seconds = time.monotonic() - begun
    if as_json:
        echo_json(
            {
                "topic": topic,
                "events": done.events,
                "clock_records": done.clocks,
                "seconds": round(seconds, 1),
                "first_time": events[0].time,
                "last_time": done.time,
                "next_offsets": {str(partition): done.ends[partition] for partition in sorted(done.ends)},
            }
        )
        return
    echo(
        f"{done.events:,} events and {done.clocks:,} clock records to {topic} in {seconds:.1f} s, "
        f"log time {moment(events[0].time)} to {moment(done.time)}"
    )
