"""`retention customer`: shows a stored customer record, and the forecast for further silence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from models.customer.record import unpack
from models.customer.tail import UnknownRecord
from models.timeline.partitioning import partition_of
from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.redis_access import store_of
from streams.config import Config
from streams.errors import EngineError, ExitCode, StateUnreadable
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import kafka_connection

if TYPE_CHECKING:
    from models.settings import EngineSettings
    from streams.operations.customer.forecast import CustomerForecast


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
    """Show what is known of a customer: profile, behaviour, risk, what silence will bring, what is due next.

    \b
    Examples:
      retention customer anna
      retention customer anna --partitions 8 --json         needs Redis only
    """
    quiet_libraries()
    from streams.operations.customer.portrait import lines, profile_view  # loads the engine

    if partitions is None:
        with TopicAdmin(kafka_connection(config)) as admin:
            partitions = admin.topic(config.topic("touchpoints")).partitions
    partition = partition_of(customer_id, partitions)
    value, settings, foreseen = asyncio.run(_stored(config, partition, customer_id))
    if value is None:
        raise CustomerUnknown(
            f"no record of customer {customer_id!r} in app {config.app!r}, partition {partition} of {partitions}, "
            f"at {config.shown_redis_url}"
        )
    try:
        record = unpack(customer_id.encode(), value)
    except UnknownRecord as error:
        raise RecordUnreadable(str(error)) from error
    profile = profile_view(customer_id, partition, record, settings, foreseen)
    if as_json:
        echo_json(profile)
    else:
        for line in lines(profile):
            echo(line)


async def _stored(
    config: Config, partition: int, customer_id: str
) -> tuple[bytes | None, EngineSettings | None, CustomerForecast | None]:
    """The record, the settings that it is kept by, and what the model foresees; without what depends on the shard's or
    the model's state where that can't be read, which is said."""
    from streams.operations.customer.forecast import customer_forecast  # loads River
    from streams.shard.meta import settings_in_force, unpack_body

    shard, settings = str(partition), None
    async with store_of(config) as store:
        [value] = await store.load(shard, [b"c:" + customer_id.encode()])
        meta = await store.read_meta(shard)
        if value is None or meta is None:
            return value, None, None
        try:
            body = unpack_body(shard, meta.body)
            # Those that are configured here need not be the workers'.
            settings = settings_in_force(shard, body)
            return value, settings, await customer_forecast(store, body, settings, customer_id, value)
        except StateUnreadable as error:
            echo(f"no forecast: {error}", err=True)
        except UnknownRecord:  # the caller says so
            pass
        return value, settings, None
