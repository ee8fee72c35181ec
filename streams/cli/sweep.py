"""`retention sweep`: customers are looked at whose dates a new policy goes by."""

from __future__ import annotations

import asyncio
from collections import Counter

import click

from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.kafka.security import kafka_connection
from streams.operations.redis_access import store_of


@click.command()
@click.option(
    "--rate", type=click.FloatRange(0.1), default=100.0, show_default=True, help="customers a second, at most"
)
@click.option("--by", default="an operator", show_default=True, help="who asks for it")
@click.option("--dry-run", is_flag=True, help="count them, and write nothing")
@json_option("one JSON object")
@configured("redis_cluster")
def sweep(config: Config, rate: float, by: str, dry_run: bool, as_json: bool) -> None:
    """Have customers looked at who lack a timer for a date or a silence of the policy in force.

    To be run after a policy with such moments came into force: customers who touch nothing any more would never be
    asked. Each gets a `looked_at` in the log, at a stated rate. Stopped and begun anew it passes over whom the shards
    have looked at by then.

    \b
    Examples:
      retention sweep --dry-run
      retention sweep --rate 50 --by ada
    """
    quiet_libraries()
    from streams.operations.doors import Door
    from streams.operations.sweep import RECORD
    from streams.operations.sweep import sweep as go_through

    def told(done: int, of: int) -> None:
        echo(f"{done:,} of {of:,} records", err=True)

    async def run() -> Counter[str]:
        door = Door(kafka_connection(config), config.topic("touchpoints"))
        try:
            async with store_of(config) as store:
                return await go_through(store, store.all_names(RECORD), None if dry_run else door.send, by, rate, told)
        finally:
            await door.close()

    counts = asyncio.run(run())
    if as_json:
        echo_json({**counts, "dry_run": dry_run})
        return
    done = "would be looked at" if dry_run else "are looked at"
    echo(f"{counts['looked_at']:,} customers {done}, {counts['has_all']:,} have all their timers")
    if counts["unreadable"]:
        echo(f"{counts['unreadable']:,} records are of another release: use the release that the workers run")
