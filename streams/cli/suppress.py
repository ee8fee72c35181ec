"""`retention suppress`: refusals from a list, and whether they stand."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from models.touchpoints.fields import ConsentPurpose, RestrictionReason
from models.touchpoints.times import milliseconds
from streams.cli.options import INTERRUPTED, a_file, configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.publish import watch_of
from streams.client import Outcome, TouchpointPublisher
from streams.config import Config
from streams.errors import ExitCode
from streams.kafka.security import kafka_connection
from streams.operations.partitions import touchpoint_partitions
from streams.operations.publish_file import OF_A_REPLAY, publish_lines
from streams.operations.redis_access import store_of
from streams.text import moment

if TYPE_CHECKING:
    from streams.operations.suppress import Found, Refusing


@click.command()
@click.option(
    "--file",
    "file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    shell_complete=a_file,
    help="one customer id a line, CSV with a column customer, or JSON lines",
)
@click.option("--channel", "channels", multiple=True, help="that is refused; again for another; without it all")
@click.option(
    "--purpose", type=click.Choice(get_args(ConsentPurpose)), default="marketing", show_default=True, help="refused"
)
@click.option("--restrict", type=click.Choice(get_args(RestrictionReason)), help="leave them alone, for this reason")
@click.option("--at", "at", metavar="TIME", help="when they said so, where the file does not; else its last change")
@click.option("--by", help="who says so: kept with each refusal")
@click.option("--reason", "why", help="where the list comes from: kept as evidence")
@click.option("--dry-run", is_flag=True, help="read the file and say what would be sent; nothing is")
@click.option("--check", "only_check", is_flag=True, help="look which of them stand in the store; nothing is sent")
@click.option("--partitions", type=click.IntRange(1), help="for --check; asked of Kafka when left out")
@json_option("one JSON object")
@configured("redis_cluster")
def suppress(
    config: Config,
    file: Path,
    channels: tuple[str, ...],
    purpose: str,
    restrict: str | None,
    at: str | None,
    by: str | None,
    why: str | None,
    dry_run: bool,
    only_check: bool,
    partitions: int | None,
    as_json: bool,
) -> None:
    """Publish refusals for the customers of a list, known or not yet, and look which of them stand.

    Each becomes a touchpoint of the time of the list: `consent_changed`, or `restricted` with --restrict. The same list
    once more changes nothing; a consent that came later, and names the channel, stands and is named by --check. A list
    of which one line cannot be read is refused as a whole.

    Exit code 1 if something was not delivered, or with --check if something has not reached the store yet.

    \b
    Examples:
      retention suppress --file unsubscribed.csv --channel email --by ada --reason "robinson list of May"
      retention suppress --file unsubscribed.csv --channel email --check
      retention suppress --file left.txt --restrict do_not_contact --by ada --reason "court order 12/26" --dry-run
    """
    quiet_libraries()
    from streams.operations.suppress import Refusing, digest_of, lines_of, reconcile

    if dry_run and only_check:
        raise click.UsageError("give one of --dry-run and --check")
    if restrict and (channels or purpose != "marketing"):
        raise click.UsageError("--restrict is for all channels, and no consent: leave --channel and --purpose out")
    if not only_check and not (by and why):
        raise click.UsageError("give --by and --reason: both are kept with each refusal")
    now = int(time.time() * 1000)
    said = Refusing(purpose, channels, restrict or "", min(_at(at, file), now), by or "", why or "")
    if only_check:
        count = partitions or touchpoint_partitions(config)

        async def look() -> Found:
            async with store_of(config) as store:
                return await reconcile(store, count, file, said)

        _show(asyncio.run(look()), said, as_json)
        return
    customers = sum(1 for line in lines_of(file, said) if line.strip())  # all of it is read before any is sent
    told = {"customers": customers, "says": said.words, "as_of": said.at, "sha256": digest_of(file)}
    if dry_run:
        echo(f"{customers:,} customers, {said.words}, as of {moment(said.at)}; nothing was sent", err=True)
        if as_json:
            echo_json({**told, "delivery": None})
        return

    def connect(on_outcome: Callable[[Outcome], None]) -> TouchpointPublisher:
        topic = config.topic("touchpoints")
        publisher = TouchpointPublisher(kafka_connection(config), topic, on_outcome=on_outcome)
        if publisher.keeps_time:
            echo(f"warning: {topic} {OF_A_REPLAY}", err=True)
        return publisher

    with file.open("rb") as opened:
        watch = watch_of(opened)
    published = publish_lines(lines_of(file, said), watch, connect)
    echo(f"{customers:,} customers, {said.words}, as of {moment(said.at)}", err=True)
    for line in published.lines():
        echo(line, err=True)
    if as_json:
        echo_json({**told, "delivery": published.as_json()})
    if published.interrupted:
        sys.exit(INTERRUPTED)
    sys.exit(ExitCode.OK if published.complete else ExitCode.FAILURE)


def _at(stated: str | None, file: Path) -> int:
    """Of which time the list is, ms."""
    if stated is None:
        return int(file.stat().st_mtime * 1000)
    try:
        found = datetime.fromisoformat(stated)
    except ValueError as error:
        raise click.UsageError(f"--at is {stated!r}; give a time such as 2026-11-03T12:00:00Z") from error
    if found.tzinfo is None:
        raise click.UsageError(f"--at is {stated!r}; give it with its offset, such as 2026-11-03T12:00:00Z")
    return milliseconds(found)


def _show(found: Found, said: Refusing, as_json: bool) -> None:
    from streams.operations.suppress import NOT_YET, OPEN_AGAIN, REFUSED, UNREADABLE

    if as_json:
        echo_json({"says": said.words, "as_of": said.at, **found.counts, "customers": found.customers})
    else:
        counts = found.counts
        echo(f"{said.words}: {counts[REFUSED]:,} stand, {counts[NOT_YET]:,} not yet, {counts[OPEN_AGAIN]:,} open again")
        for one in found.customers.get(OPEN_AGAIN, []):
            when = ", ".join(f"{channel or 'in general'} {moment(at)}" for channel, at in one["granted"].items())
            echo(f"open again  {one['customer']}: granted later, {when}")
        for one in found.customers.get(NOT_YET, []):
            echo(f"not yet     {one['customer']}")
        for one in found.customers.get(UNREADABLE, []):
            echo(f"unreadable  {one['customer']}: use the release that the workers run")
    sys.exit(ExitCode.OK if found.done else ExitCode.FAILURE)
