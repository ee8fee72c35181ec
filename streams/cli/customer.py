"""`retention customer`: shows a stored customer record, and the forecast for further silence."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.customer.record import unpack
from models.customer.tail import UnknownRecord
from models.timeline.partitioning import partition_of
from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.errors import EngineError, ExitCode
from streams.operations.partitions import touchpoint_partitions
from streams.operations.redis_access import store_of

if TYPE_CHECKING:
    from streams.operations.customer.stored import StoredCustomer


class CustomerUnknown(EngineError):
    """There is no record of a customer."""

    remedy = (
        "check the id (the subject of the touchpoints, case matters), --app, --redis-url and the partition count; a "
        "customer has a record from the first touchpoint on that a worker has applied, until they leave the store "
        "(`forget_after_days`): a decision `forgotten` says when, unless they never bought or were erased"
    )


class RecordUnreadable(EngineError):
    """This release can't read a stored record."""

    code = ExitCode.STATE_UNREADABLE
    remedy = "use the release that the workers run"


@click.command()
@click.argument("customer_id", metavar="ID")
@click.option("--partitions", type=click.IntRange(1), help="of the touchpoints topic; asked of Kafka when left out")
@click.option("--export", "exported", is_flag=True, help="everything held about them, fit to be handed to them")
@click.option(
    "--language", type=click.Choice(["en", "de"]), help="of --export; the customer's own without it, or English"
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="of --export and --erase-preview: the file to write"
)
@click.option("--erase-preview", "erasure", is_flag=True, help="what an erasure would do, and what is left until when")
@json_option("one JSON object")
@configured("redis_cluster")
def customer(
    config: Config,
    customer_id: str,
    partitions: int | None,
    exported: bool,
    language: str | None,
    out: Path | None,
    erasure: bool,
    as_json: bool,
) -> None:
    """Show what is known of a customer: profile, behaviour, risk, decisions, what silence will bring, what is due.

    With --export it tells the customer: what is stored of them field by field, what they agreed to and what that rests
    on, each decision with its data and what would have changed it, what was sent and what became of it, the events, and
    how long all of it is kept. It is the answer to a request for access, also of who was erased.

    \b
    Examples:
      retention customer anna
      retention customer anna --partitions 8 --json         needs Redis only
      retention customer anna --export --language de --out anna.txt
      retention customer anna --erase-preview
    """
    if language and not exported:
        raise click.UsageError("--language is for --export")
    if out and not (exported or erasure):
        raise click.UsageError("--out is for --export and --erase-preview")
    if exported and erasure:
        raise click.UsageError("give one of --export and --erase-preview")
    quiet_libraries()
    if exported or erasure:
        _access(config, customer_id, language, out, erasure, as_json)
        return
    from streams.operations.customer.portrait import lines, profile_view  # loads the engine
    from streams.operations.customer.standing import short_view, standing_view

    if partitions is None:
        partitions = touchpoint_partitions(config)
    partition = partition_of(customer_id, partitions)
    stored = asyncio.run(_stored(config, partition, customer_id))
    if stored.record is None:
        raise CustomerUnknown(
            f"no record of customer {customer_id!r} in app {config.app!r}, partition {partition} of {partitions}, "
            f"at {config.shown_redis_url}"
        )
    try:
        record = unpack(customer_id.encode(), stored.record)
    except UnknownRecord as error:
        raise RecordUnreadable(str(error)) from error
    if stored.unreadable:
        echo(f"no forecast: {stored.unreadable}", err=True)
    decisions = None
    if stored.policy is not None and stored.settings is not None:
        decisions = short_view(
            standing_view(customer_id, record, stored.policy, stored.settings, stored.time, stored.stops)
        )
    of_policy = (decisions, stored.policy, stored.time)
    profile = profile_view(customer_id, partition, record, stored.settings, stored.forecast, *of_policy)
    if as_json:
        echo_json(profile)
    else:
        for line in lines(profile):
            echo(line)


def _access(
    config: Config, customer_id: str, language: str | None, out: Path | None, erasure: bool, as_json: bool
) -> None:
    from streams.cli.access import read_erasure, read_export
    from streams.cli.log_evaluation import written

    try:
        if erasure:
            from streams.operations.access.erasure import erasure_lines  # loads the engine

            data = read_erasure(config, customer_id)
            text = list(erasure_lines(data))
        else:
            data, text = read_export(config, customer_id, language)
    except UnknownRecord as error:
        raise RecordUnreadable(str(error)) from error
    if out is not None:
        with written("--out", out):
            out.touch(mode=0o600)
            out.write_text(json.dumps(data, ensure_ascii=False) + "\n" if as_json else "\n".join(text) + "\n", "utf-8")
        echo(f"written to {out}", err=True)
    elif as_json:
        echo_json(data)
    else:
        for line in text:
            echo(line)


async def _stored(config: Config, partition: int, customer_id: str) -> StoredCustomer:
    from streams.operations.customer.stored import stored_customer  # loads River

    async with store_of(config) as store:
        return await stored_customer(store, partition, customer_id)
