"""`retention customer`: shows a stored customer record, and the forecast for further silence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from models.customer.record import unpack
from models.customer.tail import UnknownRecord
from models.timeline.partitioning import partition_of
from streams.cli.choices import touchpoint_partitions
from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.redis_access import store_of
from streams.config import Config
from streams.errors import EngineError, ExitCode

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
@json_option("one JSON object")
@configured("redis_cluster")
def customer(config: Config, customer_id: str, partitions: int | None, as_json: bool) -> None:
    """Show what is known of a customer: profile, behaviour, risk, decisions, what silence will bring, what is due.

    \b
    Examples:
      retention customer anna
      retention customer anna --partitions 8 --json         needs Redis only
    """
    quiet_libraries()
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
        decisions = short_view(standing_view(customer_id, record, stored.policy, stored.settings, stored.time))
    profile = profile_view(customer_id, partition, record, stored.settings, stored.forecast, decisions)
    if as_json:
        echo_json(profile)
    else:
        for line in lines(profile):
            echo(line)


async def _stored(config: Config, partition: int, customer_id: str) -> StoredCustomer:
    from streams.operations.customer.stored import stored_customer  # loads River

    async with store_of(config) as store:
        return await stored_customer(store, partition, customer_id)
