"""`retention may-contact`: may this customer be contacted now? The gates' answer, for other senders and for looking."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, get_args

import click

from models.touchpoints.fields import ActionPurpose
from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.errors import ExitCode
from streams.kafka.security import kafka_connection
from streams.operations.partitions import touchpoint_partitions
from streams.operations.redis_access import store_of
from streams.text import moment

if TYPE_CHECKING:
    from streams.operations.may_contact import Answer, Question


@click.command("may-contact")
@click.argument("customer")
@click.option("--purpose", type=click.Choice(get_args(ActionPurpose)), required=True, help="of the contact")
@click.option("--channel", required=True, help="by which it would go")
@click.option("--promotion", is_flag=True, help="it offers something")
@click.option("--reserve", is_flag=True, help="keep the contact for the one who asks")
@click.option("--lasts", "lasts_s", type=click.IntRange(1), default=3_600, show_default=True, help="seconds, of that")
@click.option("--id", "name", help="of the reservation; the same one again reserves nothing more")
@click.option("--by", help="who asks")
@click.option("--partitions", type=click.IntRange(1), help="of the touchpoints topic; asked of Kafka when left out")
@json_option("one JSON object")
@configured("redis_cluster")
def may_contact(
    config: Config,
    customer: str,
    purpose: ActionPurpose,
    channel: str,
    promotion: bool,
    reserve: bool,
    lasts_s: int,
    name: str | None,
    by: str | None,
    partitions: int | None,
    as_json: bool,
) -> None:
    """Ask whether a customer may be contacted now, by whatever sender: all gates that stand against it.

    With --reserve the contact is kept for the one who asks, through the log, so that of two senders one gets the last
    contact under a cap. What becomes of it is told with the reservation's id as `trigger_id`: `campaign_received` where
    it was sent, `offer_withdrawn` where it was not; without a word it counts as delivered.

    Exit code 1 if the customer may not be contacted.

    \b
    Examples:
      retention may-contact anna --purpose marketing --channel email
      retention may-contact anna --purpose marketing --channel email --promotion --reserve --by crm --json
    """
    quiet_libraries()
    from streams.operations.may_contact import Question

    count = partitions or touchpoint_partitions(config)
    question = Question(
        customer=customer,
        purpose=purpose,
        channel=channel,
        promotion=promotion,
        reserve=reserve,
        lasts_s=lasts_s,
        id=name,
        by=by,
    )
    answer = asyncio.run(_ask(config, count, question))
    if as_json:
        echo_json(answer.data(question))
    else:
        _show(answer, question)
    sys.exit(ExitCode.OK if answer.allowed else ExitCode.FAILURE)


async def _ask(config: Config, partitions: int, question: Question) -> Answer:
    from streams.operations.doors import Door, Questions

    door = Door(kafka_connection(config), config.topic("touchpoints"))
    try:
        async with store_of(config) as store:
            return await Questions(store, partitions, door).answer(question)
    finally:
        await door.close()


def _show(answer: Answer, question: Question) -> None:
    may = "may" if answer.allowed else "may not"
    what = f"{question.purpose} by {question.channel}"
    echo(f"{question.customer}: {what} {may} go out, as of {moment(answer.time)}")
    for one in answer.gates:
        until = f" until {moment(one.until)}" if one.until else ""
        echo(f"  {one.gate}{until}: {one.team}")
    if answer.reservation:
        echo(f"  reserved as {answer.reservation} until {moment(answer.reserved_until)}")
    elif question.reserve and answer.allowed:
        echo("  nothing is reserved: nobody counts it")
    if not answer.known:
        echo("  nothing is known of this customer")
    if answer.control:
        echo("  the customer is of our control group")
