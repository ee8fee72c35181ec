"""`retention verify`: replays customers from Kafka's log and compares them with what is stored."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from streams.cli.options import a_log, configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.progress import JobWatch
from streams.config import Config
from streams.errors import ExitCode

if TYPE_CHECKING:
    from streams.bootstrap.verify import Outcome
    from streams.operations.verify.stored import Chosen
    from streams.store.redis.store import RedisStore

SAMPLE = 100
SHOWN = 50
"""Differences that are printed; `--json` has all."""


@click.command()
@click.option("--customers", multiple=True, metavar="ID", help="this customer; may be repeated")
@click.option(
    "--sample", type=click.IntRange(1), metavar="N", help=f"so many at random [{SAMPLE}, without --customers]"
)
@click.option("--all", "everybody", is_flag=True, help="every customer, and whether one of the log is missing")
@click.option(
    "--history", metavar="LOG", shell_complete=a_log, help="what `retention backfill` was given, if it began so"
)
@json_option("the result as one JSON object")
@configured("mode", "redis_cluster", "log_gap_days")
def verify(
    config: Config,
    customers: tuple[str, ...],
    sample: int | None,
    everybody: bool,
    history: str | None,
    as_json: bool,
) -> None:
    """Replay customers from Kafka's log and compare them with what Redis holds, field by field.

    Reads only; workers may run. The input is read from offset 0, model versions are learned again from the examples
    topic and come into force where the decisions topic says they did. Exits with 1 when something differs, with 77 when
    a shard can't be verified, as when Kafka has deleted the beginning of its log. An application that began with a
    backfill needs the log of that (--history); it is held against the digest that was noted then.

    \b
    Examples:
      retention verify                          a hundred customers at random
      retention verify --customers anna --customers bert
      retention verify --history purchases.csv.gz
      retention verify --all --json             takes about a kilobyte of memory a customer
    """
    if sum((bool(customers), sample is not None, everybody)) > 1:
        raise click.UsageError("give one of --customers, --sample and --all")
    quiet_libraries()
    from streams.bootstrap.past_log import Given
    from streams.bootstrap.verify import verify as run  # loads River
    from streams.operations.verify import stored

    async def choose(store: RedisStore, partitions: int) -> Chosen:
        if customers:
            return stored.named(customers, partitions)
        if everybody:
            return await stored.everybody(store, partitions)
        return await stored.sampled(store, sample or SAMPLE)

    view = _View()
    outcome = run(config, choose, view.works, view.waits, Given(history) if history else None)
    if as_json:
        from streams.operations.verify.run import as_data

        echo_json({"app": config.app, **as_data(outcome.verified), "seconds": round(outcome.seconds, 1)})
    else:
        _show(outcome)
    if outcome.verified.differences:
        sys.exit(int(ExitCode.FAILURE))
    if outcome.verified.unverified:
        sys.exit(int(ExitCode.LOG_TRUNCATED))


class _View(JobWatch):
    """Of the shards' offsets."""

    def works(self, offsets: Mapping[int, int]) -> None:
        self.shows(f"replayed up to {', '.join(f'{n}: {at:,}' for n, at in offsets.items())}")


def _show(outcome: Outcome) -> None:
    verified = outcome.verified
    for one in verified.differences[:SHOWN]:
        where = f"{one.customer} (shard {one.shard}): {one.field}"
        echo(f"{where} is {one.stored!r} in the store, {one.replayed!r} by the log")
    if (more := len(verified.differences) - SHOWN) > 0:
        echo(f"and {more:,} differences more; --json has all")
    for shard, why in verified.unverified.items():
        echo(f"shard {shard} is not verified: {why}")
    differing = len({(one.shard, one.customer) for one in verified.differences})
    told = f"{verified.compared:,} customers compared in {outcome.seconds:.1f} s"
    echo(f"{told}: {f'{differing:,} differ' if differing else 'all as the log gives them'}")
