"""`retention valid`: whether a trigger that is still held may be sent."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.errors import ExitCode
from streams.operations.partitions import touchpoint_partitions
from streams.operations.redis_access import store_of
from streams.text import moment

if TYPE_CHECKING:
    from streams.operations.valid import Validity


@click.command()
@click.argument("customer_id")
@click.argument("trigger_id")
@click.option("--partitions", type=int, help="of the touchpoints topic; without it Kafka is asked")
@json_option("one JSON object")
@configured("redis_cluster")
def valid(config: Config, customer_id: str, trigger_id: str, partitions: int | None, as_json: bool) -> None:
    """Say whether a trigger may still be sent: ask where more than ten minutes have passed since it came.

    Ends with exit code 1 where it may not. The same is answered by a worker over HTTP: /valid?customer=...&trigger=...

    \b
    Examples:
      retention valid anna 4f1d3c5e7a9b0d2f4f1d3c5e7a9b0d2f
      retention valid anna 4f1d3c5e7a9b0d2f4f1d3c5e7a9b0d2f --json
    """
    quiet_libraries()
    answer = asyncio.run(_valid(config, partitions or touchpoint_partitions(config), customer_id, trigger_id))
    if as_json:
        echo_json(answer._asdict())
    else:
        told = "may be sent" if answer.valid else f"must not be sent: {answer.reason}"
        stop = f" (stop {answer.stop})" if answer.stop else ""
        echo(f"{trigger_id} of {customer_id} {told}{stop}; as of {moment(answer.as_of)}")
    sys.exit(ExitCode.OK if answer.valid else ExitCode.FAILURE)


async def _valid(config: Config, partitions: int, customer: str, trigger: str) -> Validity:
    from streams.operations.valid import is_valid  # loads the engine

    async with store_of(config) as store:
        return await is_valid(store, partitions, customer, trigger)
